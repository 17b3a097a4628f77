/** Sentences of takes that are heard again: one at a time, to its end. */

import { MARGIN_MS, Playback } from "./playback.js";

export class TakePlayback extends Playback {
  /**
   * @param {import("./player.js").Player} player
   * @param {import("./sentence_list.js").SentenceList} list
   * @param {(key: string) => void} tell why something is not heard
   */
  constructor(player, list, tell) {
    super(list);
    this.player = player;
    this.tell = tell;
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
    this.begin(entry);
    const { playing } = this;
    this.player.play(sound, take.rate, () => {
      if (this.playing === playing) {
        this.clear();
      }
    });
    this.follow(playing, fromMs, Math.max(startMs, take.keptFromMs));
  }

  stop() {
    this.player.stop();
    this.clear();
  }

  /** Mark the word that is heard now, as long as it plays. */
  follow(playing, fromMs, startMs) {
    if (this.playing === playing) {
      this.mark(Math.max(fromMs, startMs + this.player.elapsedMs));
      requestAnimationFrame(() => this.follow(playing, fromMs, startMs));
    }
  }
}
