/** The texts of a page, in English and Chinese, and which of them is shown. */

import { storage } from "./storage.js";

const LANGUAGES = ["en", "zh"];
const KEY = "rasr.language";

/** "en" or "zh": the languages that the browser prefers, best first, decide. */
export function preferred(languages) {
  const known = languages.map((language) => language.toLowerCase().split("-")[0]);
  return known.find((language) => LANGUAGES.includes(language)) ?? "en";
}

export class Texts {
  /**
   * @param {{en: Record<string, string>, zh: Record<string, string>}} tables every text of the page by its key
   * @param {string} language
   */
  constructor(tables, language) {
    this.tables = tables;
    this.language = language;
  }

  /** @param {string} key of the tables; {names} in it stand for `values`, of which one may be a list */
  say(key, values = {}) {
    return this.tables[this.language][key].replace(/\{(\w+)\}/g, (_, name) => this.listed(values[name]));
  }

  listed(value) {
    return Array.isArray(value) ? new Intl.ListFormat(this.language).format(value) : String(value);
  }

  /** The language for those who write numbers and times. */
  get locale() {
    return this.language === "zh" ? "zh-CN" : "en-GB";
  }

  /** @param {number | Date} when @param {Intl.DateTimeFormatOptions} options */
  date(when, options) {
    return new Intl.DateTimeFormat(this.locale, options).format(when);
  }

  /** @param {number} value @param {number} [digits] at most, behind the point */
  number(value, digits = 0) {
    return new Intl.NumberFormat(this.locale, { maximumFractionDigits: digits }).format(value);
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

/** The language of the pages: as a person has chosen it, which the browser keeps, or as the browser prefers it. */
export function chosenLanguage() {
  const remembered = storage.getItem(KEY);
  return preferred(remembered === null ? navigator.languages : [remembered]);
}

/** The button for the other language. */
export class LanguageSwitch {
  /** @param {Document} root @param {Texts} texts @param {() => void} onSwitch writes the page anew */
  constructor(root, texts, onSwitch) {
    this.texts = texts;
    this.button = root.querySelector("#language");
    this.button.addEventListener("click", () => {
      texts.language = texts.language === "en" ? "zh" : "en";
      storage.setItem(KEY, texts.language);
      onSwitch();
    });
  }

  write() {
    this.button.textContent = this.texts.say("other_language");
    this.button.lang = this.texts.language === "en" ? "zh-CN" : "en";
  }
}
