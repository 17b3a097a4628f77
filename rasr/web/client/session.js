/**
 * One session with a server: sound in, the messages of the protocol out as events.
 *
 * A connection that is lost is made anew, and the round goes on where it was: a server holds it for
 * a while. Sound is also kept until it has its final: where the round is not held any more, a new one
 * begins behind the last final. Either way nothing is lost and nothing told twice; where the sound for
 * that is not all there, the session ends with an error instead.
 */

import { protocolsOf, socketAddress, whyUnreachable, withTicket } from "./credentials.js";
import { SoundQueue } from "./sound_queue.js";
import { Timeline } from "./timeline.js";

const PATHS = {
  continue: "rasr/continue-stream",
  sentence: "rasr/sentence-stream",
  short: "rasr/short-stream",
};

/** More than the longest sentence, 60 s, and than a server that is late with its final. */
const KEEP_S = 90;
/** For how long a lost server is looked for. */
const PATIENCE_S = 60;
/** For the answer to START, the connection included. */
const START_S = 15;
/** For a word of the server while it ends: the longest piece of short mode, 60 s, may be silent till then. */
const END_S = 60;
/** A server that says nothing for so long, although a second of sound was sent to it, is not there. */
const SILENT_MS = 10_000;
/** Sound that a server has not acknowledged although it would have, if it had come: docs/protocol.md. */
const UNACKNOWLEDGED_BYTES = 32 * 1024;
/** So many messages have come when they are acknowledged again; finals and END at once. */
const ACKNOWLEDGED_MESSAGES = 16;
const BYTES_PER_SAMPLE = 2;
/** Closed with it, a server knows that nobody comes back. */
const FOR_GOOD = 1000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5000;
/** The browser's own buffer cannot be emptied again, so not much is put into it: 4 s. */
const BUFFERED_BYTES = 128 * 1024;
const PUMP_MS = 40;
/** In the last part of max_seconds a sentence may be cut between two words: docs/protocol.md. */
const CUT_WINDOW_MS = 2000;

/** A connection that breaks leaves these; others are said by a server on purpose. */
const BROKEN = new Set([1001, 1005, 1006, 1012]);
/**
 * Refusals of a START that was accepted before, which may be over soon: the server is full or
 * closing, or the lost round, which it has not missed yet, still holds the caption channel.
 */
const PASSING = new Set(["SIS.0312", "SIS.0032"]);

export class Session extends EventTarget {
  /**
   * @param {string | URL} url of the server: `ws:`, `wss:`, `http:` or `https:`
   * @param {import("./rasr.js").SessionOptions} options
   * @param {object} platform for tests: WebSocket, setTimeout, clearTimeout
   */
  constructor(url, options, platform = globalThis) {
    super();
    const { mode = "continue", project = "any", keepSeconds = KEEP_S, patienceSeconds = PATIENCE_S } = options;
    const { startSeconds = START_S, endSeconds = END_S } = options;
    this.token = options.token;
    this.ticket = options.ticket;
    this.config = { resume: "yes", ...startConfig(options) };
    /** Samples a second that `send` takes. */
    this.rate = rateOf(this.config.property);
    this.mode = mode;
    this.address = addressOf(url, project, mode);
    /** "connecting", "open", "lost", "ending" or "ended". */
    this.state = "connecting";
    this.platform = platform;
    this.queue = new SoundQueue(keepSeconds * this.rate);
    this.patienceMs = patienceSeconds * 1000;
    this.startMs = startSeconds * 1000;
    this.endMs = endSeconds * 1000;
    this.waitedMs = 0;
    this.waitMs = FIRST_WAIT_MS;
    this.attempts = 0;
    this.wantsEnd = false;
    this.endSent = false;
    this.wasOpen = false;
    /** Where a sentence without a final began, in samples, as far as partials say. */
    this.openSentence = null;
    /** Where the next sentence can begin at the earliest, in samples. */
    this.pauseEnd = 0;
    /** With which the round can be gone on with; null: it is not held. */
    this.roundToken = null;
    /** The newest message of the round that came, and the newest that was acknowledged. */
    this.newest = 0;
    this.acknowledged = 0;
    /** So much of the round's sound has arrived. */
    this.arrivedBytes = 0;
    this.waiters = [];
    this.pumpTimer = null;
    /** Until the server must have said something. */
    this.answerTimer = null;
    this.over = new Promise((resolve) => {
      this.settleOver = resolve;
    });
    this.connect();
  }

  /** Seconds of sound that wait for the network. */
  get waitingSeconds() {
    return this.queue.unsentSamples / this.rate;
  }

  /** Seconds of sound that have no final yet, and are sent again where the connection is lost. */
  get keptSeconds() {
    return this.queue.kept / this.rate;
  }

