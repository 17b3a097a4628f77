/** A table of hot words while it is typed. The server has the last word; this says early what it will say. */

import { nameOf } from "../shared/language_names.js";

export const MOST_WORDS = 1024;
/** Of SIS itself; its words are the shortest ones. */
export const MANDARIN = "chinese_mandarin";
const MOST_BYTES = { [MANDARIN]: 32, other: 64 };
const NAME = /^[A-Za-z0-9_#-]{1,32}$/;
const MANDARIN_WORD = /^[A-Za-z\p{Script=Han}]+$/u;
const PHRASE = /^[\p{L}\p{M}]+([ '’-][\p{L}\p{M}]+)*$/u;

/** The words of a text that has one a line, each once. */
export function wordsOf(text) {
  return [...new Set(lines(text).map(({ word }) => word))];
}

/** @returns {{number: number, word: string}[]} lines with something in them; the first has number 1 */
function lines(text) {
  return text
    .replace(/^\ufeff/, "")
    .split(/\r\n|\r|\n/)
    .map((line, at) => ({ number: at + 1, word: line.trim() }))
    .filter(({ word }) => word !== "");
}

/**
 * What stands in a text that has a word a line.
 *
 * @param {string} text
 * @param {string} language of the table
 * @returns {{count: number, repeated: number, faults: {line: number, word: string, why: "long" | "signs", most: number}[]}}
 */
export function review(text, language) {
  const found = lines(text);
  const most = MOST_BYTES[language] ?? MOST_BYTES.other;
  const form = language === MANDARIN ? MANDARIN_WORD : PHRASE;
  const faults = found.flatMap(({ number, word }) => {
    const isLong = new TextEncoder().encode(word).length > most;
    return isLong || !form.test(word) ? [{ line: number, word, why: isLong ? "long" : "signs", most }] : [];
  });
  const count = new Set(found.map(({ word }) => word)).size;
  return { count, repeated: found.length - count, faults };
}

export function isName(text) {
  return NAME.test(text);
}

/** What the language of a table is called. @param {import("../shared/texts.js").Texts} texts */
export function languageName(language, texts) {
  return language === MANDARIN ? texts.say("mandarin") : nameOf(language, texts.language);
}

/** A name for the table in a file of this name. */
export function nameOfFile(file) {
  const stem = file.replace(/\.[^.]*$/, "").replace(/[^A-Za-z0-9_#-]+/g, "-").replace(/^-+|-+$/g, "");
  return stem.slice(0, 32);
}
