/** Where a text has what somebody looks for, whatever the case and the width of its letters. */

/**
 * @param {Folded} folded the text, by `fold`
 * @param {string} query
 * @returns {{start: number, end: number}[]} places in the text as it was before it was folded
 */
export function findAll({ letters, starts, ends }, query) {
  const wanted = fold(query.trim()).letters;
  const found = [];
  for (let at = wanted === "" ? -1 : letters.indexOf(wanted); at >= 0; at = letters.indexOf(wanted, at + wanted.length)) {
    const end = at + wanted.length;
    const place = starts === null ? { start: at, end } : { start: starts[at], end: ends[end - 1] };
    // One letter, such as a ligature, may have it twice.
    if (place.start >= (found.at(-1)?.end ?? 0)) {
      found.push(place);
    }
  }
  return found;
}

/**
 * @typedef {object} Folded
 * @property {string} letters to be compared
 * @property {number[] | null} starts where the letter of the text begins that each of them is of; null: the same places
 * @property {number[] | null} ends where that letter ends
 *
 * @returns {Folded}
 */
export function fold(text) {
  const letters = text.normalize("NFKC").toLowerCase();
  if (letters.length === text.length) {
    return { letters, starts: null, ends: null };
  }
  // A few letters become more or fewer of them: then each is folded alone, to know where it was.
  const folded = [];
  const [starts, ends] = [[], []];
  let at = 0;
  for (const letter of text) {
    const small = letter.normalize("NFKC").toLowerCase();
    folded.push(small);
    for (let i = 0; i < small.length; i += 1) {
      starts.push(at);
      ends.push(at + letter.length);
    }
    at += letter.length;
  }
  return { letters: folded.join(""), starts, ends };
}
