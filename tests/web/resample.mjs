// Raw float32 samples from standard input, resampled in pieces as an AudioWorklet gets them.
import { readFileSync, writeSync } from "node:fs";

import { Resampler } from "../../rasr/web/client/resampler.js";

const [from, to] = process.argv.slice(2).map(Number);
const bytes = readFileSync(0);
const samples = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
const resampler = new Resampler(from, to);
const output = [];
for (let at = 0; at < samples.length; at += 128) {
  output.push(resampler.process(samples.subarray(at, at + 128)));
}
output.push(resampler.flush());
for (const part of output) {
  for (let rest = Buffer.from(part.buffer); rest.length > 0; ) {
    rest = rest.subarray(writeSync(1, rest));
  }
}
