/** Recordings: any file that the browser can decode → chunks for a session. */

import { Chunker } from "../client/chunker.js";

/** Of a file, which is read as fast as can be. */
const CHUNK_S = 0.5;

/**
 * @param {Blob} file
 * @param {number} rate
 * @param {number} [seconds] length of a chunk
 * @returns {Promise<Int16Array[]>} its sound at `rate`, channels mixed
 * @throws {DOMException} it is no sound that this browser knows
 */
export async function decode(file, rate, seconds = CHUNK_S) {
  // Decoding gives the rate of the context, whatever the file has.
  const context = new OfflineAudioContext(1, 1, rate);
  const sound = await context.decodeAudioData(await file.arrayBuffer());
  const chunker = new Chunker(rate * seconds);
  const chunks = [];
  const channels = Array.from({ length: sound.numberOfChannels }, (_, i) => sound.getChannelData(i));
  for (let at = 0; at < sound.length; at += chunker.length) {
    const parts = channels.map((channel) => channel.subarray(at, at + chunker.length));
    chunks.push(...chunker.process(mixed(parts)));
  }
  return [...chunks, ...chunker.flush()];
}

function mixed(parts) {
  return parts.length === 1
    ? parts[0]
    : parts[0].map((_, i) => parts.reduce((sum, part) => sum + part[i], 0) / parts.length);
}
