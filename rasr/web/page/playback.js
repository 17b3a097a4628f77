/** Sentences that are heard again: one at a time, from a word on, with the word marked that is heard. */

import { placeWords } from "./words.js";

/** Sound before and after a piece that is played with it: words begin softly. */
const MARGIN_MS = 150;

export class Playback {
  /**
   * @param {import("./player.js").Player} player
   * @param {import("./sentence_list.js").SentenceList} list
   * @param {(key: string) => void} tell why something is not heard
   */
  constructor(player, list, tell) {
    this.player = player;
    this.list = list;
    this.tell = tell;
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

  /** Play a sentence from `fromMs` of its take to its end. */
  play(entry, fromMs) {
    const { take, segment } = entry;
    this.clear();
    const startMs = Math.max(0, fromMs - MARGIN_MS);
    const sound = fromMs < take.keptFromMs ? new Int16Array() : take.cut(startMs, segment.end_time + MARGIN_MS);
    if (sound.length === 0) {
      this.player.stop();
      this.tell(take.samples === 0 ? "sound_missing" : "sound_old");
      return;
    }
    const playing = { entry, fromMs, startMs: Math.max(startMs, take.keptFromMs), places: placeWords(segment.result), said: null };
    this.player.play(sound, take.rate, () => {
      if (this.playing === playing) {
        this.clear();
      }
    });
    this.playing = playing;
    this.list.showPlaying(entry, true);
    this.follow(playing);
  }

  stop() {
    this.player.stop();
    this.clear();
  }

  clear() {
    if (this.playing !== null) {
      this.list.showPlaying(this.playing.entry, false);
      this.playing = null;
    }
  }

  /** Mark the word that is heard now, as long as it plays. */
  follow(playing) {
    if (this.playing !== playing) {
      return;
    }
    const ms = Math.max(playing.fromMs, playing.startMs + this.player.elapsedMs);
    const said = playing.places.findLast(({ startMs }) => startMs <= ms)?.index ?? null;
    if (said !== playing.said) {
      playing.said = said;
      this.list.markSaid(playing.entry, said);
    }
    requestAnimationFrame(() => this.follow(playing));
  }
}
