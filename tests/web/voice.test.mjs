// The tab for voices, without a browser: sound that comes piece by piece, who reads, what a server is asked.
import assert from "node:assert/strict";
import test from "node:test";

import { SpeechPlayer } from "../../rasr/web/page/speech_player.js";
import { TEXTS } from "../../rasr/web/page/texts.js";
import { Choices } from "../../rasr/web/page/choices.js";
import { VOICE_FIELDS, speechConfig, voiceFor } from "../../rasr/web/page/voice_choices.js";
import { faultOfSpeech } from "../../rasr/web/page/voice_tab.js";
import { PageStorage } from "../../rasr/web/shared/storage.js";
import "./custom_event.mjs";

const RATE = 1000;

/** A context whose clock the test has in its hand. */
class Context {
  constructor({ sampleRate }) {
    Object.assign(this, { sampleRate, currentTime: 0, started: [], isClosed: false, destination: {} });
    Context.last = this;
  }
  createBuffer(channels, length, rate) {
    return { length, rate, copyToChannel: () => {} };
  }
  createBufferSource() {
    const source = { connect: () => {}, start: (at) => this.started.push({ at: Math.round(at * RATE), source }) };
    return source;
  }
  async close() {
    this.isClosed = true;
  }
  /** Time passes; what has been played says so. */
  go(to) {
    this.currentTime = to / RATE;
    for (const { at, source } of this.started.filter(({ source }) => source.onended)) {
      if (at + source.buffer.length <= to) {
        const { onended } = source;
        source.onended = null;
        onended();
      }
    }
  }
}

function playing() {
  let over = 0;
  const player = new SpeechPlayer(RATE, () => (over += 1), Context);
  return { player, context: Context.last, starts: () => Context.last.started.map(({ at }) => at), overs: () => over };
}

const chunk = (length) => new Int16Array(length);

test("chunks follow each other without a gap, and the end is told once", () => {
  const { player, context, starts, overs } = playing();
  assert.equal(context.sampleRate, RATE);
  player.push(chunk(200));
  player.push(chunk(150));
  context.go(50);
  player.push(chunk(200));
  assert.deepEqual(starts(), [100, 300, 450]);
  assert.equal(player.heardMs, 0);
  context.go(350);
  assert.equal(player.heardMs, 250);
  player.end();
  assert.equal(overs(), 0);
  context.go(650);
  assert.equal(player.heardMs, 550);
  assert.deepEqual([overs(), context.isClosed, player.gaps], [1, true, 0]);
});

test("sound that comes too late is heard when it is there, and the words stay with it", () => {
  const { player, context, starts } = playing();
  player.push(chunk(200));
  context.go(500);
  player.push(chunk(200));
  assert.deepEqual([starts(), player.gaps], [[100, 600], 1]);
  assert.equal(player.heardMs, 200);
  context.go(700);
  assert.equal(player.heardMs, 300);
});

test("of a long text the browser has some seconds, and the rest waits", () => {
  const { player, context, starts, overs } = playing();
  for (let i = 0; i < 50; i += 1) {
    player.push(chunk(200));
  }
  player.end();
  // What begins within 3 s.
  assert.equal(starts().length, 15);
  for (let at = 0; at < 10_200; at += 100) {
    context.go(at);
  }
  assert.deepEqual(starts(), Array.from({ length: 50 }, (_, i) => 100 + 200 * i));
  assert.deepEqual([overs(), player.gaps, player.placed.length], [1, 0, 1]);
});

test("whoever stops it hears no more, and is not told that it is over", () => {
  const { player, context, starts, overs } = playing();
  player.push(chunk(200));
  player.stop();
  player.push(chunk(200));
  player.end();
  context.go(1000);
  assert.deepEqual([starts(), overs(), context.isClosed], [[100], 0, true]);
});

test("a text without sound is over at once", () => {
  const { player, overs } = playing();
  player.push(chunk(0));
  player.end();
  assert.equal(overs(), 1);
});

const voice = (name, languages, real_time = true) => ({ name, languages, real_time });

test("a text is read by whoever reads its language, quickly enough if there is one", () => {
  const voices = [voice("joe", ["english"]), voice("zf", ["chinese", "english"], false), voice("espeak", ["english", "chinese"], null)];
  assert.equal(voiceFor("Good morning", voices), "joe");
  assert.equal(voiceFor("早上好 OK", voices), "espeak");
  assert.equal(voiceFor("早上好", voices.slice(0, 2)), "zf");
  assert.equal(voiceFor("早上好", voices.slice(0, 1)), undefined);
});

test("a server is asked for what was chosen, and for nothing else", () => {
  const storage = new PageStorage(() => null);
  const choices = new Choices(storage, VOICE_FIELDS, "key");
  const voices = [voice("joe", ["english"])];
  assert.deepEqual(speechConfig(choices.values, "Hello", voices), { property: "joe", sample_rate: "16000" });
  choices.change({ property: "chinese_xiaoyu_common", speed: -100, volume: 0 });
  assert.deepEqual(speechConfig(choices.values, "Hello", voices), { property: "chinese_xiaoyu_common", speed: -100, volume: 0, sample_rate: "16000" });
  assert.deepEqual(new Choices(storage, VOICE_FIELDS, "key").values, { property: "chinese_xiaoyu_common", speed: -100, pitch: 0, volume: 0 });
  choices.reset();
  assert.deepEqual(choices.values, { property: "chinese_xiaoyu_common", speed: 0, pitch: 0, volume: 50 });
  assert.deepEqual(speechConfig({ ...choices.values, property: "" }, "早上好", voices), { sample_rate: "16000" });
});

test("every fault of a text has a sentence and a cure", () => {
  const names = ["UNREACHABLE", "UNANSWERED", "CLOSED", "APIG.0301", "APIG.0302", "SIS.0312", "SIS.0411", "SIS.0415", "SIS.0416", "SIS.0417"].map(
    (error_code) => faultOfSpeech({ error_code, error_msg: "m" }).name,
  );
  for (const name of [...names, "robotic", "say_whole", "say_no_socket", "soundless", "sign_in_token"]) {
    assert.ok(name in TEXTS.en && `${name}_do` in TEXTS.en, name);
  }
});
