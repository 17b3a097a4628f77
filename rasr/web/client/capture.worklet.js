/**
 * The audio thread's side of `microphone.js`: what the microphone gives, at the rate that the
 * server wants, in chunks. It posts `{chunk, level}`, and after "finish" the rest and `{done}`.
 */

import { CHUNK_MS, Chunker } from "./chunker.js";
import { Resampler } from "./resampler.js";

class Capture extends AudioWorkletProcessor {
  constructor({ processorOptions }) {
    super();
    const { rate } = processorOptions;
    this.resampler = new Resampler(sampleRate, rate);
    this.chunker = new Chunker((rate * CHUNK_MS) / 1000);
    this.finished = false;
    this.port.onmessage = () => this.finish();
  }

  process([channels]) {
    // No channels: the microphone is being taken away, or has not begun.
    if (!this.finished && channels.length > 0) {
      this.post(this.chunker.process(this.resampler.process(mono(channels))));
    }
    return !this.finished;
  }

  finish() {
    if (!this.finished) {
      this.finished = true;
      this.post(this.chunker.process(this.resampler.flush()));
      this.post(this.chunker.flush());
      this.port.postMessage({ done: true });
    }
  }

  post(chunks) {
    for (const chunk of chunks) {
      this.port.postMessage({ chunk, level: levelOf(chunk) }, [chunk.buffer]);
    }
  }
}

function mono(channels) {
  const [first, ...others] = channels;
  if (others.length === 0) {
    return first;
  }
  return first.map((sample, i) => others.reduce((sum, one) => sum + one[i], sample) / channels.length);
}

/** Root mean square of a chunk, 0 to 1. */
function levelOf(chunk) {
  let sum = 0;
  for (const sample of chunk) {
    sum += sample * sample;
  }
  return Math.sqrt(sum / chunk.length) / 32768;
}

registerProcessor("rasr-capture", Capture);
