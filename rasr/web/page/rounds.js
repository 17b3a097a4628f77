/**
 * One round as the page sees it: a session, its take, and what its events mean for the page.
 *
 * `page` is told: `partial`, `final`, `voice`, `status`, `latency`, `progress`, `fault`, `update`,
 * `over`, `otherLanguage`, `lostSound`, `wantsStop`.
 */

import { languageOf } from "../shared/language_names.js";
import { faultOf } from "./notices.js";

/** Waiting sound that a person is told of, seconds. */
const STALLED_S = 2;
/** A person reads that the connection is back, ms. */
const BACK_MS = 3000;
/** RMS of half a second of a recording that is neither silent nor too soft: −40 dB below full scale. */
const LOUD = 0.01;
/** So many sentences in a row are of another language before a person is told. */
const SURE = 2;

export class Round {
  /**
   * @param {import("../client/rasr.js").Session} session
   * @param {import("./take.js").Take} take
   * @param {object} page
   * @param {{mode: string, property: string, vad_tail: number, interim_results: boolean,
   *   isLive: boolean, isMicrophone: boolean, doing: [string, object?]}} traits
   *   `doing`: the status while all is well
   */
  constructor(session, take, page, traits) {
    this.session = session;
    this.take = take;
    this.page = page;
    this.traits = traits;
    this.ended = null;
    /** How it ended, as the session says. */
    this.reason = null;
    this.failed = false;
    this.heard = 0;
    this.others = 0;
    /** Of the connection that is lost: the last try, and what was told of it. */
    this.gone = null;
    /** When the connection has come back. */
    this.backAt = null;
    for (const type of ["start", "result", "event", "error", "lost", "resumed", "dropped", "end"]) {
      session.addEventListener(type, ({ detail }) => this[type](detail));
    }
  }

  /** In the two modes without VOICE_START, speech is known by its partials. */
  get tellsVoice() {
    return this.traits.mode === "sentence" || this.traits.interim_results;
  }

  /** True if not a word was said. */
  get isEmpty() {
    return this.take.segments.every(({ result }) => result.text.trim() === "");
  }

  /** True if something was said, or is loud enough to be said, of which no word was recognised. */
  get isWordless() {
    // A microphone hears many a loud thing.
    return this.isEmpty && (this.heard > 0 || (!this.traits.isLive && this.take.loudness >= LOUD));
  }

  /** A person has stopped speaking now, or a file is over. */
  noteEnd(now) {
    this.ended ??= now;
  }

  /** Called now and then while there is sound. */
  watch() {
    if (this.session.state === "open") {
      // Whoever is just back sends what was kept: that this waits is told when it does so for long.
      if (this.backAt !== null && performance.now() - this.backAt < BACK_MS) {
        return;
      }
      const seconds = this.session.waitingSeconds;
      if (seconds >= STALLED_S) {
        this.page.status("waiting", { seconds: Math.round(seconds) });
      } else {
        this.page.status(...this.traits.doing);
      }
    } else if (this.session.state === "lost") {
      this.tellGone();
    }
  }

  start() {
    this.page.voice(this.tellsVoice ? "silence" : "unknown");
    this.page.status(...this.traits.doing);
  }

  resumed({ begun_anew }) {
    this.isBack();
    this.start();
    this.backAt = performance.now();
    this.page.status(begun_anew ? "back_anew" : "back");
  }

  lost(detail) {
    if (this.gone === null) {
      this.page.voice("unknown");
      this.page.status("reconnecting");
      this.page.latency(null);
    }
    this.gone = { ...this.gone, ...detail };
    this.tellGone();
  }

  /** What is kept, which try it is, and when the page gives up. */
  tellGone() {
    const { attempt, patience_ms, told } = this.gone;
    const kept = Math.floor(this.session.keptSeconds);
    const values = { kept, attempt, patience: patience_ms / 1000, name: this.take.name };
    const now = `${kept} ${attempt}`;
    if (told === undefined) {
      this.page.fault({ name: this.traits.isLive ? "away" : "away_file", values, key: "away" });
    } else if (told !== now) {
      this.page.update("away", values);
    }
    this.gone.told = now;
  }

  isBack() {
    this.gone = null;
    this.page.over("away");
  }

  end({ reason }) {
    this.reason = reason;
    this.isBack();
  }

  result(segment) {
    this.heard = Math.max(this.heard, segment.end_time);
    if (segment.is_final) {
      this.page.final(this.take, segment);
      this.tellLatency(segment);
      this.tellLanguage(segment.result.language);
    } else {
      this.page.partial(segment);
    }
    if (this.traits.mode !== "sentence" && this.tellsVoice) {
      this.page.voice(segment.is_final ? "silence" : "speech");
    }
    this.page.progress(this.heard);
  }

  /** Models that know several languages say which one they heard. */
  tellLanguage(language) {
    const isOther = language !== undefined && language !== languageOf(this.traits.property);
    this.others = isOther ? this.others + 1 : 0;
    if (this.others === SURE) {
      this.page.otherLanguage(language);
    }
  }

  tellLatency({ end_time }) {
    if (!this.traits.isLive) {
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

  event({ event, warning, message }) {
    const { name } = this.take;
    switch (event) {
      case "VOICE_START":
        this.page.voice("speech");
        break;
      case "VOICE_END":
        this.page.voice("silence");
        this.page.wantsStop();
        break;
      case "EXCEEDED_SILENCE":
        this.tellSilence();
        this.page.wantsStop();
        break;
      case "EXCEEDED_AUDIO":
        this.page.fault({ name: "limit" });
        this.page.wantsStop();
        break;
      case "WARNING":
        // Of a recording that is silent the end says all there is to say.
        if (this.traits.isMicrophone) {
          this.page.fault({ name: "warning", values: { message } });
        } else if (warning !== "silence") {
          this.page.fault({ name: "warning_file", values: { message, name }, key: `warning ${name}` });
        }
        break;
    }
  }

  /** Nobody was heard, or nobody of whom a word was recognised. */
  tellSilence() {
    const { name } = this.take;
    if (this.traits.isMicrophone) {
      this.page.fault({ name: "silent" });
    } else {
      this.page.fault({ name: this.isWordless ? "no_words" : "no_speech", file: name });
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
