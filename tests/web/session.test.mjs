// A session against a server that is played by the test: order of messages, reconnects, endings.
import assert from "node:assert/strict";
import test from "node:test";

import { Session } from "../../rasr/web/client/session.js";
import "./custom_event.mjs";

const ENGLISH = { property: "english_16k_common" };

/** A browser whose time passes when it is told to, and whose servers are played by the test. */
class Platform {
  sockets = [];
  timers = [];
  now = 0;

  constructor() {
    const { sockets } = this;
    this.WebSocket = class {
      bufferedAmount = 0;
      sent = [];

      constructor(address, protocols) {
        this.address = address;
        this.protocols = protocols;
        sockets.push(this);
      }

      send(data) {
        this.sent.push(typeof data === "string" ? JSON.parse(data) : data.length);
      }

      close(code) {
        this.isClosed = true;
        this.closeCode = code;
      }

      /** The server says something. */
      say(resp_type, rest = {}) {
        this.onmessage({ data: JSON.stringify({ resp_type, trace_id: "t", ...rest }) });
      }

      result(start_time, end_time, is_final, word_info) {
        const result = { text: `${start_time}-${end_time}`, score: 0.5, word_info };
        this.say("RESULT", { segments: [{ start_time, end_time, is_final, result }] });
      }

      accept() {
        this.onopen();
        this.say("START");
      }

      /** As `accept`, by a server that holds the round when the connection is lost. */
      acceptHeld() {
        this.onopen();
        this.say("START", { resume: { token: "secret", grace_ms: 30_000 }, seq: 1 });
      }

      /** A final or partial with its number. */
      numbered(seq, start_time, end_time, is_final) {
        const result = { text: `${start_time}-${end_time}`, score: 0.5 };
        this.say("RESULT", { segments: [{ start_time, end_time, is_final, result }], seq });
      }

      drop(code = 1006) {
        this.onclose({ code, reason: "" });
      }
    };
  }

  setTimeout = (call, ms) => {
    const timer = { at: this.now + ms, call };
    this.timers.push(timer);
    return timer;
  };

  clearTimeout = (timer) => {
    this.timers = this.timers.filter((one) => one !== timer);
  };

  pass(ms) {
    this.now += ms;
    const due = this.timers.filter(({ at }) => at <= this.now);
    this.timers = this.timers.filter(({ at }) => at > this.now);
    due.forEach(({ call }) => call());
  }

  get socket() {
    return this.sockets.at(-1);
  }
}

function start(options = {}) {
  const platform = new Platform();
  const session = new Session("http://server:1", { ...ENGLISH, ...options }, platform);
  const told = [];
  for (const type of ["start", "result", "event", "error", "lost", "resumed", "dropped", "end"]) {
    session.addEventListener(type, ({ detail }) => told.push([type, detail]));
  }
  return { platform, session, told, kinds: () => told.map(([type]) => type) };
}

/** All that is ready has been done. */
const settled = () => new Promise((resolve) => setImmediate(resolve));
const second = () => new Int16Array(16000);
const results = (told) =>
  told.filter(([type]) => type === "result").map(([, { start_time, end_time }]) => [start_time, end_time]);

test("START has the options as the protocol writes them", () => {
  const { platform } = start({ add_punc: true, digit_norm: false, vad_tail: 300, mode: "sentence", cleanUp: true });
  platform.socket.onopen();
  assert.equal(platform.socket.address, "ws://server:1/v1/any/rasr/sentence-stream");
  assert.deepEqual(platform.socket.sent, [
    {
      command: "START",
      config: {
        resume: "yes",
        interim_results: "yes",
        property: "english_16k_common",
        add_punc: "yes",
        digit_norm: "no",
        vad_tail: 300,
        audio_format: "pcm16k16bit",
      },
    },
  ]);
});

test("a property of 8 kHz asks for sound of 8 kHz", () => {
  const { platform, session } = start({ property: "english_8k_common" });
  platform.socket.onopen();
  assert.equal(session.rate, 8000);
  assert.equal(platform.socket.sent[0].config.audio_format, "pcm8k16bit");
});

