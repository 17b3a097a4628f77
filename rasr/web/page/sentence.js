/** One sentence as elements: a button with its time, its words, and a button to correct it. */

import { clock } from "./exports.js";
import { placeWords } from "./words.js";

let lastNumber = 0;

/**
 * @param {object} entry of the list of sentences
 * @param {import("../shared/texts.js").Texts} texts
 * @returns {HTMLElement}
 */
export function sentenceRow(entry, texts) {
  const { segment, number } = entry;
  lastNumber += 1;
  const row = document.createElement("article");
  row.className = entry.isPlaying ? "sentence playing" : "sentence";
  row.setAttribute("aria-posinset", number);
  // More may follow at any time.
  row.setAttribute("aria-setsize", "-1");
  const time = document.createElement("time");
  time.textContent = clock(segment.start_time);
  const words = document.createElement("span");
  words.className = "words";
  words.id = `sentence-${lastNumber}`;
  row.setAttribute("aria-labelledby", words.id);
  row.append(button("play", texts.say("play_sentence", { time: time.textContent }), time), words, button("edit", texts.say("correct"), pencil()));
  setReachable(row, entry.isCurrent);
  writeWords(entry, row, texts);
  return row;
}

/** Tab stops at one sentence of all; arrows go to the others. */
export function setReachable(row, isReachable) {
  for (const element of [row, ...row.querySelectorAll("button")]) {
    element.tabIndex = isReachable ? 0 : -1;
  }
}

/** Write the words of a sentence, those that were searched for marked. */
export function writeWords(entry, row, texts) {
  const { text } = entry.segment.result;
  const places = placeWords(entry.segment.result);
  const nodes = document.createDocumentFragment();
  const marked = marker(text, entry.hits);
  let at = 0;
  for (const { index, start, end, isUnsure } of places) {
    nodes.append(...marked(at, start));
    const word = document.createElement("data");
    word.value = index;
    word.classList.toggle("unsure", isUnsure);
    word.classList.toggle("chosen", index === entry.chosenWord);
    word.append(...marked(start, end));
    nodes.append(word);
    at = end;
  }
  marked(at, text.length).forEach((node) => nodes.append(node));
  const words = row.querySelector(".words");
  words.replaceChildren(nodes);
  words.classList.toggle("corrected", entry.segment.original !== undefined);
  if (text === "") {
    words.append(texts.say("empty_sentence"));
  }
  words.classList.toggle("empty", text === "");
  const unsure = places.filter(({ isUnsure }) => isUnsure).map(({ start, end }) => text.slice(start, end));
  describe(row, [
    ...(unsure.length > 0 ? [texts.say("unsure_words", { words: unsure.join(", ") })] : []),
    ...(entry.segment.original === undefined ? [] : [texts.say("was_corrected")]),
  ]);
}

function describe(row, sentences) {
  if (sentences.length > 0) {
    row.setAttribute("aria-description", sentences.join(" "));
  } else {
    row.removeAttribute("aria-description");
  }
}

/**
 * Pieces of the text, one after the other, with `mark` around what was searched for.
 * @returns {(from: number, to: number) => (string | HTMLElement)[]}
 */
function marker(text, hits) {
  let next = 0;
  return (from, to) => {
    const nodes = [];
    let at = from;
    while (hits[next]?.start < to) {
      const { start, end, isCurrent } = hits[next];
      const [first, last] = [Math.max(start, from), Math.min(end, to)];
      if (first < last) {
        const mark = document.createElement("mark");
        mark.textContent = text.slice(first, last);
        mark.classList.toggle("current", isCurrent);
        nodes.push(text.slice(at, first), mark);
        at = last;
      }
      if (end > to) {
        // Its rest is in the next piece.
        break;
      }
      next += 1;
    }
    return [...nodes, text.slice(at, to)].filter((node) => node !== "");
  };
}

function button(name, label, content) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = name;
  button.setAttribute("aria-label", label);
  button.append(content);
  return button;
}

const PENCIL = new DOMParser().parseFromString(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" aria-hidden="true"><path d="M4 20l1-4L16.5 4.5a2.1 2.1 0 0 1 3 3L8 19z"/></svg>',
  "image/svg+xml",
).documentElement;

function pencil() {
  return document.importNode(PENCIL, true);
}
