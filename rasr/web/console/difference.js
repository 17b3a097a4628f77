/** Where two texts differ, by their words; of Chinese by its characters. */

const TOKENS = /\p{Script=Han}|[^\s\p{Script=Han}]+/gu;

/**
 * @param {string} before
 * @param {string} after
 * @returns {{before: {text: string, isSame: boolean}[], after: {text: string, isSame: boolean}[]}} the texts in pieces
 */
export function difference(before, after) {
  const [a, b] = [pieces(before), pieces(after)];
  const common = lengths(a, b);
  const same = [new Set(), new Set()];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i].word === b[j].word) {
      same[0].add(i++);
      same[1].add(j++);
    } else if (common[i + 1][j] >= common[i][j + 1]) {
      i += 1;
    } else {
      j += 1;
    }
  }
  return { before: joined(a, same[0]), after: joined(b, same[1]) };
}

/** @returns {{text: string, word: string}[]} text: the word with the blanks before it */
function pieces(text) {
  let end = 0;
  return [...text.trim().matchAll(TOKENS)].map((match) => {
    const piece = { text: text.trim().slice(end, match.index + match[0].length), word: match[0] };
    end = match.index + match[0].length;
    return piece;
  });
}

/** Lengths of the longest common subsequences of what is left of both. */
function lengths(a, b) {
  const table = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      table[i][j] = a[i].word === b[j].word ? table[i + 1][j + 1] + 1 : Math.max(table[i + 1][j], table[i][j + 1]);
    }
  }
  return table;
}

/** Neighbours that are alike are one piece. */
function joined(list, same) {
  const found = [];
  list.forEach(({ text }, at) => {
    const isSame = same.has(at);
    if (found.at(-1)?.isSame === isSame) {
      found.at(-1).text += text;
    } else {
      found.push({ text, isSame });
    }
  });
  return found;
}