test("an option that is not allowed is refused with a sentence", () => {
  assert.throws(() => start({ mode: "long" }), /mode is long; allowed: continue, sentence, short/);
  assert.throws(() => new Session("http://a", {}, new Platform()), /options need a property/);
});

test("sound before the answer to START waits, then all of it goes, END behind it", async () => {
  const { platform, session, kinds } = start();
  session.send(second());
  const ended = session.end();
  platform.socket.onopen();
  assert.equal(platform.socket.sent.length, 1);
  platform.socket.say("START");
  assert.deepEqual(platform.socket.sent.slice(1), [16000, { command: "END", cancel: false }]);
  platform.socket.result(100, 900, true);
  platform.socket.say("END", { reason: "NORMAL" });
  assert.equal(await ended, "NORMAL");
  assert.deepEqual(kinds(), ["start", "result", "end"]);
  assert.ok(platform.socket === null || platform.sockets[0].isClosed);
});

test("after a lost connection the round goes on behind the last final, on the same clock", () => {
  const { platform, session, told, kinds } = start({ vad_tail: 400 });
  platform.socket.accept();
  [1, 2, 3].forEach(() => session.send(second()));
  platform.socket.result(100, 800, true);
  platform.socket.result(1500, 2000, false);
  platform.socket.drop();
  session.send(second());
  platform.pass(500);
  const [, again] = platform.sockets;
  again.accept();
  // Behind the final at 0.8 s comes at least half of the 0.4 s of silence that ended it.
  assert.deepEqual(again.sent.slice(1), [16000, 16000, 16000]);
  again.result(500, 1000, true, [{ word: "a", start_time: 500, end_time: 700 }]);
  again.say("EVENT", { event: "EXCEEDED_AUDIO", timestamp: 100 });
  assert.deepEqual(kinds(), ["start", "result", "result", "lost", "resumed", "result", "event"]);
  assert.deepEqual(results(told), [[100, 800], [1500, 2000], [1500, 2000]]);
  assert.deepEqual(told.at(-2)[1].result.word_info, [{ word: "a", start_time: 1500, end_time: 1700 }]);
  assert.equal(told.at(-1)[1].timestamp, 1100);
});

test("when the server goes away, not even the pause behind its last final is skipped", () => {
  const { platform, session, told } = start();
  platform.socket.accept();
  session.send(second());
  platform.socket.result(100, 900, true);
  platform.socket.say("END", { reason: "NORMAL" });
  platform.pass(500);
  platform.socket.accept();
  assert.deepEqual(platform.socket.sent.slice(1), [1600]);
  assert.deepEqual(told.at(-1), ["resumed", { trace_id: "t", start_time: 900, begun_anew: true }]);
});

test("a sentence that was cut for its length has no pause behind it", () => {
  const { platform, session } = start({ max_seconds: 5 });
  platform.socket.accept();
  [1, 2, 3, 4, 5, 6].forEach(() => session.send(second()));
  platform.socket.result(0, 4000, true);
  platform.socket.drop();
  platform.pass(500);
  platform.socket.accept();
  assert.deepEqual(platform.socket.sent.slice(1), [16000, 16000]);
});

test("a lost connection that cannot be taken up without loss ends the session", () => {
  const { platform, session, told } = start({ keepSeconds: 2 });
  platform.socket.accept();
  session.send(second());
  platform.socket.result(100, 1000, false);
  [1, 2, 3].forEach(() => session.send(second()));
  platform.socket.drop();
  assert.deepEqual(told.slice(-2), [
    ["error", { error_code: "LOST", error_msg: "the connection was lost, and with it a part of a sentence", fatal: true }],
    ["end", { reason: "ERROR" }],
  ]);
  platform.pass(60_000);
  assert.equal(platform.sockets.length, 1);
});

test("silence that was forgotten is no loss", () => {
  const { platform, session, kinds } = start({ keepSeconds: 2 });
  platform.socket.accept();
  [1, 2, 3, 4].forEach(() => session.send(second()));
  platform.socket.drop();
  assert.deepEqual(kinds(), ["start", "lost"]);
});

