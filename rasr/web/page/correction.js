/** A sentence that a person corrects: its new text, with the times of its words as far as they are known. */

import { splitWords } from "./words.js";

/** A word that is put between two others takes their pause if that is as long as this for each, ms. */
const SHORTEST_WORD_MS = 60;

/**
 * The segment with another text. What was recognised is kept as `original`, and comes back when the
 * same text is written again. Words that stay keep their times; what stands in their place takes the
 * time of what it replaces.
 *
 * @param {object} segment as the protocol has it, or already corrected
 * @param {string} text
 * @returns {object} a new segment
 */
export function corrected(segment, text) {
  const { original = segment.result, ...rest } = segment;
  const line = oneLine(text);
  if (line === oneLine(original.text)) {
    return { ...rest, result: original };
  }
  const { word_info } = original;
  const words = word_info === undefined ? {} : { word_info: timed(line, word_info) };
  return { ...rest, result: { ...original, text: line, ...words }, original };
}

/** White space of any kind becomes one space. */
export function oneLine(text) {
  return text.split(/\s+/).filter(Boolean).join(" ");
}

/**
 * @param {string} text
 * @param {{word: string, start_time: number, end_time: number}[]} heard
 * @returns {object[]} the words of the text; a `score` of 0 says, as in the protocol, that times are guessed
 */
function timed(text, heard) {
  const old = heard.flatMap(single);
  const now = splitWords(text);
  const words = [];
  let [a, b] = [0, 0];
  for (const [i, j] of [...common(old.map(({ word }) => key(word)), now.map(key)), [old.length, now.length]]) {
    insert(words, now.slice(b, j), old.slice(a, i), old[i]);
    if (i < old.length) {
      words.push(rewritten(old[i], now[j]));
    }
    [a, b] = [i + 1, j + 1];
  }
  return words;
}

/** A word whose case or marks a person has changed is sure. */
function rewritten(entry, word) {
  const { confidence, ...rest } = entry;
  return word === entry.word ? entry : { ...rest, word };
}

/** An entry of several words, such as "$5 million", as one entry for each. */
function single(entry) {
  const parts = splitWords(entry.word);
  return parts.length < 2 ? [entry] : spread(parts, entry.start_time, entry.end_time, entry);
}

/**
 * Append words that nobody heard.
 * @param {object[]} words so far; the last one gives up some of its time where there is no other
 * @param {string[]} added
 * @param {object[]} replaced what stood in their place
 * @param {object | undefined} next what follows them
 */
function insert(words, added, replaced, next) {
  if (added.length === 0) {
    return;
  }
  if (replaced.length > 0) {
    append(words, spread(added, replaced[0].start_time, replaced.at(-1).end_time));
    return;
  }
  const last = words.at(-1);
  const [from, to] = [last?.end_time, next?.start_time];
  if (from !== undefined && to !== undefined && to - from >= SHORTEST_WORD_MS * added.length) {
    append(words, spread(added, from, to));
  } else if (last !== undefined) {
    const [before, ...behind] = spread([last.word, ...added], last.start_time, last.end_time);
    words[words.length - 1] = { ...last, end_time: before.end_time };
    append(words, behind);
  } else {
    const at = to ?? 0;
    append(words, spread(added, at, at));
  }
}

/** As `push`, which takes only so many at once. */
function append(words, added) {
  for (const word of added) {
    words.push(word);
  }
}

/** Words over a time, by their letters. */
function spread(words, from, to, traits = {}) {
  const lengths = words.map((word) => [...key(word)].length || 1);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const { confidence } = traits;
  let past = 0;
  return words.map((word, i) => {
    const start_time = from + Math.round(((to - from) * past) / total);
    past += lengths[i];
    const end_time = from + Math.round(((to - from) * past) / total);
    return { word, start_time, end_time, score: 0, ...(confidence === undefined ? {} : { confidence }) };
  });
}

/** The letters of a word, by which it is known again whatever its case and marks. */
function key(word) {
  return word.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "") || word;
}

/** @returns {[number, number][]} places of the longest row of words that both have in this order */
function common(old, now) {
  const width = now.length + 1;
  const longest = new Uint16Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      longest[i * width + j] =
        old[i] === now[j]
          ? longest[(i + 1) * width + j + 1] + 1
          : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
    }
  }
  const pairs = [];
  let [i, j] = [0, 0];
  while (i < old.length && j < now.length) {
    if (old[i] === now[j]) {
      pairs.push([i, j]);
      [i, j] = [i + 1, j + 1];
    } else if (longest[(i + 1) * width + j] >= longest[i * width + j + 1]) {
      i += 1;
    } else {
      j += 1;
    }
  }
  return pairs;
}
