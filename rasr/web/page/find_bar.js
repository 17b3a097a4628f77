/** Looks for words in all sentences: how many there are, the next and the one before, and their sound. */

import { findAll, fold } from "./search.js";
import { placeWords } from "./words.js";

export class FindBar {
  /**
   * @param {Document} root
   * @param {import("../shared/texts.js").Texts} texts
   * @param {import("./sentence_list.js").SentenceList} list
   * @param {import("./playback.js").Playback} playback
   * @param {string} prefix of the ids of its elements
   */
  constructor(root, texts, list, playback, prefix) {
    this.texts = texts;
    this.list = list;
    this.playback = playback;
    const find = (id) => root.querySelector(`#${prefix}${id}`);
    this.button = find("find-open");
    this.bar = find("find");
    this.field = find("find-text");
    this.count = find("find-count");
    /** @type {{entry: object, start: number, end: number, isCurrent: boolean}[]} in the order of the text */
    this.hits = [];
    this.at = -1;
    /** @type {WeakMap<object, {text: string, folded: import("./search.js").Folded}>} */
    this.folded = new WeakMap();
    const on = (id, call) => find(id).addEventListener("click", call);
    on("find-open", () => (this.isOpen ? this.close() : this.open()));
    on("find-next", () => this.go(1));
    on("find-before", () => this.go(-1));
    on("find-play", () => this.play());
    this.field.addEventListener("input", () => this.look());
    this.bar.addEventListener("keydown", (event) => this.press(event));
    root.addEventListener("keydown", (event) => {
      // The browser's own search does not know sentences that are far away. Pressed twice, it comes.
      // A capital letter with Caps Lock on.
      const isAsked = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "f";
      if (isAsked && this.button.checkVisibility() && event.target !== this.field) {
        event.preventDefault();
        this.open();
      }
    });
  }

  get isOpen() {
    return !this.bar.hidden;
  }

  open() {
    this.bar.hidden = false;
    this.button.setAttribute("aria-expanded", "true");
    this.field.focus();
    this.field.select();
    this.look();
  }

  close() {
    if (!this.isOpen) {
      return;
    }
    const current = this.hits[this.at]?.entry;
    const hadFocus = this.bar.contains(document.activeElement);
    this.bar.hidden = true;
    this.button.setAttribute("aria-expanded", "false");
    this.mark([]);
    if (hadFocus) {
      if (current === undefined) {
        this.button.focus();
      } else {
        this.list.focus(current);
      }
    }
  }

  press(event) {
    if (event.isComposing) {
      return;
    }
    if (event.key === "Enter" && event.target === this.field) {
      event.preventDefault();
      this.go(event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape") {
      this.close();
    }
  }

  /** Look again: for other words, or in a text that has changed. */
  look() {
    this.mark(this.list.entries.flatMap((entry) => this.hitsIn(entry)));
    if (this.hits.length > 0) {
      this.point(0);
    }
    this.tell();
  }

  /** A sentence is new. */
  add(entry) {
    if (this.isOpen) {
      const hits = this.hitsIn(entry);
      entry.hits = hits;
      hits.forEach((hit) => this.hits.push(hit));
      this.list.rewrite(entry);
      this.tell();
    }
  }

  /** A sentence has another text. */
  change() {
    if (this.isOpen) {
      const at = this.at;
      this.mark(this.list.entries.flatMap((one) => this.hitsIn(one)));
      this.at = Math.min(at, this.hits.length - 1);
      if (this.at >= 0) {
        this.hits[this.at].isCurrent = true;
        this.list.rewrite(this.hits[this.at].entry);
      }
      this.tell();
    }
  }

  hitsIn(entry) {
    const { text } = entry.segment.result;
    let kept = this.folded.get(entry);
    if (kept?.text !== text) {
      kept = { text, folded: fold(text) };
      this.folded.set(entry, kept);
    }
    return findAll(kept.folded, this.field.value).map((place) => ({ entry, ...place, isCurrent: false }));
  }

  /** These are found, and no others. */
  mark(hits) {
    const marked = new Set(this.hits.map(({ entry }) => entry));
    for (const entry of marked) {
      entry.hits = [];
    }
    this.hits = hits;
    this.at = -1;
    for (const hit of hits) {
      marked.add(hit.entry);
      hit.entry.hits.push(hit);
    }
    marked.forEach((entry) => this.list.rewrite(entry));
  }

  go(steps) {
    if (this.hits.length > 0) {
      this.point((this.at + steps + this.hits.length) % this.hits.length);
    }
    this.tell();
  }

  point(at) {
    const before = this.hits[this.at];
    if (before !== undefined) {
      before.isCurrent = false;
      this.list.rewrite(before.entry);
    }
    this.at = at;
    const hit = this.hits[at];
    hit.isCurrent = true;
    this.list.reveal(hit.entry);
    this.list.rewrite(hit.entry);
  }

  play() {
    const hit = this.hits[this.at];
    if (hit === undefined) {
      return;
    }
    const word = placeWords(hit.entry.segment.result).find(({ end }) => end > hit.start);
    if (hit.entry.isPlaying) {
      this.playback.stop();
    } else if (word === undefined) {
      this.playback.play(hit.entry, hit.entry.segment.start_time);
    } else {
      this.playback.playWord(hit.entry, word.index);
    }
  }

  tell() {
    const found = this.hits.length;
    const isAsked = this.field.value.trim() !== "";
    this.count.textContent = !isAsked
      ? ""
      : found === 0
        ? this.texts.say("find_none")
        : this.texts.say("find_count", { at: this.at + 1, count: found });
    for (const button of this.bar.querySelectorAll("[data-needs-hit]")) {
      button.setAttribute("aria-disabled", String(found === 0));
    }
  }
}
