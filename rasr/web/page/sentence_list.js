/** The sentences of all takes, each take under its name, and which one the keyboard is at. */

import { Blocks } from "./blocks.js";
import { sentenceRow, setReachable, writeWords } from "./sentence.js";
import { placeWords } from "./words.js";

/** Of all lists of the page. */
let lastHeading = 0;

/**
 * @typedef {object} Entry a sentence on the page
 * @property {import("./take.js").Take} take
 * @property {number} index of its segment in the take
 * @property {number} number among the sentences of the take, from 1
 * @property {object} segment
 * @property {{start: number, end: number, isCurrent: boolean}[]} hits what was searched for in it
 * @property {boolean} isPlaying
 * @property {boolean} isCurrent the one that Tab stops at
 * @property {number | null} chosenWord by the arrow keys
 * @property {HTMLElement | null} row
 */

export class SentenceList {
  /** @param {HTMLElement} place @param {import("../shared/texts.js").Texts} texts */
  constructor(place, texts) {
    this.place = place;
    this.texts = texts;
    /** @type {Entry[]} */
    this.entries = [];
    /** @type {Map<object, {section: HTMLElement, feed: HTMLElement, count: number}>} */
    this.sections = new Map();
    this.blocks = new Blocks(
      (entry) => sentenceRow(entry, texts),
      (entry) => entry.isCurrent || entry.isPlaying,
    );
    /** A person has chosen the current one; else it is the newest. */
    this.isChosen = false;
    /** @type {Entry | null} */
    this.current = null;
    place.addEventListener("focusin", ({ target }) => {
      const entry = this.entryOf(target);
      if (entry !== undefined) {
        this.choose(entry);
      }
    });
  }

  /**
   * @param {import("./take.js").Take} take
   * @param {number} index of its segment
   * @param {boolean} isNear see `Blocks.add`
   * @returns {Entry}
   */
  add(take, index, isNear = true) {
    const section = this.sections.get(take) ?? this.begin(take);
    section.count += 1;
    const entry = {
      take,
      index,
      number: section.count,
      get segment() {
        return take.segments[index];
      },
      hits: [],
      isPlaying: false,
      isCurrent: false,
      chosenWord: null,
    };
    this.entries.push(entry);
    this.blocks.add(section.feed, entry, isNear);
    if (!this.isChosen) {
      this.makeCurrent(entry);
    }
    return entry;
  }

  /** A heading for a take, and a place for its sentences. */
  begin(take) {
    const section = document.createElement("section");
    section.className = "take";
    const heading = document.createElement("h2");
    heading.id = `take-${(lastHeading += 1)}`;
    heading.textContent = take.name;
    const time = document.createElement("time");
    heading.append(" ", time);
    const feed = document.createElement("div");
    feed.setAttribute("role", "feed");
    for (const element of [section, feed]) {
      element.setAttribute("aria-labelledby", heading.id);
    }
    section.append(heading, feed);
    this.place.append(section);
    const made = { section, feed, count: 0 };
    this.sections.set(take, made);
    this.writeTime(take, time);
    return made;
  }

  writeTime({ startedAt }, time) {
    const date = new Date(startedAt);
    const isToday = date.toDateString() === new Date().toDateString();
    const day = isToday ? {} : { dateStyle: "medium" };
    time.dateTime = date.toISOString();
    time.textContent = this.texts.date(date, { ...day, timeStyle: "short" });
  }

  clear() {
    this.blocks.clear();
    this.entries = [];
    this.sections.clear();
    this.current = null;
    this.isChosen = false;
    this.place.replaceChildren();
  }

  /** All texts anew, in another language. */
  write() {
    for (const [take, { section }] of this.sections) {
      this.writeTime(take, section.querySelector("h2 time"));
    }
    this.blocks.shown.forEach((entry) => this.blocks.refresh(entry));
  }

  /** @returns {Entry | undefined} the sentence that an element belongs to */
  entryOf(element) {
    const row = element.closest?.(".sentence");
    return row ? this.blocks.blocks.get(row.parentElement)?.entries.find((entry) => entry.row === row) : undefined;
  }

  /** A person is at this sentence now. */
  choose(entry) {
    this.isChosen = true;
    this.makeCurrent(entry);
  }

  makeCurrent(entry) {
    const before = this.current;
    if (before === entry) {
      return;
    }
    this.current = entry;
    if (before !== null) {
      before.isCurrent = false;
      this.chooseWord(before, null);
      if (before.row !== null) {
        setReachable(before.row, false);
      }
    }
    entry.isCurrent = true;
    if (entry.row !== null) {
      setReachable(entry.row, true);
    }
  }

  /** Bring a sentence into sight. */
  reveal(entry, block = "center") {
    this.blocks.show(entry.block);
    entry.row.scrollIntoView({ block });
  }

  focus(entry) {
    this.reveal(entry, "nearest");
    entry.row.focus({ preventScroll: true });
  }

  /** @param {number} steps from the current sentence */
  move(steps) {
    const to = this.entries.indexOf(this.current) + steps;
    this.focus(this.entries[Math.min(Math.max(to, 0), this.entries.length - 1)]);
  }

  /** @param {number} steps from the chosen word of the current sentence, which begins before its first */
  moveWord(steps) {
    const places = placeWords(this.current.segment.result);
    if (places.length > 0) {
      const at = places.findIndex(({ index }) => index === this.current.chosenWord) + steps;
      this.chooseWord(this.current, places[Math.min(Math.max(at, 0), places.length - 1)].index);
    }
  }

  chooseWord(entry, index) {
    if (entry.chosenWord !== index) {
      entry.chosenWord = index;
      this.rewrite(entry);
    }
  }

  /** The words of a sentence have changed, or what is marked in them. */
  rewrite(entry) {
    if (entry.row !== null && entry.row.dataset.edited === undefined) {
      writeWords(entry, entry.row, this.texts);
    }
  }

  showPlaying(entry, isPlaying) {
    entry.isPlaying = isPlaying;
    entry.row?.classList.toggle("playing", isPlaying);
    if (!isPlaying) {
      this.markSaid(entry, null);
    }
  }

  /** Mark the word that is heard now. */
  markSaid(entry, index) {
    if (entry.row !== null) {
      entry.row.querySelector("data.said")?.classList.remove("said");
      if (index !== null) {
        entry.row.querySelector(`data[value="${index}"]`)?.classList.add("said");
      }
    }
  }
}