  /**
   * Send sound. It is kept, not copied: do not write to it any more.
   * @param {Int16Array} samples mono, at `rate`
   */
  send(samples) {
    if (this.wantsEnd || this.state === "ended" || samples.length === 0) {
      return;
    }
    const dropped = this.queue.push(samples);
    if (dropped !== null) {
      this.tell("dropped", { start_time: this.ms(dropped.start), end_time: this.ms(dropped.end) });
    }
    this.pump();
  }

  /** For sound that can wait, a file's: resolves when all that was sent is on its way. */
  async room() {
    while (this.queue.unsentSamples > 0 && this.state !== "ended") {
      await new Promise((resolve) => {
        this.waiters.push(resolve);
      });
    }
  }

  /**
   * No more sound: everything that was sent is recognised, then the connection is closed.
   * @returns {Promise<"NORMAL" | "CANCEL" | "ERROR">}
   */
  end() {
    if (!this.wantsEnd && this.state !== "ended") {
      this.wantsEnd = true;
      if (this.state === "open") {
        this.state = "ending";
        this.awaitEnd();
      }
      this.pump();
    }
    return this.over;
  }

  /** Close now; what has no final is given up. */
  cancel() {
    this.finish("CANCEL");
  }

  // The connection

  connect() {
    this.socket = null;
    if (this.ticket === undefined) {
      this.open(this.address);
      return;
    }
    const waits = this.state;
    withTicket(this.address, this.ticket).then(
      (address) => {
        if (this.state === waits) {
          this.open(address);
        }
      },
      (error) => {
        if (this.state === waits) {
          this.noTicket(error);
        }
      },
    );
  }

