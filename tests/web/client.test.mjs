// Chunks, the queue of sound, and the clock of a session.
import assert from "node:assert/strict";
import test from "node:test";

import { Chunker } from "../../rasr/web/client/chunker.js";
import { Resampler } from "../../rasr/web/client/resampler.js";
import { SoundQueue } from "../../rasr/web/client/sound_queue.js";
import { Timeline } from "../../rasr/web/client/timeline.js";

/** Numbers that look random and are the same every time (Park and Miller). */
function* randomNumbers(seed) {
  for (let state = seed; ; yield state / 2147483647) {
    state = (state * 48271) % 2147483647;
  }
}

function noise(length, seed = 1) {
  const numbers = randomNumbers(seed);
  return Float32Array.from({ length }, () => numbers.next().value * 2 - 1);
}

function inPieces(samples, numbers, longest) {
  const pieces = [];
  for (let at = 0; at < samples.length; ) {
    const length = Math.floor(numbers.next().value * longest);
    pieces.push(samples.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

function resample(resampler, pieces) {
  return [...pieces.flatMap((piece) => [...resampler.process(piece)]), ...resampler.flush()];
}

for (const [from, to] of [[48000, 16000], [44100, 16000], [8000, 16000], [16000, 16000], [48000, 8000]]) {
  test(`${from} Hz to ${to} Hz gives the same samples however the sound is cut`, () => {
    const sound = noise(5000);
    const whole = resample(new Resampler(from, to), [sound]);
    assert.equal(whole.length, Math.round((sound.length * to) / from));
    const numbers = randomNumbers(7);
    for (const longest of [3, 130, 2000]) {
      assert.deepEqual(resample(new Resampler(from, to), inPieces(sound, numbers, longest)), whole);
    }
  });
}

test("a resampler keeps little of a long recording", () => {
  const resampler = new Resampler(48000, 16000);
  for (let i = 0; i < 1000; i += 1) {
    resampler.process(noise(128));
  }
  assert.ok(resampler.history.length <= 4096);
});

test("a rate that is none is refused with a sentence", () => {
  assert.throws(() => new Resampler(0, 16000), /a rate is a whole number of Hz above 0, not 0/);
  assert.throws(() => new Resampler(44100.5, 16000), RangeError);
});

test("chunks have one length, and the last one has the rest", () => {
  const chunker = new Chunker(4);
  const chunks = [[0, 0.5, -0.5], [1, -1, 2, -2, 0.25], [0.125]].flatMap((part) =>
    chunker.process(Float32Array.from(part)),
  );
  chunks.push(...chunker.flush());
  assert.deepEqual(chunks.map((chunk) => [...chunk]), [
    [0, 16384, -16384, 32767],
    [-32768, 32767, -32768, 8192],
    [4096],
  ]);
  assert.deepEqual(chunker.flush(), []);
});

const samples = (length) => new Int16Array(length);
const places = (queue) => {
  const found = [];
  for (let chunk = queue.next(); chunk !== null; chunk = queue.next()) {
    found.push([chunk.start, chunk.samples.length]);
  }
  return found;
};

test("sound is sent once, in order", () => {
  const queue = new SoundQueue(100);
  [10, 20, 30].forEach((length) => assert.equal(queue.push(samples(length)), null));
  assert.deepEqual(places(queue), [[0, 10], [10, 20], [30, 30]]);
  assert.equal(queue.unsentSamples, 0);
});

test("after a rewind everything behind what is settled is sent again", () => {
  const queue = new SoundQueue(1000);
  [10, 20, 30].forEach((length) => queue.push(samples(length)));
  places(queue);
  queue.settle(15);
  assert.equal(queue.start, 10);
  queue.rewind();
  assert.equal(queue.unsentSamples, 45);
  assert.deepEqual(places(queue), [[15, 15], [30, 30]]);
});

test("what is settled beyond the end of the sound is nothing to send", () => {
  const queue = new SoundQueue(1000);
  queue.push(samples(10));
  queue.push(samples(10));
  queue.next();
  queue.settle(25);
  queue.rewind();
  assert.deepEqual(places(queue), []);
  queue.push(samples(10));
  assert.deepEqual(places(queue), [[20, 10]]);
});

test("a full queue forgets sent sound before it drops unsent sound, and tells what it drops", () => {
  const queue = new SoundQueue(40);
  queue.push(samples(20));
  queue.next();
  assert.equal(queue.push(samples(20)), null);
  assert.equal(queue.push(samples(20)), null, "the chunk that was sent makes room");
  assert.deepEqual(queue.push(samples(20)), { start: 20, end: 40 });
  assert.deepEqual(queue.push(samples(30)), { start: 40, end: 80 });
  assert.deepEqual(places(queue), [[80, 30]]);
});

test("whatever happens, samples are told as dropped or are there to be sent", () => {
  const numbers = randomNumbers(3);
  const pick = (limit) => Math.floor(numbers.next().value * limit);
  for (let run = 0; run < 200; run += 1) {
    const limit = 20 + pick(60);
    const queue = new SoundQueue(limit);
    const state = new Map();
    for (let step = 0; step < 60; step += 1) {
      const action = pick(4);
      if (action <= 1) {
        const length = 1 + pick(15);
        for (let i = 0; i < length; i += 1) {
          state.set(queue.end + i, "unsent");
        }
        const dropped = queue.push(samples(length));
        for (let i = dropped?.start ?? 0; i < (dropped?.end ?? 0); i += 1) {
          assert.equal(state.get(i), "unsent");
          state.set(i, "dropped");
        }
      } else if (action === 2) {
        const chunk = queue.next();
        for (let i = 0; i < (chunk?.samples.length ?? 0); i += 1) {
          assert.equal(state.get(chunk.start + i), "unsent");
          state.set(chunk.start + i, "sent");
        }
      }
      assert.equal([...state.values()].filter((one) => one === "unsent").length, queue.unsentSamples);
      assert.ok(queue.kept <= Math.max(limit, 15));
    }
  }
});

test("a round that begins late, and sound that was dropped, keep their places on the clock", () => {
  const timeline = new Timeline();
  timeline.record(100, 50);
  timeline.record(150, 50);
  timeline.record(300, 50);
  assert.deepEqual([0, 99, 100, 149].map((place) => timeline.toSession(place)), [100, 199, 300, 349]);
});
