/** A take: the sound of one press of the button, or of one file, and the sentences heard in it. */

/** Sound that a page keeps of a take, oldest given up first: an hour at 16 kHz is 115 MB. */
const KEPT_S = 3600;

export class Take {
  /**
   * @param {string} name of the file, or of the microphone
   * @param {number} rate samples a second
   */
  constructor(name, rate) {
    this.name = name;
    this.rate = rate;
    /** ms since 1970, when it was begun. */
    this.startedAt = Date.now();
    /** Segments as the protocol has them, finals only, on the take's own clock; corrected ones have `original`. */
    this.segments = [];
    /** @type {Int16Array[]} */
    this.chunks = [];
    this.firstSample = 0;
    this.samples = 0;
    this.began = Infinity;
    /** Is told each chunk that is heard. @type {(chunk: Int16Array) => void} */
    this.onHear = () => {};
  }

  get lengthMs() {
    return this.msOf(this.samples);
  }

  /** Of its loudest chunk: RMS, 0 to 1. */
  get loudness() {
    return Math.max(0, ...this.chunks.map(levelOf));
  }

  /** Sound before this time is not kept. */
  get keptFromMs() {
    return this.msOf(this.firstSample);
  }

  /**
   * @param {Int16Array} chunk kept as it is
   * @param {number} now ms of any clock, when the last sample of it was heard
   */
  hear(chunk, now) {
    this.append(chunk);
    // The chunk that was held up least tells when the take began.
    this.began = Math.min(this.began, now - this.lengthMs);
    this.onHear(chunk);
  }

  /** Sound of an earlier day. @param {number} firstSample where the chunk begins */
  restore(firstSample, chunk) {
    if (firstSample !== this.samples) {
      // What was before is given up: a take has no holes.
      this.chunks = [];
      this.firstSample = firstSample;
      this.samples = firstSample;
    }
    this.append(chunk);
  }

  append(chunk) {
    this.chunks.push(chunk);
    this.samples += chunk.length;
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
    return this.slice(Math.floor((startMs * this.rate) / 1000), Math.ceil((endMs * this.rate) / 1000));
  }

  /** @returns {Int16Array} the samples from one place to another, as far as they are kept */
  slice(first, last) {
    const from = Math.max(this.firstSample, first);
    const to = Math.min(this.samples, last);
    const sound = new Int16Array(Math.max(0, to - from));
    let at = this.firstSample;
    for (const chunk of this.chunks) {
      const [begin, end] = [Math.max(from, at), Math.min(to, at + chunk.length)];
      if (begin < end) {
        sound.set(chunk.subarray(begin - at, end - at), begin - from);
      }
      at += chunk.length;
    }
    return sound;
  }

  msOf(samples) {
    return (samples * 1000) / this.rate;
  }
}

/** Root mean square of a chunk, 0 to 1. */
export function levelOf(chunk) {
  return Math.sqrt(chunk.reduce((sum, sample) => sum + sample * sample, 0) / chunk.length) / 32768;
}
