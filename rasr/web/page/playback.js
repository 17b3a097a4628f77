/** Sentences that are heard: from which word on, and which word is marked while it is heard. */

import { placeWords } from "./words.js";

/** Sound before and after a piece that is played with it: words begin softly. */
export const MARGIN_MS = 150;

/** Where the sound comes from, and how long it is played, `play` and `stop` of a subclass decide. */
export class Playback {
  /** @param {import("./sentence_list.js").SentenceList} list */
  constructor(list) {
    this.list = list;
    /** The sentence that is heard. @type {{entry: object, places: object[], said: number | null} | null} */
    this.playing = null;
  }

  /** Play a sentence from its beginning, or from the word that is chosen in it; stop it if it plays. */
  toggle(entry) {
    if (entry.isPlaying) {
      this.stop();
    } else if (entry.chosenWord !== null) {
      this.playWord(entry, entry.chosenWord);
    } else {
      this.play(entry, entry.segment.start_time);
    }
  }

  /** @param {number} index of the word in `word_info` */
  playWord(entry, index) {
    this.play(entry, entry.segment.result.word_info[index].start_time);
  }

  /** This sentence is heard from now on. */
  begin(entry) {
    this.playing = { entry, places: placeWords(entry.segment.result), said: null };
    this.list.showPlaying(entry, true);
  }

  /** No sentence is heard any more. */
  clear() {
    if (this.playing !== null) {
      this.list.showPlaying(this.playing.entry, false);
      this.playing = null;
    }
  }

  /** Mark the word of the sentence that is heard at `ms`. */
  mark(ms) {
    const { entry, places, said } = this.playing;
    const now = places.findLast(({ startMs }) => startMs <= ms)?.index ?? null;
    if (now !== said) {
      this.playing.said = now;
      this.list.markSaid(entry, now);
    }
  }
}
