/** A text that is being spoken, and the word in it that is heard now. */

import { element } from "../shared/elements.js";

/** A word is looked for so far behind the one before it, in characters: what is further on is another one. */
const NEAR = 200;
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

export class SpokenText {
  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
    /** @type {{span: HTMLElement, startMs: number}[]} in the order in which they are said */
    this.words = [];
    this.marked = null;
  }

  /** @param {string} text as it is written; of SSML without its tags */
  begin(text) {
    this.words = [];
    this.marked = null;
    /** What is written behind the last word that is known. */
    this.rest = document.createTextNode(plain(text));
    this.place.replaceChildren(this.rest);
    this.place.scrollTop = 0;
  }

  /**
   * Words that are about to be said. One that does not stand there as it is told, such as of an abbreviation that SSML
   * has in full, is not marked.
   *
   * @param {import("../client/rasr.js").SaidWord[]} words
   */
  add(words) {
    for (const { text, start_time } of words) {
      const at = this.rest.data.indexOf(text);
      if (at >= 0 && at < NEAR) {
        const word = this.rest.splitText(at);
        this.rest = word.splitText(text.length);
        const span = element("span", { textContent: text });
        word.replaceWith(span);
        this.words.push({ span, startMs: start_time });
      }
    }
  }

  /** Mark what is heard at a time. @param {number} ms since the first sample */
  mark(ms) {
    const said = this.words.findLast(({ startMs }) => startMs <= ms) ?? null;
    if (said !== this.marked) {
      this.marked?.span.classList.remove("said");
      this.marked = said;
      said?.span.classList.add("said");
      this.follow(said?.span);
    }
  }

  /** Keep it in sight, within the place alone: the page stays where it is. */
  follow(span) {
    const { place } = this;
    if (span !== undefined && (span.offsetTop < place.scrollTop || span.offsetTop + span.offsetHeight > place.scrollTop + place.clientHeight)) {
      place.scrollTop = span.offsetTop - place.clientHeight / 3;
    }
  }
}

/** A text without its tags. It is shown and no more: what of it is said, and whether it is valid, the server knows. */
function plain(text) {
  if (!text.trimStart().startsWith("<speak")) {
    return text;
  }
  return text.replace(/<[^>]*>/g, "").replace(/&(amp|lt|gt|quot|apos);/g, (_, name) => ENTITIES[name]).trim();
}