test("a server that does not come back is looked for as long as patience lasts", () => {
  const { platform, told, kinds } = start({ patienceSeconds: 3 });
  platform.socket.accept();
  platform.socket.drop();
  while (platform.timers.length > 0) {
    platform.pass(100);
    if (platform.socket.onclose) {
      platform.socket.drop();
    }
  }
  assert.deepEqual(kinds(), ["start", "lost", "lost", "lost", "error", "end"]);
  assert.deepEqual(told.filter(([type]) => type === "lost").map(([, { wait_ms }]) => wait_ms), [500, 1000, 2000]);
  assert.match(told.at(-2)[1].error_msg, /did not come back within 3 s/);
});

test("who waits for a lost server is told which try it is, how long it goes on, and what is kept", () => {
  const { platform, session, told } = start();
  const lost = () => told.filter(([type]) => type === "lost").map(([, { attempt, patience_ms }]) => [attempt, patience_ms]);
  platform.socket.accept();
  [1, 2, 3].forEach(() => session.send(second()));
  platform.socket.result(0, 1000, true);
  platform.socket.drop();
  assert.equal(session.keptSeconds, 2);
  session.send(second());
  assert.equal(session.keptSeconds, 3);
  platform.pass(500);
  platform.socket.drop();
  assert.deepEqual(lost(), [[1, 60_000], [2, 60_000]]);
  platform.pass(1000);
  platform.socket.accept();
  platform.socket.drop();
  // It was back: the next loss is counted anew.
  assert.deepEqual(lost().at(-1), [1, 60_000]);
});

test("messages are told as they go over the wire, sound by its size", () => {
  const { platform, session } = start();
  const told = [];
  session.addEventListener("message", ({ detail }) => told.push(detail));
  platform.socket.accept();
  session.send(second());
  platform.socket.say("EVENT", { event: "VOICE_START", timestamp: 0 });
  session.end();
  const [asked, ...rest] = told;
  assert.deepEqual([asked.sent, JSON.parse(asked.text).command], [true, "START"]);
  assert.deepEqual(rest, [
    { sent: false, text: '{"resp_type":"START","trace_id":"t"}' },
    { sent: true, bytes: 32_000 },
    { sent: false, text: '{"resp_type":"EVENT","trace_id":"t","event":"VOICE_START","timestamp":0}' },
    { sent: true, text: '{"command":"END","cancel":false}' },
  ]);
});

test("a server that is full while it comes back is asked again", () => {
  const { platform, session, kinds } = start();
  platform.socket.accept();
  platform.socket.drop(1012);
  platform.pass(500);
  platform.socket.onopen();
  platform.socket.say("ERROR", { error_code: "SIS.0312", error_msg: "full" });
  platform.pass(1000);
  platform.socket.accept();
  assert.equal(session.state, "open");
  assert.deepEqual(kinds(), ["start", "lost", "lost", "resumed"]);
});

test("a server that was never there is not looked for", async () => {
  const { platform, session, told } = start();
  platform.socket.drop();
  await session.over;
  assert.deepEqual(told.map(([type, { error_code }]) => [type, error_code]), [
    ["error", "UNREACHABLE"],
    ["end", undefined],
  ]);
  assert.equal(platform.timers.length, 0);
});

test("a server that wants credentials says so", async () => {
  const { platform, session, told } = start();
  const asked = [];
  platform.fetch = async (address) => {
    asked.push(address);
    return { status: 401, json: async () => ({ error_code: "APIG.0301", error_msg: "no credentials came" }) };
  };
  platform.socket.drop();
  await session.over;
  assert.deepEqual(asked, ["http://server:1/v1/any/rasr/continue-stream"]);
  assert.deepEqual(told[0], ["error", { error_code: "APIG.0301", error_msg: "no credentials came", fatal: true }]);
});

