/**
 * A recording that is heard: from any place on, as long as nobody stops it. The browser plays the file as it is, so
 * that five hours take no memory.
 */

import { MARGIN_MS, Playback } from "../playback.js";

/** No sentence is longer, ms: `max_seconds` is 60 at most. */
const LONGEST_MS = 61_000;

export class RecordingPlayback extends Playback {
  /**
   * @param {HTMLAudioElement} audio
   * @param {import("../sentence_list.js").SentenceList} list
   * @param {() => void} tellMissing there is nothing to be heard
   */
  constructor(audio, list, tellMissing) {
    super(list);
    this.audio = audio;
    this.tellMissing = tellMissing;
    this.url = null;
    /** What was asked for: the sound begins a little earlier. */
    this.fromMs = 0;
    /** Somebody writes: nothing moves. */
    this.isHeld = () => false;
    /** Is told where the recording is. @type {(ms: number) => void} */
    this.onTime = () => {};
    audio.addEventListener("play", () => this.follow());
    audio.addEventListener("pause", () => this.clear());
    audio.addEventListener("seeked", () => this.tellTime());
  }

  get canPlay() {
    return this.url !== null && this.audio.error === null;
  }

  /** @param {Blob | null} file null: there is none */
  load(file) {
    this.audio.pause();
    this.clear();
    if (this.url !== null) {
      URL.revokeObjectURL(this.url);
      this.audio.removeAttribute("src");
      this.audio.load();
    }
    this.fromMs = 0;
    this.url = file === null ? null : URL.createObjectURL(file);
    if (this.url !== null) {
      this.audio.src = this.url;
    }
  }

  /** @param {object} entry of a sentence @param {number} fromMs of the recording */
  play(entry, fromMs) {
    if (!this.canPlay) {
      this.tellMissing();
      return;
    }
    this.clear();
    this.begin(entry);
    this.goTo(fromMs, MARGIN_MS);
    this.resume();
  }

  stop() {
    this.audio.pause();
  }

  resume() {
    if (this.canPlay) {
      // What the browser cannot play it says by an event.
      this.audio.play().catch(() => {});
    } else {
      this.tellMissing();
    }
  }

  /** @param {number} ms @param {number} marginMs sound before it */
  goTo(ms, marginMs = 0) {
    this.fromMs = ms;
    this.audio.currentTime = Math.max(0, ms - marginMs) / 1000;
  }

  get ms() {
    const ms = this.audio.currentTime * 1000;
    // Its margin is heard before what was asked for.
    return ms < this.fromMs && ms >= this.fromMs - MARGIN_MS - 1 ? this.fromMs : ms;
  }

  /**
   * The sentence that is heard at `ms`; undefined: none. Where two speak at once it is the one that was heard before,
   * or else the later one.
   */
  entryAt(ms) {
    const current = this.playing?.entry;
    if (current !== undefined && current.segment.start_time <= ms && ms <= current.segment.end_time) {
      return current;
    }
    const { entries } = this.list;
    let [low, high] = [0, entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (entries[middle].segment.start_time <= ms) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    for (let at = low - 1; at >= 0 && entries[at].segment.start_time >= ms - LONGEST_MS; at -= 1) {
      if (ms <= entries[at].segment.end_time + MARGIN_MS) {
        return entries[at];
      }
    }
    return undefined;
  }

  /** Mark what is heard, as long as it plays. */
  follow() {
    if (this.audio.paused) {
      return;
    }
    const { ms } = this;
    this.point(this.entryAt(ms));
    if (this.playing !== null) {
      this.mark(ms);
    }
    this.tellTime();
    requestAnimationFrame(() => this.follow());
  }

  point(entry) {
    const before = this.playing?.entry;
    if (entry === before) {
      return;
    }
    const wasSeen = before === undefined || isSeen(before.row);
    this.clear();
    if (entry !== undefined) {
      this.begin(entry);
      // Who has scrolled away reads there.
      if (wasSeen && before !== undefined && !this.isHeld()) {
        this.list.reveal(entry, "nearest");
      }
    }
  }

  tellTime() {
    this.onTime(this.ms);
  }
}

function isSeen(row) {
  const { top, bottom } = row?.getBoundingClientRect() ?? { top: -1, bottom: -1 };
  return bottom > 0 && top < innerHeight;
}
