/** Plays sound that the page has kept. One piece at a time. */

export class Player {
  constructor() {
    this.context = null;
    this.source = null;
    this.startedAt = 0;
  }

  /** How much of the piece has been heard, in ms. */
  get elapsedMs() {
    return this.source === null
      ? 0
      : Math.max(0, this.context.currentTime - this.startedAt - (this.context.outputLatency ?? 0)) * 1000;
  }

  /**
   * @param {Int16Array} samples
   * @param {number} rate
   * @param {() => void} onEnd the piece is over, or another one or `stop` ended it
   */
  play(samples, rate, onEnd) {
    this.stop();
    if (samples.length === 0) {
      onEnd();
      return;
    }
    this.context ??= new AudioContext();
    void this.context.resume();
    const buffer = this.context.createBuffer(1, samples.length, rate);
    buffer.copyToChannel(Float32Array.from(samples, (sample) => sample / 32768), 0);
    const source = new AudioBufferSourceNode(this.context, { buffer });
    source.onended = () => {
      if (this.source === source) {
        this.source = null;
      }
      onEnd();
    };
    source.connect(this.context.destination);
    this.startedAt = this.context.currentTime;
    source.start();
    this.source = source;
  }

  stop() {
    this.source?.stop();
  }
}