test("a server that answers otherwise, or not at all, is not there", async () => {
  for (const fetch of [async () => ({ status: 404 }), async () => Promise.reject(new TypeError("no"))]) {
    const { platform, session, told } = start();
    platform.fetch = fetch;
    platform.socket.drop();
    await session.over;
    assert.equal(told[0][1].error_code, "UNREACHABLE");
  }
});

test("a token goes along as a subprotocol, and is not part of START", () => {
  const { platform } = start({ token: "secret" });
  assert.deepEqual(platform.socket.protocols, ["sis", "sis.token.secret"]);
  assert.equal(platform.socket.address.includes("secret"), false);
  platform.socket.onopen();
  assert.equal("token" in platform.socket.sent[0].config, false);
});

test("without credentials there is no subprotocol", () => {
  assert.deepEqual(start().platform.socket.protocols, []);
});

test("a ticket that is refused for good ends the session, also one that was lost", async () => {
  let isRefused = false;
  const ticket = async () => {
    if (isRefused) {
      throw Object.assign(new Error("not allowed"), { error_code: "APIG.0302" });
    }
    return "t";
  };
  const { platform, session, told } = start({ ticket });
  await settled();
  platform.socket.accept();
  isRefused = true;
  platform.socket.drop();
  platform.pass(500);
  await session.over;
  assert.deepEqual(told.at(-2), ["error", { error_code: "APIG.0302", error_msg: "not allowed", fatal: true }]);
});

test("each connection has a ticket of its own", async () => {
  let number = 0;
  const { platform, kinds } = start({ ticket: async () => `t${++number}` });
  assert.equal(platform.sockets.length, 0);
  await settled();
  assert.equal(platform.socket.address, "ws://server:1/v1/any/rasr/continue-stream?ticket=t1");
  platform.socket.accept();
  assert.equal("ticket" in platform.socket.sent[0].config, false);
  platform.socket.drop();
  platform.pass(500);
  await settled();
  assert.equal(platform.socket.address, "ws://server:1/v1/any/rasr/continue-stream?ticket=t2");
  platform.socket.accept();
  assert.deepEqual(kinds(), ["start", "lost", "resumed"]);
});

test("a ticket that is not to be had ends the session, or is asked for again where it was open", async () => {
  let fails = true;
  const ticket = async () => {
    if (fails) {
      throw new Error("the shop is closed");
    }
    return "t";
  };
  const closed = start({ ticket });
  await closed.session.over;
  assert.match(closed.told[0][1].error_msg, /the shop is closed/);
  fails = false;
  const { platform, kinds } = start({ ticket });
  await settled();
  platform.socket.accept();
  fails = true;
  platform.socket.drop();
  platform.pass(500);
  await settled();
  fails = false;
  platform.pass(1000);
  await settled();
  platform.socket.accept();
  assert.deepEqual(kinds(), ["start", "lost", "lost", "resumed"]);
});

test("a session that is cancelled while it waits for its ticket opens nothing", async () => {
  const { platform, session } = start({ ticket: async () => "t" });
  session.cancel();
  await settled();
  assert.equal(platform.sockets.length, 0);
  assert.equal(await session.over, "CANCEL");
});

test("what a server refuses on purpose is not tried again", () => {
  for (const [code, told_] of [[1011, "CLOSED"], [1009, "CLOSED"]]) {
    const { platform, told } = start();
    platform.socket.accept();
    platform.socket.drop(code);
    assert.equal(told.at(-2)[1].error_code, told_);
    assert.equal(platform.timers.length, 0);
  }
});

test("a refused START ends the session, an error in a round ends it with END", async () => {
  const refused = start();
  refused.platform.socket.onopen();
  refused.platform.socket.say("ERROR", { error_code: "SIS.0312", error_msg: "full" });
  assert.deepEqual(refused.kinds(), ["error", "end"]);

  const failed = start();
  failed.platform.socket.accept();
  failed.platform.socket.say("ERROR", { error_code: "SIS.0305", error_msg: "failed" });
  assert.deepEqual(failed.kinds(), ["start", "error"]);
  failed.platform.socket.say("END", { reason: "ERROR" });
  assert.equal(await failed.session.over, "ERROR");
});

