/**
 * One text that a server speaks: its sound comes as it is made, and with it when words are said.
 */

import { protocolsOf, socketAddress, whyUnreachable, withTicket } from "./credentials.js";

const PATH = "rtts";
const RATE = "16000";
/** For a word of the server, the connection included: its voices may have to be loaded first. */
const SILENCE_MS = 60_000;

export class Speech extends EventTarget {
  /**
   * @param {string | URL} url of the server: `ws:`, `wss:`, `http:` or `https:`
   * @param {string} text plain, or SSML
   * @param {import("./rasr.js").SpeechOptions} options
   * @param {object} platform for tests: WebSocket, setTimeout, clearTimeout
   */
  constructor(url, text, { project = "any", token, ticket, ...config } = {}, platform = globalThis) {
    super();
    this.platform = platform;
    this.text = text;
    this.config = { sample_rate: RATE, ...config, audio_format: "pcm" };
    /** Samples a second. */
    this.rate = Number(this.config.sample_rate);
    this.address = socketAddress(url, project, PATH);
    this.token = token;
    this.ticket = ticket;
    this.socket = null;
    this.wasOpen = false;
    this.isOver = false;
    this.timer = null;
    this.over = new Promise((resolve) => {
      this.settle = resolve;
    });
    // Whoever made it listens from the next turn on.
    Promise.resolve().then(() => this.connect());
  }

  /** Close now: the server stops speaking. */
  cancel() {
    this.finish("CANCEL");
  }

  async connect() {
    let { address } = this;
    try {
      if (this.ticket !== undefined) {
        address = await withTicket(address, this.ticket);
      }
    } catch ({ error_code = "UNREACHABLE", message }) {
      this.fail(error_code, message);
    }
    if (this.isOver) {
      return;
    }
    const socket = new this.platform.WebSocket(address, protocolsOf(this.token));
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.wait();
    socket.onopen = () => {
      this.wasOpen = true;
      const text = JSON.stringify({ command: "START", text: this.text, config: this.config });
      socket.send(text);
      this.tell("message", { sent: true, text });
    };
    socket.onmessage = ({ data }) => {
      this.wait();
      if (typeof data === "string") {
        this.tell("message", { sent: false, text: data });
        this.hear(JSON.parse(data));
      } else {
        this.tell("message", { sent: false, bytes: data.byteLength });
        this.tell("sound", new Int16Array(data));
      }
    };
    socket.onclose = ({ code, reason }) => this.closed(code, reason);
  }

  wait() {
    this.platform.clearTimeout(this.timer);
    const late = () => this.fail("UNANSWERED", `the server has said nothing for ${SILENCE_MS / 1000} s`);
    this.timer = this.platform.setTimeout(late, SILENCE_MS);
  }

  hear(message) {
    switch (message.resp_type) {
      case "START":
        this.tell("start", { trace_id: message.trace_id });
        break;
      case "RESULT":
        this.tell("words", message.result);
        break;
      case "ERROR":
      case "FATAL_ERROR":
        this.fail(message.error_code, message.error_msg);
        break;
      case "END":
        this.finish(message.reason);
        break;
    }
  }

  async closed(code, reason) {
    if (this.wasOpen) {
      this.fail("CLOSED", `the server closed the connection (${code}): ${reason || "no reason given"}`);
      return;
    }
    const { error_code, error_msg } = await whyUnreachable(this.address, this, this.platform);
    this.fail(error_code, error_msg);
  }

  fail(error_code, error_msg) {
    if (!this.isOver) {
      this.tell("error", { error_code, error_msg });
      this.finish("ERROR");
    }
  }

  finish(reason) {
    if (this.isOver) {
      return;
    }
    this.isOver = true;
    this.platform.clearTimeout(this.timer);
    if (this.socket !== null) {
      this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
      this.socket.close();
    }
    this.tell("end", { reason });
    this.settle(reason);
  }

  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
