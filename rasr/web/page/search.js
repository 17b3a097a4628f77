/** Where a text has what somebody looks for, whatever the case and the width of its letters. */

/**
 * @param {Folded} folded the text, by `fold`
 * @param {string} query
 * @returns {{start: number, end: number}[]} places in the text as it was before it was folded
 */
export function findAll({ letters, places }, query) {
  const wanted = fold(query.trim()).letters;
  const found = [];
  for (let at = wanted === "" ? -1 : letters.indexOf(wanted); at >= 0; at = letters.indexOf(wanted, at + wanted.length)) {
    const end = at + wanted.length;
    found.push(places === null ? { start: at, end } : { start: places[at], end: places[end] });
  }
  return found;
}

/**
 * @typedef {object} Folded
 * @property {string} letters to be compared
 * @property {number[] | null} places of each of them in the text, and its end; null: the same places
 *
 * @returns {Folded}
 */
export function fold(text) {
  const letters = text.normalize("NFKC").toLowerCase();
  if (letters.length === text.length) {
    return { letters, places: null };
  }
  // A few letters become more or fewer of them: then each is folded alone, to know where it was.
  const folded = [];
  const places = [];
  let at = 0;
  for (const letter of text) {
    const small = letter.normalize("NFKC").toLowerCase();
    folded.push(small);
    places.push(...Array(small.length).fill(at));
    at += letter.length;
  }
  return { letters: folded.join(""), places: [...places, at] };
}