test("a session that is lost while it ends is taken up again and ended", async () => {
  const { platform, session } = start();
  platform.socket.accept();
  session.send(second());
  const ended = session.end();
  platform.socket.drop();
  platform.pass(500);
  platform.socket.accept();
  assert.deepEqual(platform.socket.sent.slice(1), [16000, { command: "END", cancel: false }]);
  platform.socket.say("END", { reason: "NORMAL" });
  assert.equal(await ended, "NORMAL");
});

test("a network that stalls keeps sound back, tells what is dropped, and the clock stays right", () => {
  const { platform, session, told, kinds } = start({ keepSeconds: 3 });
  platform.socket.accept();
  platform.socket.bufferedAmount = 1e6;
  [1, 2, 3].forEach(() => session.send(second()));
  assert.equal(session.waitingSeconds, 3);
  assert.deepEqual(kinds(), ["start"]);
  session.send(second());
  assert.deepEqual(told.at(-1), ["dropped", { start_time: 0, end_time: 1000 }]);
  platform.socket.bufferedAmount = 0;
  platform.pass(40);
  assert.equal(session.waitingSeconds, 0);
  platform.socket.result(0, 500, true);
  assert.deepEqual(results(told), [[1000, 1500]]);
});

test("sound that can wait finds room when the network has taken what came before", async () => {
  const { platform, session } = start();
  platform.socket.accept();
  platform.socket.bufferedAmount = 1e6;
  session.send(second());
  let hasRoom = false;
  const room = session.room().then(() => {
    hasRoom = true;
  });
  platform.pass(40);
  await Promise.resolve();
  assert.equal(hasRoom, false);
  platform.socket.bufferedAmount = 0;
  platform.pass(40);
  await room;
});

test("a session that was cancelled says so once, and hears nothing more", () => {
  const { platform, session, kinds } = start();
  const { socket } = platform;
  socket.accept();
  session.cancel();
  session.cancel();
  session.send(second());
  assert.deepEqual(kinds(), ["start", "end"]);
  assert.equal(socket.onmessage, null);
});

/** A server that is connected to, and says nothing. */
const errors = (told) => told.filter(([type]) => type === "error").map(([, { error_code, fatal }]) => [error_code, fatal]);

test("a START without an answer ends the session, connected or not", async () => {
  for (const connects of [false, true]) {
    const { platform, session, told } = start({ startSeconds: 4 });
    if (connects) {
      platform.socket.onopen();
    }
    platform.pass(3999);
    assert.equal(session.state, "connecting");
    platform.pass(1);
    assert.equal(await session.over, "ERROR");
    assert.deepEqual(errors(told), [["UNANSWERED", true]]);
    assert.match(told[0][1].error_msg, /did not answer START within 4 s/);
    assert.deepEqual([platform.socket.isClosed, platform.timers.length], [true, 0]);
  }
});

test("START is waited for 15 s, and its answer ends that", () => {
  const { platform, session, told } = start();
  platform.socket.onopen();
  platform.pass(14_999);
  platform.socket.say("START");
  platform.pass(100_000);
  assert.deepEqual([session.state, errors(told)], ["open", []]);
  assert.equal("startSeconds" in start({ startSeconds: 1, endSeconds: 1 }).session.config, false);
});

test("a lost server that comes back and hangs is given up when patience is over", () => {
  const { platform, kinds, told } = start({ startSeconds: 4, patienceSeconds: 6 });
  platform.socket.accept();
  platform.socket.drop();
  for (let second = 0; second < 20; second += 1) {
    platform.pass(1000);
  }
  assert.deepEqual(kinds(), ["start", "lost", "lost", "error", "end"]);
  assert.deepEqual(errors(told), [["LOST", true]]);
  assert.equal(platform.timers.length, 0);
});

