/** Plays sound while it comes: chunk after chunk without a gap, as long as they are there in time. */

/** From the first chunk until it is heard: so much may the next ones be late. */
const LEAD_S = 0.1;
/** The browser is given so much of what is to come; the rest waits as it came, which takes less room. */
const AHEAD_S = 3;

export class SpeechPlayer {
  /**
   * Made by a click: only then do browsers play sound.
   *
   * @param {number} rate samples a second; the context has the same, so that nothing is lost where chunks meet
   * @param {() => void} onOver all has been heard
   * @param {{new (options: {sampleRate: number}): AudioContext}} Context for tests
   */
  constructor(rate, onOver, Context = AudioContext) {
    this.rate = rate;
    this.onOver = onOver;
    this.context = new Context({ sampleRate: rate });
    /** @type {Int16Array[]} */
    this.waiting = [];
    /** Chunks that the browser has, with the time at which each begins, and its place in the sound; in samples. */
    this.placed = [];
    this.place = 0;
    /** Where the next chunk begins, on the clock of the context, in samples. */
    this.next = null;
    /** How often the sound came too late. */
    this.gaps = 0;
    this.isWhole = false;
    this.isOver = false;
  }

  /** @param {Int16Array} samples */
  push(samples) {
    if (!this.isOver && samples.length > 0) {
      this.waiting.push(samples);
      this.fill();
    }
  }

  /** Nothing more comes. */
  end() {
    this.isWhole = true;
    this.settle();
  }

  /** Silence, at once. */
  stop() {
    if (!this.isOver) {
      this.isOver = true;
      this.waiting = [];
      void this.context.close();
    }
  }

  /** How much has been heard, ms. */
  get heardMs() {
    const { currentTime, outputLatency = 0 } = this.context;
    const now = (currentTime - outputLatency) * this.rate;
    const last = this.placed.findLast(({ at }) => at <= now);
    return last === undefined ? 0 : (1000 * (last.place + Math.min(now - last.at, last.length))) / this.rate;
  }

  /** Give the browser what it may have. */
  fill() {
    while (this.waiting.length > 0) {
      const now = Math.round(this.context.currentTime * this.rate);
      if (this.next !== null && this.next - now > AHEAD_S * this.rate) {
        return;
      }
      if (this.next === null || this.next < now) {
        this.gaps += this.next === null ? 0 : 1;
        this.next = now + Math.round(LEAD_S * this.rate);
      }
      this.play(this.waiting.shift());
    }
  }

  play(samples) {
    const { context, rate } = this;
    const buffer = context.createBuffer(1, samples.length, rate);
    buffer.copyToChannel(Float32Array.from(samples, (sample) => sample / 32768), 0);
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(context.destination);
    const chunk = { at: this.next, place: this.place, length: samples.length, isHeard: false };
    source.onended = () => {
      chunk.isHeard = true;
      // Only the last one that was heard still says where the sound is.
      this.placed.splice(0, this.placed.findLastIndex(({ isHeard }) => isHeard));
      this.fill();
      this.settle();
    };
    source.start(this.next / rate);
    this.placed.push(chunk);
    this.next += samples.length;
    this.place += samples.length;
  }

  settle() {
    if (this.isWhole && !this.isOver && this.waiting.length === 0 && this.placed.every(({ isHeard }) => isHeard)) {
      this.stop();
      this.onOver();
    }
  }
}
