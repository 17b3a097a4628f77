/**
 * One session with a server: sound in, the messages of the protocol out as events.
 *
 * Sound is kept until it has its final. So a connection that is lost can be taken up again with
 * nothing lost and nothing told twice: the new round begins with the sound behind the last final.
 * Where that sound is not all there any more, the session ends with an error instead.
 */

import { protocolsOf, refusalAt, socketAddress, withTicket } from "./credentials.js";
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
    this.config = startConfig(options);
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
    this.timeline = new Timeline();
    this.endSent = false;
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
    socket.onopen = () => this.command({ command: "START", config: this.config });
    socket.onmessage = ({ data }) => {
      this.tell("message", { sent: false, text: data });
      this.awaitEnd();
      this.hear(JSON.parse(data));
    };
    socket.onclose = ({ code, reason }) => this.closed(code, reason);
  }

  command(message) {
    const text = JSON.stringify(message);
    this.socket.send(text);
    this.tell("message", { sent: true, text });
  }

  disconnect() {
    const { socket } = this;
    if (socket !== null) {
      this.socket = null;
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    this.platform.clearTimeout(this.pumpTimer);
    this.pumpTimer = null;
    this.platform.clearTimeout(this.answerTimer);
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
    // Who shows something is told too little by a question without it.
    const asks = this.token === undefined && this.ticket === undefined;
    const refusal = asks ? await refusalAt(this.address, this.platform) : null;
    const { error_code, error_msg } = refusal ?? {
      error_code: "UNREACHABLE",
      error_msg: `no server answers at ${this.address}`,
    };
    if (this.state !== "ended") {
      this.fail(error_code, error_msg);
    }
  }

  // A server that hangs: the connection stays open, and nothing comes

  bound(ms, late) {
    this.platform.clearTimeout(this.answerTimer);
    this.answerTimer = this.platform.setTimeout(late, ms);
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
    this.platform.clearTimeout(this.answerTimer);
    if (!this.wasOpen) {
      this.unreachable();
    } else if (BROKEN.has(code)) {
      // What follows a sentence that the server ended by itself is silence.
      this.queue.settle(this.pauseEnd);
      this.lose();
    } else {
      this.fail("CLOSED", `the server closed the connection (${code}): ${reason || "no reason given"}`);
    }
  }

  /** The connection is gone: take it up again, if that is possible without loss. */
  lose() {
    this.disconnect();
    this.timeline = null;
    const keptFrom = Math.max(this.queue.start, this.queue.settledTo);
    if (this.openSentence !== null && this.openSentence < keptFrom) {
      this.fail("LOST", "the connection was lost, and with it a part of a sentence");
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

  // Messages

  hear(message) {
    switch (message.resp_type) {
      case "START":
        this.started(message);
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

  started({ trace_id }) {
    const resumed = this.wasOpen;
    this.wasOpen = true;
    this.platform.clearTimeout(this.answerTimer);
    this.waitedMs = 0;
    this.waitMs = FIRST_WAIT_MS;
    this.attempts = 0;
    this.openSentence = null;
    this.queue.rewind();
    this.state = this.wantsEnd ? "ending" : "open";
    this.awaitEnd();
    this.tell(resumed ? "resumed" : "start", { trace_id, start_time: this.ms(this.queue.start) });
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
    if (reason === "NORMAL" && !this.endSent) {
      // The server goes away, and its last final may end in the middle of a sentence.
      this.lose();
    } else {
      this.finish(reason);
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
      this.disconnect();
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