test("a server that says nothing before END is given up, and what was final stays told", async () => {
  for (const stalls of [false, true]) {
    const { platform, session, told, kinds } = start({ endSeconds: 20 });
    platform.socket.accept();
    session.send(second());
    platform.socket.result(0, 1000, true);
    // With a buffer that does not empty, END itself never goes.
    platform.socket.bufferedAmount = stalls ? 1e6 : 0;
    session.send(second());
    const ended = session.end();
    for (let at = 0; at < 20_000; at += 50) {
      assert.equal(session.state, "ending");
      platform.pass(50);
    }
    assert.equal(await ended, "ERROR");
    assert.deepEqual(kinds(), ["start", "result", "error", "end"]);
    assert.deepEqual(errors(told), [["UNANSWERED", true]]);
    assert.equal(platform.timers.length, 0);
  }
});

test("a server that is late but says something is not given up", async () => {
  const { platform, session, told } = start({ endSeconds: 20 });
  platform.socket.accept();
  [1, 2, 3].forEach(() => session.send(second()));
  const ended = session.end();
  for (const end of [1000, 2000, 3000]) {
    platform.pass(19_000);
    platform.socket.result(end - 1000, end, true);
  }
  platform.pass(19_000);
  platform.socket.say("END", { reason: "NORMAL" });
  assert.equal(await ended, "NORMAL");
  assert.deepEqual([errors(told), platform.timers.length], [[], 0]);
});

test("a round that is held goes on behind what has arrived, and nothing is told twice", () => {
  const { platform, session, told, kinds } = start();
  platform.socket.acceptHeld();
  [1, 2, 3].forEach(() => session.send(second()));
  platform.socket.numbered(2, 100, 800, true);
  platform.socket.numbered(3, 1500, 2000, false);
  platform.socket.drop();
  session.send(second());
  platform.pass(500);
  const [, again] = platform.sockets;
  again.onopen();
  assert.deepEqual(again.sent, [{ command: "RESUME", token: "secret", seq: 3 }]);
  // In the middle of the third second, and in the middle of a chunk.
  again.say("RESUMED", { audio_bytes: 80_000, ended: false });
  assert.deepEqual(again.sent.slice(1), [8000, 16000]);
  again.numbered(3, 1500, 2000, false);
  again.numbered(4, 1500, 2600, true);
  assert.deepEqual(kinds(), ["start", "result", "result", "lost", "resumed", "result"]);
  // One clock: the places are those of the round.
  assert.deepEqual(results(told), [[100, 800], [1500, 2000], [1500, 2600]]);
  assert.deepEqual(told.find(([type]) => type === "resumed")[1], { trace_id: "t", start_time: 2500, begun_anew: false });
});

test("finals and END are acknowledged at once, others now and then", () => {
  const { platform, session } = start();
  platform.socket.acceptHeld();
  session.send(second());
  for (let seq = 2; seq <= 20; seq += 1) {
    platform.socket.numbered(seq, 0, 50 * seq, false);
  }
  platform.socket.numbered(21, 0, 1000, true);
  session.end();
  platform.socket.say("END", { reason: "NORMAL", seq: 22 });
  const acknowledged = platform.socket.sent.filter(({ command }) => command === "ACK").map(({ seq }) => seq);
  assert.deepEqual(acknowledged, [16, 21, 22]);
  assert.equal(platform.socket.closeCode, 1000);
});

test("END goes again where it was lost with the connection, and not where it had come", async () => {
  for (const ended of [false, true]) {
    const { platform, session } = start();
    platform.socket.acceptHeld();
    session.send(second());
    const over = session.end();
    platform.socket.drop();
    platform.pass(500);
    platform.socket.onopen();
    platform.socket.say("RESUMED", { audio_bytes: 32_000, ended });
    assert.deepEqual(platform.socket.sent.slice(1), ended ? [] : [{ command: "END", cancel: false }]);
    platform.socket.say("END", { reason: "NORMAL", seq: 2 });
    assert.equal(await over, "NORMAL");
  }
});

