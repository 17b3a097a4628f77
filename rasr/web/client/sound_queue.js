/**
 * Sound on its way: what has not been sent, and what was sent and has no final yet.
 *
 * Places are samples since the first one that was pushed, dropped ones included. When the queue is
 * full, sent sound is forgotten first; unsent sound is dropped only where nothing else is left,
 * the oldest first, and that is told.
 */

export class SoundQueue {
  /** @param {number} limit most samples that are kept; Infinity where somebody else keeps them */
  constructor(limit) {
    this.limit = limit;
    /** @type {{start: number, samples: Int16Array}[]} */
    this.chunks = [];
    this.sent = 0;
    this.kept = 0;
    this.unsentSamples = 0;
    this.end = 0;
    /** Sound before this place is settled: it has its final. */
    this.settledTo = 0;
  }

  /** Where the sound that is kept begins. */
  get start() {
    return this.chunks.length > 0 ? this.chunks[0].start : this.end;
  }

  /**
   * @param {Int16Array} samples kept as they are: not to be written to any more
   * @returns {{start: number, end: number} | null} unsent sound that had to be dropped
   */
  push(samples) {
    this.chunks.push({ start: this.end, samples });
    this.end += samples.length;
    this.kept += samples.length;
    this.unsentSamples += samples.length;
    let dropped = null;
    while (this.kept > this.limit && this.chunks.length > 1) {
      const wasSent = this.sent > 0;
      const { start, samples: old } = this.shift();
      if (!wasSent) {
        dropped = { start: dropped?.start ?? start, end: start + old.length };
      }
    }
    return dropped;
  }

  /** @returns {{start: number, samples: Int16Array} | null} the next chunk to send, from now sent */
  next() {
    const chunk = this.chunks[this.sent] ?? null;
    if (chunk !== null) {
      this.sent += 1;
      this.unsentSamples -= chunk.samples.length;
    }
    return chunk;
  }

  /** Everything before `place` has been recognised for good. */
  settle(place) {
    this.settledTo = Math.max(this.settledTo, place);
    while (this.sent > 0 && endOf(this.chunks[0]) <= this.settledTo) {
      this.shift();
    }
  }

  /** Everything that is not settled is to be sent again. */
  rewind() {
    while (this.chunks.length > 0 && endOf(this.chunks[0]) <= this.settledTo) {
      this.shift();
    }
    const first = this.chunks[0];
    if (first !== undefined && first.start < this.settledTo) {
      const settled = this.settledTo - first.start;
      this.chunks[0] = { start: this.settledTo, samples: first.samples.subarray(settled) };
      this.kept -= settled;
    }
    this.sent = 0;
    this.unsentSamples = this.kept;
  }

  /**
   * Everything before `place` has arrived; from there on it is to be sent again.
   * @returns {boolean} false: that is not all there any more
   */
  goOnFrom(place) {
    if (place < this.start || place > this.end) {
      return false;
    }
    const at = this.chunks.findIndex((chunk) => endOf(chunk) > place);
    this.sent = at === -1 ? this.chunks.length : at;
    const split = this.chunks[this.sent];
    if (split !== undefined && split.start < place) {
      const arrived = place - split.start;
      const halves = [
        { start: split.start, samples: split.samples.subarray(0, arrived) },
        { start: place, samples: split.samples.subarray(arrived) },
      ];
      this.chunks.splice(this.sent, 1, ...halves);
      this.sent += 1;
    }
    this.unsentSamples = this.end - place;
    return true;
  }

  shift() {
    const chunk = this.chunks.shift();
    this.kept -= chunk.samples.length;
    if (this.sent > 0) {
      this.sent -= 1;
    } else {
      this.unsentSamples -= chunk.samples.length;
    }
    return chunk;
  }
}

function endOf({ start, samples }) {
  return start + samples.length;
}
