/** Files → one ZIP file. Nothing is compressed: texts are small, and any program reads it. */

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const VERSION = 20;
/** Names are UTF-8. */
const FLAGS = 0x0800;
/** 1 January 1980, the first day that ZIP knows: files do not say when they were made. */
const DAY = 0x0021;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit += 1) {
    byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  }
  return byte;
});

/**
 * @param {{name: string, content: string}[]} files
 * @returns {Uint8Array}
 */
export function zip(files) {
  const encoder = new TextEncoder();
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const file of files) {
    const name = encoder.encode(file.name);
    const content = encoder.encode(file.content);
    // What both headers of a file have in common, from the version to the length of its name.
    const common = [
      [VERSION, 2], [FLAGS, 2], [0, 2], [0, 2], [DAY, 2], [crc32(content), 4],
      [content.length, 4], [content.length, 4], [name.length, 2], [0, 2],
    ];
    const header = bytes([[LOCAL, 4], ...common]);
    directory.push(bytes([[CENTRAL, 4], [VERSION, 2], ...common, [0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]]), name);
    parts.push(header, name, content);
    offset += header.length + name.length + content.length;
  }
  const size = length(directory);
  const count = files.length;
  const end = bytes([[END, 4], [0, 2], [0, 2], [count, 2], [count, 2], [size, 4], [offset, 4], [0, 2]]);
  return joined([...parts, ...directory, end]);
}

function crc32(content) {
  let crc = ~0;
  for (const byte of content) {
    crc = TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}

/** Numbers, each with how many bytes it takes, little end first. */
function bytes(numbers) {
  return Uint8Array.from(numbers.flatMap(([number, count]) => Array.from({ length: count }, (_, i) => (number >>> (8 * i)) & 0xff)));
}

function length(parts) {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

function joined(parts) {
  const whole = new Uint8Array(length(parts));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
