/** Every text of the page, in English and Chinese, and which of them is shown. */

import { CHINESE } from "./chinese.js";
import { ENGLISH } from "./english.js";

export const TEXTS = { en: ENGLISH, zh: CHINESE };

/** "en" or "zh": the languages that the browser prefers, best first, decide. */
export function preferred(languages) {
  const known = languages.map((language) => language.toLowerCase().split("-")[0]);
  return known.find((language) => language in TEXTS) ?? "en";
}

export class Texts {
  constructor(language) {
    this.language = language;
  }

  /** @param {string} key of TEXTS; {names} in it stand for `values`, of which one may be a list */
  say(key, values = {}) {
    return TEXTS[this.language][key].replace(/\{(\w+)\}/g, (_, name) => this.listed(values[name]));
  }

  listed(value) {
    return Array.isArray(value) ? new Intl.ListFormat(this.language).format(value) : String(value);
  }

  /** @param {number | Date} when @param {Intl.DateTimeFormatOptions} options */
  date(when, options) {
    return new Intl.DateTimeFormat(this.language === "zh" ? "zh-CN" : "en-GB", options).format(when);
  }

  /** Write the texts into every element that asks for one. */
  fill(root) {
    root.documentElement.lang = this.language === "zh" ? "zh-CN" : "en";
    root.title = this.say("title");
    for (const element of root.querySelectorAll("[data-text]")) {
      element.textContent = this.say(element.dataset.text);
    }
    for (const element of root.querySelectorAll("[data-label]")) {
      element.setAttribute("aria-label", this.say(element.dataset.label));
    }
  }
}
