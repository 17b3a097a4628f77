/** The words of a sentence: where each stands in its text, when it was said, and whether it is sure. */

/**
 * A word below this confidence is shown as unsure. Moonshine tiny on the bundled recordings: 2 of 100
 * words are below it; with white noise 10 dB below the speech 38, and 62 % of them are wrong, 64 % of all
 * wrong ones. A hint where to look, not a verdict.
 */
export const UNSURE_BELOW = 0.6;

/** So many letters of the text may have no word: marks, or a word that is written otherwise. */
const LONGEST_GAP = 40;

/**
 * @typedef {object} Place
 * @property {number} index of the word in `word_info`
 * @property {number} start first letter in the text
 * @property {number} end behind the last one
 * @property {number} startMs
 * @property {number} endMs
 * @property {boolean} isUnsure
 */

/**
 * @param {{text: string, word_info?: object[]}} result
 * @returns {Place[]} in the order of the text; words that are not found in it are left out
 */
export function placeWords({ text, word_info = [] }) {
  const places = [];
  const letters = text.toLowerCase();
  // A letter whose small form is longer would move all places: then case has to be the same.
  const same = letters.length === text.length;
  let at = 0;
  word_info.forEach(({ word, start_time, end_time, confidence }, index) => {
    const start = word === "" ? -1 : same ? letters.indexOf(word.toLowerCase(), at) : text.indexOf(word, at);
    if (start < 0 || start - at > LONGEST_GAP) {
      return;
    }
    at = start + word.length;
    const isUnsure = confidence !== undefined && confidence < UNSURE_BELOW;
    places.push({ index, start, end: at, startMs: start_time, endMs: end_time, isUnsure });
  });
  return places;
}

const WORD = /[^\s\p{L}\p{N}]*[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}][^\s\p{L}\p{N}]*|[^\s\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]+/gu;

/** @returns {string[]} words between spaces, and each Chinese or Japanese character, with its marks */
export function splitWords(text) {
  return text.match(WORD) ?? [];
}
