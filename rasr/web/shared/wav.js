/** Sound as files and as text: what a request carries. */

const HEAD_BYTES = 44;

/**
 * A WAV file: mono, 16 bit.
 * @param {Int16Array[]} chunks
 * @param {number} rate Hz
 * @returns {Uint8Array}
 */
export function wav(chunks, rate) {
  const bytes = 2 * chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const file = new DataView(new ArrayBuffer(HEAD_BYTES + bytes));
  const text = (at, letters) => [...letters].forEach((letter, i) => file.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  file.setUint32(4, HEAD_BYTES - 8 + bytes, true);
  text(8, "WAVEfmt ");
  file.setUint32(16, 16, true);
  file.setUint16(20, 1, true);
  file.setUint16(22, 1, true);
  file.setUint32(24, rate, true);
  file.setUint32(28, 2 * rate, true);
  file.setUint16(32, 2, true);
  file.setUint16(34, 16, true);
  text(36, "data");
  file.setUint32(40, bytes, true);
  let at = HEAD_BYTES;
  for (const chunk of chunks) {
    for (const sample of chunk) {
      file.setInt16(at, sample, true);
      at += 2;
    }
  }
  return new Uint8Array(file.buffer);
}

/** @param {Uint8Array} bytes */
export function base64(bytes) {
  let text = "";
  // As many at once as a call takes arguments.
  for (let at = 0; at < bytes.length; at += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  }
  return btoa(text);
}
