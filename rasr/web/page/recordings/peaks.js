/** The waveform of a recording: its loudest samples, by pieces, as far as a browser can decode it as a whole. */

import { peakOf } from "../waveform.js";

/** A browser decodes a file as a whole, in up to 23 MB for each minute. */
export const MOST_MINUTES = 15;
const MOST_BYTES = 200_000_000;
/** Enough for a waveform, and few samples. */
const RATE = 8000;
export const PEAKS = 2000;
/** Samples that are looked at before the page may do something else. */
const PIECE = 400_000;

/**
 * @param {Blob} file
 * @param {number} lengthMs
 * @returns {Promise<Float32Array | null>} `PEAKS` of them, 0 to 1; null: too long, or the browser cannot decode it
 */
export async function peaksOf(file, lengthMs) {
  if (lengthMs > MOST_MINUTES * 60_000 || file.size > MOST_BYTES) {
    return null;
  }
  let sound;
  try {
    sound = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(await file.arrayBuffer());
  } catch {
    return null;
  }
  const peaks = new Float32Array(PEAKS);
  let looked = 0;
  for (let channel = 0; channel < sound.numberOfChannels; channel += 1) {
    const samples = sound.getChannelData(channel);
    for (let i = 0; i < PEAKS; i += 1) {
      const piece = samples.subarray(Math.floor((i * samples.length) / PEAKS), Math.floor(((i + 1) * samples.length) / PEAKS));
      peaks[i] = Math.max(peaks[i], peakOf(piece));
      looked += piece.length;
      if (looked >= PIECE) {
        looked = 0;
        await new Promise((resolve) => setTimeout(resolve));
      }
    }
  }
  return peaks;
}
