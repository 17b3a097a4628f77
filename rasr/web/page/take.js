/** A take: the sound of one press of the button, or of one file, and the sentences heard in it. */

/** Sound that a page keeps, oldest given up first: an hour at 16 kHz is 115 MB. */
const KEPT_S = 3600;

export class Take {
  /**
   * @param {string} name of the file, or of the microphone
   * @param {number} rate samples a second
   * @param {number} startMs where it begins on the clock of the page
   */
  constructor(name, rate, startMs) {
    this.name = name;
    this.rate = rate;
    this.startMs = startMs;
    /** Segments as the protocol has them, finals only, on the take's own clock. */
    this.segments = [];
    this.chunks = [];
    this.firstSample = 0;
    this.samples = 0;
    this.began = Infinity;
  }

  get lengthMs() {
    return (this.samples * 1000) / this.rate;
  }

  /**
   * @param {Int16Array} chunk kept as it is
   * @param {number} now ms of any clock, when the last sample of it was heard
   */
  hear(chunk, now) {
    this.chunks.push(chunk);
    this.samples += chunk.length;
    // The chunk that was held up least tells when the take began.
    this.began = Math.min(this.began, now - this.lengthMs);
    while (this.samples - this.firstSample > KEPT_S * this.rate && this.chunks.length > 1) {
      this.firstSample += this.chunks.shift().length;
    }
  }

  /** Milliseconds since the sound at `ms` was heard. */
  ageOf(ms, now) {
    return now - this.began - ms;
  }

  /** @returns {Int16Array} the sound from `startMs` to `endMs`, as far as it is kept */
  cut(startMs, endMs) {
    const from = Math.max(this.firstSample, Math.floor((startMs * this.rate) / 1000));
    const to = Math.min(this.samples, Math.ceil((endMs * this.rate) / 1000));
    const sound = new Int16Array(Math.max(0, to - from));
    let at = this.firstSample;
    for (const chunk of this.chunks) {
      const first = Math.max(from, at);
      const last = Math.min(to, at + chunk.length);
      if (first < last) {
        sound.set(chunk.subarray(first - at, last - at), first - from);
      }
      at += chunk.length;
    }
    return sound;
  }
}
