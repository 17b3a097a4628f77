/** One sentence as elements: a button with its time, its words, and a button to correct it. */

import { clock } from "./exports.js";
import { placeMarks } from "./marks.js";
import { speakerOf, speakerSign } from "./speakers.js";
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
  const speaker = speakerOf(segment, texts);
  if (speaker !== null) {
    const sign = speakerSign(speaker);
    sign.id = `speaker-${lastNumber}`;
    row.dataset.speaker = sign.dataset.speaker;
    row.setAttribute("aria-labelledby", `${sign.id} ${words.id}`);
    row.append(sign);
  }
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

/** Write the words of a sentence, marked those that were searched for and those that a review looks for. */
export function writeWords(entry, row, texts) {
  const { text } = entry.segment.result;
  const places = placeWords(entry.segment.result);
  const nodes = document.createDocumentFragment();
  const marks = placeMarks(entry.segment.result);
  const marked = marker(text, entry.hits, marks);
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
    ...(marks.length > 0 ? [texts.say("marked_words", { words: marks.map((one) => `${one.text} (${one.name})`) })] : []),
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
 * Pieces of the text, with `mark` around what was searched for, and what a review looks for underlined.
 * @param {string} text
 * @param {{start: number, end: number, isCurrent: boolean}[]} hits
 * @param {{start: number, end: number, name: string}[]} marks
 * @returns {(from: number, to: number) => (string | HTMLElement)[]}
 */
function marker(text, hits, marks) {
  return (from, to) => {
    const isNear = ({ start, end }) => start < to && end > from;
    const [nearHits, nearMarks] = [hits.filter(isNear), marks.filter(isNear)];
    const ends = [...nearHits, ...nearMarks].flatMap(({ start, end }) => [start, end]).filter((at) => at > from && at < to);
    const cuts = [...new Set([from, ...ends, to])].sort((a, b) => a - b);
    return cuts.slice(0, -1).map((start, i) => {
      const piece = text.slice(start, cuts[i + 1]);
      const has = (one) => one.start <= start && one.end >= cuts[i + 1];
      const [hit, mark] = [nearHits.find(has), nearMarks.find(has)];
      if (hit === undefined && mark === undefined) {
        return piece;
      }
      const element = document.createElement(hit === undefined ? "span" : "mark");
      element.textContent = piece;
      element.classList.toggle("current", hit?.isCurrent ?? false);
      element.classList.toggle("reviewed", mark !== undefined);
      if (mark !== undefined) {
        element.title = mark.name;
      }
      return element;
    });
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
