/** The text on the page: finals in order, and below them the partial that may still change. */

import { clock } from "./exports.js";
import { Player } from "./player.js";

/** Sound before and after a sentence that is played with it: words begin softly. */
const MARGIN_MS = 150;

export class Transcript {
  /** @param {Document} root @param {import("./texts.js").Texts} texts */
  constructor(root, texts) {
    this.finals = root.querySelector("#finals");
    this.partial = root.querySelector("#partial");
    this.section = root.querySelector("#text");
    this.texts = texts;
    /** @type {import("./take.js").Take[]} */
    this.takes = [];
    this.player = new Player();
  }

  get isEmpty() {
    return this.finals.childElementCount === 0;
  }

  /** Where the next take begins on the clock of the page, in ms. */
  get endMs() {
    const last = this.takes.at(-1);
    return last === undefined ? 0 : last.startMs + Math.round(last.lengthMs);
  }

  add(take) {
    this.takes.push(take);
  }

  showPartial(segment) {
    const { text, stable = 0 } = segment.result;
    const letters = [...text];
    const settled = document.createElement("span");
    settled.className = "settled";
    settled.textContent = letters.slice(0, stable).join("");
    this.partial.replaceChildren(settled, letters.slice(stable).join(""));
    this.partial.hidden = text === "";
    this.show();
  }

  showFinal(take, segment) {
    this.hidePartial();
    take.segments.push(segment);
    if (segment.result.text.trim() !== "") {
      this.finals.append(this.sentence(take, segment));
      this.show();
    }
  }

  hidePartial() {
    this.partial.hidden = true;
    this.partial.textContent = "";
  }

  clear() {
    this.player.stop();
    this.takes = [];
    this.finals.replaceChildren();
    this.hidePartial();
    this.show();
  }

  show() {
    const nothing = this.isEmpty && this.partial.hidden;
    this.section.hidden = nothing;
    document.body.classList.toggle("blank", nothing);
    const page = document.scrollingElement;
    // Somebody who has scrolled up reads there: the page follows only who is at its end.
    if (page.scrollHeight - page.scrollTop - page.clientHeight < 240) {
      page.scrollTop = page.scrollHeight;
    }
  }

  sentence(take, segment) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sentence";
    const time = document.createElement("time");
    time.textContent = clock(take.startMs + segment.start_time);
    const words = document.createElement("span");
    words.textContent = segment.result.text;
    button.append(time, " ", words);
    button.addEventListener("click", () => this.play(button, take, segment));
    return button;
  }

  play(button, take, { start_time, end_time }) {
    if (button.classList.contains("playing")) {
      this.player.stop();
      return;
    }
    const sound = take.cut(start_time - MARGIN_MS, end_time + MARGIN_MS);
    this.player.play(sound, take.rate, () => button.classList.remove("playing"));
    button.classList.toggle("playing", sound.length > 0);
  }
}
