/**
 * Streaming resampler: samples at any rate in, samples at another rate out.
 *
 * A windowed-sinc low-pass in polyphase form (Crochiere and Rabiner, "Multirate Digital Signal
 * Processing", ch. 4; the window is Kaiser's). What comes out does not depend on how the input was
 * cut, and output sample n is the sound at n / outputRate: nothing is delayed.
 */

/** Attenuation beyond the smaller Nyquist frequency: below what 16-bit samples can hold. */
const STOP_DB = 96;
/** Share of the smaller Nyquist frequency up to which nothing is taken away: 7.2 kHz at 16 kHz. */
const PASS = 0.9;

export class Resampler {
  /**
   * @param {number} inputRate Hz, a whole number
   * @param {number} outputRate Hz, a whole number
   */
  constructor(inputRate, outputRate) {
    for (const rate of [inputRate, outputRate]) {
      if (!Number.isInteger(rate) || rate < 1) {
        throw new RangeError(`a rate is a whole number of Hz above 0, not ${rate}`);
      }
    }
    const common = greatestCommonDivisor(inputRate, outputRate);
    /** Input samples for every `up` output samples. */
    this.down = inputRate / common;
    this.up = outputRate / common;
    this.phases = this.up === 1 && this.down === 1 ? null : makePhases(inputRate, outputRate, this.up);
    this.half = this.phases === null ? 0 : this.phases[0].length / 2;
    /** What is still needed of the input, and its place in the whole; zeros stand before it. */
    this.history = new Float32Array(4096);
    this.filled = this.half;
    this.historyStart = -this.half;
    this.received = 0;
    this.produced = 0;
  }

  /**
   * @param {Float32Array} samples mono; not kept
   * @returns {Float32Array} all output that these samples complete
   */
  process(samples) {
    if (this.phases === null) {
      return samples.slice();
    }
    this.received += samples.length;
    return this.feed(samples, Infinity);
  }

  /** @returns {Float32Array} what is left, as if silence followed; the resampler is then over */
  flush() {
    if (this.phases === null) {
      return new Float32Array(0);
    }
    const total = Math.round((this.received * this.up) / this.down);
    return this.feed(new Float32Array(2 * this.half), total);
  }

  /**
   * @param {Float32Array} samples
   * @param {number} total output samples that there may be in all
   */
  feed(samples, total) {
    this.append(samples);
    const end = this.historyStart + this.filled;
    // The last output whose window, [centre − half + 1, centre + half], lies in what is there.
    const complete = Math.floor(((end - this.half) * this.up - 1) / this.down) + 1;
    const count = Math.max(0, Math.min(complete, total) - this.produced);
    const output = new Float32Array(count);
    for (let i = 0; i < count; i += 1) {
      const position = (this.produced + i) * this.down;
      const centre = Math.floor(position / this.up);
      const taps = this.phases[position - centre * this.up];
      let at = centre - this.half + 1 - this.historyStart;
      let sum = 0;
      for (let k = 0; k < taps.length; k += 1, at += 1) {
        sum += taps[k] * this.history[at];
      }
      output[i] = sum;
    }
    this.produced += count;
    this.forget();
    return output;
  }

  append(samples) {
    const needed = this.filled + samples.length;
    if (needed > this.history.length) {
      const larger = new Float32Array(2 * needed);
      larger.set(this.history.subarray(0, this.filled));
      this.history = larger;
    }
    this.history.set(samples, this.filled);
    this.filled = needed;
  }

  /** Drop what no later output needs. */
  forget() {
    const next = Math.floor((this.produced * this.down) / this.up) - this.half + 1;
    const old = Math.min(next - this.historyStart, this.filled);
    if (old > 0) {
      this.history.copyWithin(0, old, this.filled);
      this.filled -= old;
      this.historyStart += old;
    }
  }
}

/** One filter for each place that an output sample can have between two input samples. */
function makePhases(inputRate, outputRate, up) {
  const edge = Math.min(inputRate, outputRate) / 2;
  const cutoff = (edge * (1 + PASS)) / 2 / inputRate;
  const transition = (edge * (1 - PASS)) / inputRate;
  // Kaiser's formulas for the length and the shape that a stop band needs.
  const length = (STOP_DB - 7.95) / (2.285 * 2 * Math.PI * transition);
  const beta = 0.1102 * (STOP_DB - 8.7);
  const half = Math.ceil(length / 2);
  const scale = 1 / bessel(beta);
  return Array.from({ length: up }, (_, phase) => {
    const taps = new Float32Array(2 * half);
    for (let k = 0; k < taps.length; k += 1) {
      const distance = k - half + 1 - phase / up;
      const place = distance / half;
      const window = Math.abs(place) < 1 ? bessel(beta * Math.sqrt(1 - place * place)) * scale : 0;
      taps[k] = 2 * cutoff * sinc(2 * cutoff * distance) * window;
    }
    return taps;
  });
}

function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** The modified Bessel function of the first kind, order 0, by its power series. */
function bessel(x) {
  let term = 1;
  let sum = 1;
  for (let k = 1; term > sum * 1e-12; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a, b) {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