test("where the round is not held any more a new one begins behind the last final", () => {
  const { platform, session, told, kinds } = start({ vad_tail: 400 });
  platform.socket.acceptHeld();
  [1, 2, 3].forEach(() => session.send(second()));
  platform.socket.numbered(2, 100, 800, true);
  platform.socket.numbered(3, 1500, 2000, false);
  platform.socket.drop();
  platform.pass(500);
  const { socket } = platform;
  socket.onopen();
  socket.say("ERROR", { error_code: "SIS.0032", error_msg: "'token' is invalid: …" });
  assert.equal(socket.sent[1].command, "START");
  socket.say("START", { resume: { token: "another", grace_ms: 30_000 }, seq: 1 });
  assert.deepEqual(socket.sent.slice(2), [16000, 16000]);
  socket.numbered(2, 500, 1000, true);
  assert.deepEqual(kinds(), ["start", "result", "result", "lost", "resumed", "result"]);
  assert.deepEqual(results(told).at(-1), [1500, 2000]);
});

test("what the server says is settled does not begin a new round", () => {
  const { platform, session, kinds } = start();
  platform.socket.acceptHeld();
  [1, 2, 3].forEach(() => session.send(second()));
  platform.socket.say("ACK", { audio_bytes: 64_000, settled_time: 1500 });
  assert.equal(session.keptSeconds, 2);
  platform.socket.drop();
  platform.pass(500);
  const { socket } = platform;
  socket.onopen();
  socket.say("ERROR", { error_code: "SIS.0032", error_msg: "'token' is invalid: …" });
  socket.say("START", { resume: { token: "another", grace_ms: 30_000 }, seq: 1 });
  assert.deepEqual(socket.sent.slice(2), [8000, 16000]);
  assert.deepEqual(kinds(), ["start", "lost", "resumed"]);
});

test("a round of which sound was forgotten that had not arrived is not gone on with", () => {
  const { platform, session, kinds } = start({ keepSeconds: 2 });
  platform.socket.acceptHeld();
  [1, 2, 3, 4].forEach(() => session.send(second()));
  platform.socket.drop();
  platform.pass(500);
  const { socket } = platform;
  socket.onopen();
  socket.say("RESUMED", { audio_bytes: 32_000, ended: false });
  assert.equal(socket.closeCode, 1000);
  platform.pass(1000);
  platform.socket.onopen();
  assert.equal(platform.socket.sent[0].command, "START");
  assert.deepEqual(kinds(), ["start", "lost", "lost"]);
});

test("a server that acknowledges nothing for ten seconds is not there, one that does is", () => {
  const { platform, session, kinds } = start();
  platform.socket.acceptHeld();
  for (let at = 1; at <= 30; at += 1) {
    session.send(second());
    platform.pass(1000);
    platform.socket.say("ACK", { audio_bytes: 32_000 * at });
  }
  assert.deepEqual(kinds(), ["start"]);
  session.send(second());
  session.send(second());
  platform.pass(9_999);
  assert.deepEqual(kinds(), ["start"]);
  platform.pass(1);
  assert.deepEqual(kinds(), ["start", "lost"]);
});

test("who is silent himself is not told that the server is gone", () => {
  const { platform, session, kinds } = start();
  platform.socket.acceptHeld();
  session.send(second());
  platform.socket.say("ACK", { audio_bytes: 32_000 });
  platform.pass(3_600_000);
  assert.deepEqual(kinds(), ["start"]);
});

test("a connection that another one has replaced ends the session", async () => {
  const { platform, session, told } = start();
  platform.socket.acceptHeld();
  platform.socket.drop(4009);
  assert.equal(await session.over, "ERROR");
  assert.equal(told.at(-2)[1].error_code, "CLOSED");
});

test("the token of the round is not told with the messages", () => {
  const { platform, session } = start();
  const texts = [];
  session.addEventListener("message", ({ detail }) => texts.push(detail.text));
  platform.socket.acceptHeld();
  platform.socket.drop();
  platform.pass(500);
  platform.socket.onopen();
  assert.equal(texts.some((text) => text?.includes("secret")), false);
  assert.ok(texts.includes('{"command":"RESUME","token":"…","seq":1}'));
});
