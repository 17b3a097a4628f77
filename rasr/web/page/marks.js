/** Where the places stand in a text that a review of the server has marked. */

/**
 * @param {{text: string, marks?: {name: string, text: string}[]}} result
 * @returns {{name: string, text: string, start: number, end: number}[]} in the order of the marks; those that are
 *   not in the text, which a person may have corrected, are left out
 */
export function placeMarks({ text, marks = [] }) {
  // A letter whose small form is longer would move all places: then case has to be the same.
  const isSame = text.toLowerCase().length === text.length;
  const folded = (words) => (isSame ? words.toLowerCase() : words);
  const letters = folded(text);
  /** Where to look on for the same words. @type {Map<string, number>} */
  const ends = new Map();
  return marks.flatMap(({ name, text: words }) => {
    const wanted = folded(words);
    const key = JSON.stringify([name, wanted]);
    const start = wanted === "" ? -1 : letters.indexOf(wanted, ends.get(key) ?? 0);
    if (start < 0) {
      return [];
    }
    ends.set(key, start + wanted.length);
    return [{ name, text: words, start, end: start + wanted.length }];
  });
}