  open(address) {
    const socket = new this.platform.WebSocket(address, protocolsOf(this.token));
    this.socket = socket;
    this.bound(this.startMs, () => this.startIsLate());
    socket.onopen = () => this.begin();
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      this.roundToken = message.resume?.token ?? this.roundToken;
      this.show(false, data);
      this.awaitEnd();
      this.hear(message);
      this.awaitSign();
    };
    socket.onclose = ({ code, reason }) => this.closed(code, reason);
  }

  /** Go on with the round, or begin one. */
  begin() {
    if (this.roundToken === null) {
      this.timeline = new Timeline();
      this.endSent = false;
      this.newest = this.acknowledged = this.arrivedBytes = 0;
      this.command({ command: "START", config: this.config });
    } else {
      this.command({ command: "RESUME", token: this.roundToken, seq: this.newest });
    }
  }

  command(message) {
    const text = JSON.stringify(message);
    this.socket.send(text);
    this.show(true, text);
  }

  /** Tell what went over the wire, but for the secret. */
  show(sent, text) {
    this.tell("message", { sent, text: this.roundToken === null ? text : text.replaceAll(this.roundToken, "…") });
  }

  /** @param {number} [code] of the closing handshake */
  disconnect(code) {
    const { socket } = this;
    if (socket !== null) {
      this.socket = null;
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close(code);
    }
    this.platform.clearTimeout(this.pumpTimer);
    this.pumpTimer = null;
    this.unbound();
  }

  noTicket({ error_code, message }) {
    if (error_code !== undefined) {
      this.fail(error_code, message);
    } else if (this.wasOpen) {
      this.lose();
    } else {
      this.fail("UNREACHABLE", `there is no ticket: ${message}`);
    }
  }

  async unreachable() {
    const { error_code, error_msg } = await whyUnreachable(this.address, this, this.platform);
    if (this.state !== "ended") {
      this.fail(error_code, error_msg);
    }
  }

  // A server that hangs: the connection stays open, and nothing comes

  bound(ms, late) {
    this.unbound();
    this.answerTimer = this.platform.setTimeout(late, ms);
  }

  unbound() {
    this.platform.clearTimeout(this.answerTimer);
    this.answerTimer = null;
  }

  /**
   * While sound is on its way to a server that acknowledges it, something comes now and then.
   * @param {boolean} isNew something has come; else sound was sent
   */
  awaitSign(isNew = true) {
    if (this.state !== "open" || this.roundToken === null || (!isNew && this.answerTimer !== null)) {
      return;
    }
    if (this.timeline.sent * BYTES_PER_SAMPLE - this.arrivedBytes >= UNACKNOWLEDGED_BYTES) {
      this.bound(SILENT_MS, () => this.lose());
    } else {
      this.unbound();
    }
  }

  /** While the session ends, whatever moves begins the wait anew. */
  awaitEnd() {
    if (this.state === "ending") {
      this.bound(this.endMs, () =>
        this.fail("UNANSWERED", `the server has said nothing for ${this.endMs / 1000} s; the rest is not recognised`),
      );
    }
  }

  startIsLate() {
    if (this.wasOpen) {
      this.waitedMs += this.startMs;
      this.lose();
    } else {
      this.fail("UNANSWERED", `the server at ${this.address} did not answer START within ${this.startMs / 1000} s`);
    }
  }

  closed(code, reason) {
    this.unbound();
    if (!this.wasOpen) {
      this.unreachable();
    } else if (BROKEN.has(code)) {
      if (this.roundToken === null) {
        this.skipPause();
      }
      this.lose();
    } else {
      this.fail("CLOSED", `the server closed the connection (${code}): ${reason || "no reason given"}`);
    }
  }

  /** The connection is gone: take it up again, if that is possible without loss. */
  lose() {
    this.disconnect();
    if (this.roundToken === null && this.hasForgotten) {
      this.failForgotten();
    } else if (this.waitedMs >= this.patienceMs) {
      this.fail("LOST", `the connection was lost and did not come back within ${this.patienceMs / 1000} s`);
    } else {
      this.state = "lost";
      this.attempts += 1;
      this.tell("lost", { wait_ms: this.waitMs, attempt: this.attempts, patience_ms: this.patienceMs });
      this.platform.setTimeout(() => {
        if (this.state === "lost") {
          this.connect();
        }
      }, this.waitMs);
      this.waitedMs += this.waitMs;
      this.waitMs = Math.min(2 * this.waitMs, LONGEST_WAIT_MS);
    }
  }

  /** What follows a sentence that the server ended by itself is silence: a new round begins behind it. */
  skipPause() {
    this.queue.settle(this.pauseEnd);
  }

  /** Sound is not there any more that a new round would have to begin with. */
  get hasForgotten() {
    const keptFrom = Math.max(this.queue.start, this.queue.settledTo);
    return this.openSentence !== null && this.openSentence < keptFrom;
  }

  failForgotten() {
    this.fail("LOST", "the connection was lost, and with it a part of a sentence");
  }

  // Messages

  hear(message) {
    if (message.seq <= this.newest) {
      // It came before the connection was lost.
      return;
    }
    this.newest = message.seq ?? this.newest;
    this.acknowledge(message);
    switch (message.resp_type) {
      case "START":
        this.started(message);
        break;
      case "ACK":
        this.arrivedBytes = message.audio_bytes;
        this.settled(message.settled_time);
        break;
      case "RESUMED":
        this.goOn(message);
        break;
      case "RESULT":
        message.segments.forEach((segment) => this.result(segment));
        break;
      case "EVENT":
        this.tell("event", { ...message, timestamp: this.place(message.timestamp) });
        break;
      case "ERROR":
      case "FATAL_ERROR":
        this.refused(message);
        break;
      case "END":
        this.ended(message);
        break;
    }
  }

  acknowledge({ resp_type, segments }) {
    const count = this.newest - this.acknowledged;
    const isAwaited = resp_type === "END" || segments?.some(({ is_final }) => is_final);
    if (this.roundToken !== null && count > 0 && (isAwaited || count >= ACKNOWLEDGED_MESSAGES)) {
      this.acknowledged = this.newest;
      this.command({ command: "ACK", seq: this.newest });
    }
  }

  started({ trace_id }) {
    this.openSentence = null;
    this.queue.rewind();
    this.isThere(trace_id, this.queue.start, { begun_anew: true });
  }

  /** The round goes on: `audio_bytes` of it have arrived. */
  goOn({ trace_id, audio_bytes, ended }) {
    const arrived = Math.floor(audio_bytes / BYTES_PER_SAMPLE);
    const place = this.timeline.toSession(arrived);
    if (!this.queue.goOnFrom(place)) {
      this.roundToken = null;
      this.disconnect(FOR_GOOD);
      this.lose();
      return;
    }
    this.timeline.goBack(arrived);
    this.arrivedBytes = audio_bytes;
    this.endSent = ended;
    this.isThere(trace_id, place, { begun_anew: false });
  }

  isThere(trace_id, place, how) {
    const resumed = this.wasOpen;
    this.wasOpen = true;
    this.unbound();
    this.waitedMs = 0;
    this.waitMs = FIRST_WAIT_MS;
    this.attempts = 0;
    this.state = this.wantsEnd ? "ending" : "open";
    this.awaitEnd();
    this.tell(resumed ? "resumed" : "start", { trace_id, start_time: this.ms(place), ...(resumed ? how : {}) });
    this.pump();
  }

  result(segment) {
    const told = {
      ...segment,
      start_time: this.place(segment.start_time),
      end_time: this.place(segment.end_time),
      result: { ...segment.result },
    };
    if (segment.result.word_info) {
      told.result.word_info = segment.result.word_info.map((word) => ({
        ...word,
        start_time: this.place(word.start_time),
        end_time: this.place(word.end_time),
      }));
    }
    if (segment.is_final) {
      this.openSentence = null;
      this.queue.settle(this.samples(told.end_time));
      this.pauseEnd = this.samples(told.end_time + this.pauseAfter(segment));
    } else {
      this.openSentence ??= this.samples(told.start_time);
    }
    this.tell("result", told);
  }

  /**
   * Silence that surely follows a sentence, in ms: half of what ended it. None where it was cut for
   * its length.
   */
  pauseAfter({ start_time, end_time }) {
    const { vad_tail = 500, max_seconds = 30 } = this.config;
    const cut = end_time - start_time > max_seconds * 1000 - CUT_WINDOW_MS;
    return cut || this.mode === "short" ? 0 : Math.min(vad_tail, 500) / 2;
  }

  refused(message) {
    if (this.state === "lost" && this.roundToken !== null && message.resp_type === "ERROR") {
      this.roundToken = null;
      this.skipPause();
      if (this.hasForgotten) {
        this.failForgotten();
      } else {
        this.begin();
      }
      return;
    }
    if (this.state === "lost" && PASSING.has(message.error_code)) {
      this.lose();
      return;
    }
    const fatal = message.resp_type === "FATAL_ERROR";
    const inRound = !fatal && (this.state === "open" || this.state === "ending");
    this.tell("error", { error_code: message.error_code, error_msg: message.error_msg, fatal });
    if (!inRound) {
      this.finish("ERROR");
    }
  }

  ended({ reason }) {
    this.roundToken = null;
    if (reason === "NORMAL" && !this.endSent) {
      // The server goes away, and its last final may end in the middle of a sentence.
      this.lose();
    } else {
      this.finish(reason);
    }
  }

  /** All before it has been told, or was silence: a new round need not begin with it. */
  settled(settled_time) {
    if (settled_time !== undefined) {
      this.queue.settle(this.samples(this.place(settled_time)));
    }
  }

  // Sound

  pump() {
    if (this.state !== "open" && this.state !== "ending") {
      return;
    }
    const { queue, socket } = this;
    while (queue.unsentSamples > 0 && socket.bufferedAmount < BUFFERED_BYTES) {
      const { start, samples } = queue.next();
      this.timeline.record(start, samples.length);
      socket.send(samples);
      this.awaitEnd();
      this.awaitSign(false);
      this.tell("message", { sent: true, bytes: samples.byteLength });
    }
    if (queue.unsentSamples > 0) {
      // A websocket does not say when its buffer has emptied.
      this.pumpTimer ??= this.platform.setTimeout(() => {
        this.pumpTimer = null;
        this.pump();
      }, PUMP_MS);
      return;
    }
    this.wake();
    if (this.wantsEnd && !this.endSent) {
      this.endSent = true;
      this.command({ command: "END", cancel: false });
    }
  }

  wake() {
    const waiters = this.waiters;
    this.waiters = [];
    waiters.forEach((resolve) => resolve());
  }

  // The end

  fail(error_code, error_msg) {
    this.tell("error", { error_code, error_msg, fatal: true });
    this.finish("ERROR");
  }

  finish(reason) {
    if (this.state !== "ended") {
      this.state = "ended";
      this.disconnect(FOR_GOOD);
      this.wake();
      this.tell("end", { reason });
      this.settleOver(reason);
    }
  }

  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  // Clocks

  /** ms of the round → ms of the session */
  place(roundMs) {
    return this.ms(this.timeline.toSession(this.samples(roundMs)));
  }

  samples(ms) {
    return Math.round((ms * this.rate) / 1000);
  }

  ms(samples) {
    return Math.round((samples * 1000) / this.rate);
  }
}

