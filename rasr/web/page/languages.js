/** Languages: which of them this server serves. */

import { documentAt } from "../client/answers.js";
import { nameOf } from "../shared/language_names.js";

/** Language of the page → the language that its reader is likely to speak. */
const SPOKEN = { en: "english", zh: "chinese" };
/** What serves English where nothing better is installed: about every third word is wrong. */
const MAKESHIFT = "pocketsphinx";

/** What the server serves, and what it would take to have more. */
export class Offers {
  constructor() {
    /** @type {import("../client/rasr.js").Offer[]} */
    this.properties = [];
    /** @type {{language: string, served: boolean, model: string, recommended?: string, download_mb: number, command: string}[]} */
    this.languages = [];
    /** How a person shows who he is: "none", "password" or "token". */
    this.signIn = "none";
    /** Voices on one channel of a recording can be told apart. */
    this.diarization = false;
  }

  /**
   * @param {string} server its address
   * @throws {Error} it does not answer
   */
  async load(server) {
    const [served, known] = await Promise.all([documentAt(new URL("/properties", server)), languages(server)]);
    this.properties = served.properties;
    this.signIn = served.sign_in ?? "none";
    this.diarization = served.diarization ?? false;
    this.languages = known;
  }

  find(property) {
    return this.properties.find((one) => one.property === property);
  }

  /** Languages that are served, each once. */
  get served() {
    return [...new Set(this.properties.map(({ language }) => language))];
  }

  /** The properties that serve a language; those of 16 kHz and the common domain first. */
  ofLanguage(language) {
    const rank = ({ property }) => (property.endsWith("_16k_common") ? 0 : 1);
    return this.properties.filter((one) => one.language === language).sort((a, b) => rank(a) - rank(b));
  }

  /** What the server says of a language; undefined where it says nothing. */
  about(language) {
    return this.languages.find((one) => one.language === language);
  }

  /** The property to begin with: the one that was chosen, else one of the page's own language. */
  choose(chosen, page) {
    if (this.find(chosen)) {
      return chosen;
    }
    return this.ofLanguage(SPOKEN[page])[0]?.property ?? this.properties[0]?.property ?? "english_16k_common";
  }

  /**
   * What a person should know before speaking: notices with their cure.
   *
   * @param {string} property that is chosen
   * @param {string} page language of the page
   * @returns {{name: string, values: object, command: string}[]}
   */
  advice(property, page) {
    const found = [];
    const own = this.about(SPOKEN[page]);
    if (own && own.command && !this.served.includes(own.language)) {
      found.push({ name: "unserved", values: cureOf(own, page), command: own.command });
    }
    const offer = this.find(property);
    const about = offer && this.about(offer.language);
    if (about && about.command && offer.model === MAKESHIFT) {
      const values = { ...cureOf(about, page), model: offer.model };
      found.push({ name: "makeshift", values, command: about.command });
    }
    return found;
  }
}

/** Values of the texts that say how a language is brought. */
export function cureOf({ language, model, recommended, download_mb }, page) {
  const size = download_mb ? ` (${download_mb} MB)` : "";
  return { language: nameOf(language, page), better: recommended ?? model, size };
}

async function languages(server) {
  try {
    return (await documentAt(new URL("/languages", server))).languages;
  } catch {
    // Without it there is no advice.
    return [];
  }
}
