/** Floating-point samples → 16-bit chunks of one length. */

export const CHUNK_MS = 100;

export class Chunker {
  /** @param {number} length samples of a chunk */
  constructor(length) {
    this.length = length;
    this.chunk = new Int16Array(length);
    this.filled = 0;
  }

  /**
   * @param {Float32Array} samples from −1 to 1; louder ones are cut off
   * @returns {Int16Array[]} the chunks that have become full
   */
  process(samples) {
    const full = [];
    for (const sample of samples) {
      this.chunk[this.filled] = Math.max(-32768, Math.min(32767, Math.round(sample * 32768)));
      this.filled += 1;
      if (this.filled === this.length) {
        full.push(this.chunk);
        this.chunk = new Int16Array(this.length);
        this.filled = 0;
      }
    }
    return full;
  }

  /** @returns {Int16Array[]} the rest, if there is any */
  flush() {
    const rest = this.filled > 0 ? [this.chunk.slice(0, this.filled)] : [];
    this.filled = 0;
    return rest;
  }
}
