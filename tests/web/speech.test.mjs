// A text that is spoken, against a websocket that a test holds in its hand.
import assert from "node:assert/strict";
import test from "node:test";

import { voices } from "../../rasr/web/client/rasr.js";
import { Speech } from "../../rasr/web/client/speech.js";
import "./custom_event.mjs";

/** Speaks "Good morning" with everything that it tells written down. */
async function spoken(options = {}, fetch = () => Promise.reject(new Error("nobody"))) {
  const sockets = [];
  const timers = new Map();
  class WebSocket {
    constructor(address, protocols) {
      Object.assign(this, { address, protocols, sent: [], isClosed: false });
      sockets.push(this);
    }
    send(text) {
      this.sent.push(JSON.parse(text));
    }
    close() {
      this.isClosed = true;
    }
    hear(message) {
      this.onmessage({ data: JSON.stringify({ trace_id: "t", ...message }) });
    }
  }
  const platform = {
    WebSocket,
    fetch,
    setTimeout: (late) => {
      timers.set(late, late);
      return late;
    },
    clearTimeout: (late) => timers.delete(late),
  };
  const speech = new Speech("http://host:1/", "Good morning", options, platform);
  const told = [];
  for (const type of ["start", "words", "sound", "error", "end"]) {
    speech.addEventListener(type, ({ detail }) => told.push([type, detail]));
  }
  await new Promise((resolve) => setImmediate(resolve));
  return { speech, told, socket: sockets[0], timers };
}

test("a text is sent, and its sound and words are told in order", async () => {
  const { speech, told, socket } = await spoken({ property: "espeak-male", speed: 100, token: "abc" });
  assert.equal(socket.address, "ws://host:1/v1/any/rtts");
  assert.deepEqual(socket.protocols, ["sis", "sis.token.abc"]);
  assert.equal(speech.rate, 16000);
  socket.onopen();
  const config = { sample_rate: "16000", property: "espeak-male", speed: 100, audio_format: "pcm" };
  assert.deepEqual(socket.sent, [{ command: "START", text: "Good morning", config }]);
  socket.hear({ resp_type: "START" });
  const words = [{ text: "Good", start_time: 0, end_time: 200, word_index: 0 }];
  socket.hear({ resp_type: "RESULT", result: words });
  socket.onmessage({ data: Int16Array.from([1, -2]).buffer });
  socket.hear({ resp_type: "END", reason: "NORMAL" });
  assert.equal(await speech.over, "NORMAL");
  assert.deepEqual(told, [
    ["start", { trace_id: "t" }],
    ["words", words],
    ["sound", Int16Array.from([1, -2])],
    ["end", { reason: "NORMAL" }],
  ]);
  assert.ok(socket.isClosed);
});

test("what the server refuses is told with its sentence", async () => {
  const { speech, told, socket } = await spoken();
  socket.onopen();
  socket.hear({ resp_type: "ERROR", error_code: "SIS.0411", error_msg: "no voice" });
  assert.equal(await speech.over, "ERROR");
  assert.deepEqual(told, [
    ["error", { error_code: "SIS.0411", error_msg: "no voice" }],
    ["end", { reason: "ERROR" }],
  ]);
});

test("who cancels hears nothing more", async () => {
  const { speech, told, socket } = await spoken();
  socket.onopen();
  speech.cancel();
  assert.equal(await speech.over, "CANCEL");
  assert.ok(socket.isClosed);
  assert.equal(socket.onmessage, null);
  assert.deepEqual(told, [["end", { reason: "CANCEL" }]]);
});

test("a connection that closes is an error", async () => {
  const { speech, told, socket } = await spoken();
  socket.onopen();
  socket.onclose({ code: 1001, reason: "the server is shutting down" });
  assert.equal(await speech.over, "ERROR");
  assert.equal(told[0][1].error_code, "CLOSED");
  assert.match(told[0][1].error_msg, /1001.*shutting down/);
});

test("a server that is not there, and one that wants credentials", async () => {
  const nobody = await spoken();
  nobody.socket.onclose({ code: 1006, reason: "" });
  await nobody.speech.over;
  assert.equal(nobody.told[0][1].error_code, "UNREACHABLE");
  const body = { error_code: "APIG.0301", error_msg: "sign in" };
  const guarded = await spoken({}, () => Promise.resolve({ status: 401, json: () => body }));
  guarded.socket.onclose({ code: 1006, reason: "" });
  await guarded.speech.over;
  assert.deepEqual(guarded.told[0], ["error", body]);
  // Whoever showed a token is not told that he has to sign in.
  const shown = await spoken({ token: "abc" }, () => Promise.resolve({ status: 401, json: () => body }));
  shown.socket.onclose({ code: 1006, reason: "" });
  await shown.speech.over;
  assert.equal(shown.told[0][1].error_code, "UNREACHABLE");
});

test("a server that says nothing is given up", async () => {
  const { speech, told, timers } = await spoken();
  assert.equal(timers.size, 1);
  [...timers.values()][0]();
  assert.equal(await speech.over, "ERROR");
  assert.equal(told[0][1].error_code, "UNANSWERED");
});

test("a ticket opens one connection, and without one nothing is spoken", async () => {
  const { socket } = await spoken({ ticket: () => "xyz" });
  assert.equal(socket.address, "ws://host:1/v1/any/rtts?ticket=xyz");
  const refused = await spoken({ ticket: () => Promise.reject(new Error("no")) });
  assert.equal(refused.socket, undefined);
  assert.equal(await refused.speech.over, "ERROR");
  assert.deepEqual(refused.told[0], ["error", { error_code: "UNREACHABLE", error_msg: "no" }]);
});

test("the voices of a server are asked for in the name of who asks", async (t) => {
  const asked = [];
  t.mock.method(globalThis, "fetch", async (address, { headers }) => {
    asked.push([address.href, headers]);
    return Response.json({ voices: [] });
  });
  assert.deepEqual(await voices("ws://host:1"), { voices: [] });
  await voices("https://host", { project: "a b", token: "t" });
  assert.deepEqual(asked, [
    ["http://host:1/v1/any/tts/voices", {}],
    ["https://host/v1/a%20b/tts/voices", { "x-auth-token": "t" }],
  ]);
});
