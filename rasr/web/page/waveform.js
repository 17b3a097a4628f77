/** The sound of the last seconds as bars, newest at the right. */

/** Bars for each second of sound. */
const BARS_PER_SECOND = 20;
const BAR_PX = 3;
const GAP_PX = 1;
/** Softest sound that is seen, dB below full scale. */
const FLOOR_DB = -60;

export class Waveform {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    /** Heights of the bars, 0 to 1, oldest first. */
    this.bars = [];
    this.frame = null;
  }

  /**
   * @param {Int16Array} chunk
   * @param {number} rate
   */
  hear(chunk, rate) {
    const length = Math.round(rate / BARS_PER_SECOND);
    for (let at = 0; at < chunk.length; at += length) {
      this.bars.push(heightOf(chunk.subarray(at, at + length)));
    }
    // None where it is not shown: who asks for less motion has the level instead.
    const room = Math.ceil(this.canvas.width / (BAR_PX + GAP_PX));
    this.bars = this.bars.slice(Math.max(0, this.bars.length - room));
    // A page in the background draws nothing.
    this.frame ??= requestAnimationFrame(() => this.draw());
  }

  clear() {
    this.bars = [];
    this.frame ??= requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.frame = null;
    const { canvas, bars } = this;
    const density = window.devicePixelRatio;
    canvas.width = Math.round(canvas.clientWidth * density);
    canvas.height = Math.round(canvas.clientHeight * density);
    const context = canvas.getContext("2d");
    context.fillStyle = getComputedStyle(canvas).color;
    const step = (BAR_PX + GAP_PX) * density;
    const first = canvas.width - bars.length * step;
    bars.forEach((height, i) => {
      const tall = Math.max(2 * density, height * canvas.height);
      context.fillRect(first + i * step, (canvas.height - tall) / 2, BAR_PX * density, tall);
    });
  }
}

/** The loudest sample of a piece, on a scale of decibels from 0 to 1. */
function heightOf(samples) {
  return loudnessOf(peakOf(samples) / 32768);
}

/** The loudest sample of a piece. @param {Int16Array | Float32Array} samples */
export function peakOf(samples) {
  let peak = 0;
  for (const sample of samples) {
    peak = Math.max(peak, Math.abs(sample));
  }
  return peak;
}

/** @param {number} amplitude 0 to 1 @returns {number} the same as it is heard, 0 to 1 */
export function loudnessOf(amplitude) {
  return Math.max(0, 1 - (20 * Math.log10(amplitude)) / FLOOR_DB);
}
