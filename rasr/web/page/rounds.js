/**
 * One round as the page sees it: a session, its take, and what its events mean for the page.
 *
 * `page` is told: `partial`, `final`, `voice`, `status`, `latency`, `fault`, `wantsStop`.
 */

import { faultOf } from "./notices.js";

/** Waiting sound that a person is told of, seconds. */
const STALLED_S = 2;

export class Round {
  /**
   * @param {import("../client/rasr.js").Session} session
   * @param {import("./take.js").Take} take
   * @param {object} page
   * @param {{mode: string, vad_tail: number, interim_results: boolean, isMicrophone: boolean}} traits
   */
  constructor(session, take, page, traits) {
    this.session = session;
    this.take = take;
    this.page = page;
    this.traits = traits;
    this.ended = null;
    this.failed = false;
    this.heard = 0;
    for (const type of ["start", "result", "event", "error", "lost", "resumed", "dropped"]) {
      session.addEventListener(type, ({ detail }) => this[type](detail));
    }
  }

  /** In the two modes without VOICE_START, speech is known by its partials. */
  get tellsVoice() {
    return this.traits.mode === "sentence" || this.traits.interim_results;
  }

  /** A person has stopped speaking now, or a file is over. */
  noteEnd(now) {
    this.ended ??= now;
  }

  /** Called now and then while the microphone is open. */
  watch() {
    if (this.session.state === "open") {
      const seconds = this.session.waitingSeconds;
      if (seconds >= STALLED_S) {
        this.page.status("waiting", { seconds: Math.round(seconds) });
      } else {
        this.page.status("listening");
      }
    }
  }

  start() {
    this.page.voice(this.tellsVoice ? "silence" : "unknown");
    this.page.status(this.traits.isMicrophone ? "listening" : "reading", { name: this.take.name });
  }

  resumed() {
    this.start();
  }

  lost() {
    this.page.voice("unknown");
    this.page.status("reconnecting");
  }

  result(segment) {
    this.heard = Math.max(this.heard, segment.end_time);
    if (segment.is_final) {
      this.page.final(this.take, segment);
      this.tellLatency(segment);
    } else {
      this.page.partial(segment);
    }
    if (this.traits.mode !== "sentence" && this.tellsVoice) {
      this.page.voice(segment.is_final ? "silence" : "speech");
    }
    this.page.progress(this.heard);
  }

  tellLatency({ end_time }) {
    if (!this.traits.isMicrophone) {
      return;
    }
    const now = performance.now();
    const inSeconds = (ms) => (ms / 1000).toFixed(2);
    if (this.ended !== null) {
      this.page.latency("latency_short", { seconds: inSeconds(now - this.ended) });
    } else {
      this.page.latency("latency", {
        seconds: inSeconds(this.take.ageOf(end_time, now)),
        tail: inSeconds(this.traits.vad_tail),
      });
    }
  }

  event({ event, message }) {
    switch (event) {
      case "VOICE_START":
        this.page.voice("speech");
        break;
      case "VOICE_END":
        this.page.voice("silence");
        this.page.wantsStop();
        break;
      case "EXCEEDED_SILENCE":
        this.page.fault({ name: "silent" });
        this.page.wantsStop();
        break;
      case "EXCEEDED_AUDIO":
        this.page.fault({ name: "limit" });
        this.page.wantsStop();
        break;
      case "WARNING":
        this.page.fault({ name: "warning", values: { message } });
        break;
    }
  }

  error(error) {
    this.failed = true;
    this.page.fault(faultOf(error));
  }

  dropped({ start_time, end_time }) {
    this.page.lostSound(start_time, end_time - start_time);
  }
}
