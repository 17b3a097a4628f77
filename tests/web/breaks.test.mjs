// A session whose connection breaks at any moment, with whatever is on its way: nothing is lost or told twice.
import assert from "node:assert/strict";
import test from "node:test";

import { Session } from "../../rasr/web/client/session.js";
import "./custom_event.mjs";

/** Numbers below `limit`, the same for each seed. */
function drawing(seed) {
  let state = seed * 2654435761 + 1;
  return (limit) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** A server that holds its round, and the network in front of it. */
class World {
  heard = [];
  told = [];
  ended = false;
  breaks = 0;
  timers = [];
  now = 0;
  socket = null;
  /** On which the server sends what it has to say. */
  hasRound = null;

  constructor() {
    const world = this;
    this.WebSocket = class {
      bufferedAmount = 0;
      /** On its way to the server, and from it. */
      up = [];
      down = [];

      constructor() {
        world.socket = this;
      }

      send(data) {
        this.up.push(typeof data === "string" ? data : Int16Array.from(data));
      }

      close() {
        this.isClosed = true;
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

  /** Time passes, and a connection that was waited for is made. */
  pass(ms) {
    this.now += ms;
    const due = this.timers.filter(({ at }) => at <= this.now);
    this.timers = this.timers.filter(({ at }) => at > this.now);
    due.forEach(({ call }) => call());
    this.connect();
  }

  connect() {
    const { socket } = this;
    if (!socket.isOpen) {
      socket.isOpen = true;
      socket.onopen?.();
    }
  }

  say(message, number = null) {
    const numbered = number === null ? message : { ...message, seq: number };
    this.socket.down.push(JSON.stringify({ trace_id: "t", ...numbered }));
  }

  tell(message) {
    this.told.push(message);
    if (this.hasRound === this.socket) {
      this.say(message, this.told.length);
    }
  }

  /** A final for all the sound that has come since the last one. */
  final() {
    const end_time = this.heard.length / 16;
    const result = { text: `final ${this.told.length}`, score: 0.5 };
    this.tell({ resp_type: "RESULT", segments: [{ start_time: end_time - 1, end_time, is_final: true, result }] });
  }

  serverReads() {
    const data = this.socket.up.shift();
    if (data === undefined) {
      return;
    }
    if (typeof data !== "string") {
      this.heard.push(...data);
      this.say({ resp_type: "ACK", audio_bytes: 2 * this.heard.length });
      return;
    }
    const message = JSON.parse(data);
    switch (message.command) {
      case "START":
        assert.equal(this.told.length, 0, "a second round");
        this.hasRound = this.socket;
        this.tell({ resp_type: "START", resume: { token: "secret", grace_ms: 30_000 } });
        break;
      case "RESUME":
        assert.equal(message.token, "secret");
        this.hasRound = this.socket;
        this.say({ resp_type: "RESUMED", audio_bytes: 2 * this.heard.length, ended: this.ended });
        this.told.slice(message.seq).forEach((one, at) => this.say(one, message.seq + at + 1));
        break;
      case "END":
        assert.equal(this.ended, false, "END came twice");
        this.ended = true;
        this.tell({ resp_type: "END", reason: "NORMAL" });
        break;
    }
  }

  clientReads() {
    const data = this.socket.down.shift();
    if (data !== undefined) {
      this.socket.onmessage?.({ data });
    }
  }

  lose() {
    this.breaks += 1;
    const { socket } = this;
    socket.up = [];
    socket.down = [];
    socket.onclose?.({ code: 1006, reason: "" });
    this.pass(5000);
  }

  calm(session) {
    while (this.socket.up.length > 0 || this.socket.down.length > 0 || session.waitingSeconds > 0) {
      this.serverReads();
      this.clientReads();
      this.pass(40);
    }
  }
}

async function dictate(seed) {
  const draw = drawing(seed);
  const world = new World();
  const session = new Session("http://server:1", { property: "english_16k_common" }, world);
  const texts = [];
  session.addEventListener("result", ({ detail }) => texts.push(detail.result.text));
  world.connect();
  world.calm(session);
  let spoken = 0;
  for (let step = 0; step < 300; step += 1) {
    switch (draw(6)) {
      case 0: {
        const length = 1 + draw(4000);
        session.send(Int16Array.from({ length }, (_, at) => (spoken + at) % 32_000));
        spoken += length;
        break;
      }
      case 1:
        world.final();
        break;
      case 2:
        world.lose();
        break;
      default:
        world.serverReads();
        world.clientReads();
    }
  }
  const over = session.end();
  // END itself, and its answer, may be lost as well.
  world.lose();
  world.serverReads();
  world.serverReads();
  world.lose();
  world.calm(session);
  assert.equal(await over, "NORMAL");
  assert.equal(world.heard.length, spoken);
  assert.ok(world.heard.every((sample, at) => sample === at % 32_000), "the sound is in order");
  const finals = world.told.filter(({ segments }) => segments).map(({ segments }) => segments[0].result.text);
  assert.deepEqual(texts, finals);
  return world.breaks;
}

test("any order of breaks loses and doubles nothing", async () => {
  let breaks = 0;
  for (let seed = 1; seed <= 60; seed += 1) {
    breaks += await dictate(seed);
  }
  assert.ok(breaks > 2000, `${breaks} breaks`);
});