/** Samples a second of a property such as english_8k_common. */
export function rateOf(property) {
  return /_8k_/.test(property) ? 8000 : 16000;
}

/**
 * START's config: every option that is not the session's or the microphone's own, truth values as SIS
 * writes them.
 *
 * @param {import("./rasr.js").ListenOptions} options
 */
export function startConfig({ mode, project, token, ticket, cleanUp, ...options }) {
  const { keepSeconds, patienceSeconds, startSeconds, endSeconds, ...config } = options;
  if (typeof config.property !== "string") {
    throw new TypeError("options need a property, such as english_16k_common");
  }
  const yesNo = ([key, value]) => [key, value === true ? "yes" : value === false ? "no" : value];
  const audio_format = rateOf(config.property) === 8000 ? "pcm8k16bit" : "pcm16k16bit";
  return { interim_results: "yes", ...Object.fromEntries(Object.entries(config).map(yesNo)), audio_format };
}

/**
 * The websocket's address.
 *
 * @param {string | URL} url of the server
 * @param {string} project `{project_id}` of the address
 * @param {"continue" | "sentence" | "short"} mode
 */
export function addressOf(url, project, mode) {
  if (!(mode in PATHS)) {
    throw new TypeError(`mode is ${mode}; allowed: ${Object.keys(PATHS).join(", ")}`);
  }
  return socketAddress(url, project, PATHS[mode]);
}
