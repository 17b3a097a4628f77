/** One round at a time, of the microphone, a sample or a file: its beginning, its course, its end. */

import { inTime } from "../client/answers.js";
import { languageOf, nameOf } from "../shared/language_names.js";
import { sessionOptions } from "./choices.js";
import { clock } from "./exports.js";
import { cureOf } from "./languages.js";
import { faultOf } from "./notices.js";
import { Round } from "./rounds.js";

/** A full progress bar is the end of the sound; before END there may be text to come. */
const NEARLY_DONE = 0.99;

/** A person has stopped what had not yet begun, or has not signed in. */
export class GivenUp extends Error {}

export class Runner {
  /**
   * @param {object} parts of the page
   * @param {import("../shared/texts.js").Texts} parts.texts
   * @param {import("./signs.js").Signs} parts.signs
   * @param {import("./notices.js").Notices} parts.notices
   * @param {import("./transcript.js").Transcript} parts.transcript
   * @param {import("./choices.js").Choices} parts.choices
   * @param {import("./languages.js").Offers} parts.offers
   * @param {import("./messages.js").Messages} parts.messages
   * @param {import("../shared/account.js").Account} parts.account
   * @param {Promise<void>} parts.loaded the offers are there
   * @param {(state: string) => void} onState
   */
  constructor(parts, onState) {
    Object.assign(this, parts);
    this.onState = onState;
    /** "idle", "starting", "running" or "ending". */
    this.state = "idle";
    this.isLive = true;
    /** What is recognised now, or was last. */
    this.property = "";
    this.totalMs = 0;
    this.awake = null;
    /** Aborted where a person gives up what begins. */
    this.beginning = new AbortController();
    /** @type {import("../client/rasr.js").Session | null} the one that runs, or was last */
    this.session = null;
    /** Ends what has begun, as a person wants it; given by `run`. */
    this.endRound = () => {};
    /** The server takes no more sound of what has begun; given by `run`. */
    this.closeRound = () => {};
    this.signs.showState("idle", true);
  }

  get isIdle() {
    return this.state === "idle";
  }

  /**
   * @param {boolean} isLive sound that is heard now, not a file that is read
   * @param {string} [property] where it is not the chosen one
   * @returns {Promise<object>} options for a session
   * @throws {GivenUp}
   */
  async begin(isLive, property) {
    this.notices.clear();
    this.transcript.playback.stop();
    this.isLive = isLive;
    this.enter("starting");
    this.signs.say("status", "starting");
    this.signs.say("latency", null);
    this.signs.progress.value = 0;
    this.signs.showVoice("unknown");
    // Who is quicker than the list of languages waits for it.
    await this.unlessGivenUp(this.loaded);
    if (!(await this.unlessGivenUp(this.account.ready()))) {
      if (this.account.wanted === "token") {
        this.notices.show({ name: "sign_in_token" });
      }
      throw new GivenUp();
    }
    this.property = property ?? this.choices.values.property;
    this.onState(this.state);
    return this.sessionOptions(property);
  }

  /** As `options`, with what shows who asks. */
  sessionOptions(property) {
    return { ...this.options(property), ...this.account.credentials };
  }

  /**
   * What has to be there before a round can run. Whoever stops meanwhile need not wait for it.
   *
   * @template Value
   * @param {Promise<Value>} value
   * @param {(value: Value) => void} letGo where it comes after all
   * @returns {Promise<Value>}
   * @throws {GivenUp}
   */
  async unlessGivenUp(value, letGo = () => {}) {
    const { signal } = this.beginning;
    const givenUp = new Promise((_, reject) => {
      const giveUp = () => {
        value.then(letGo, () => {});
        reject(new GivenUp());
      };
      if (signal.aborted) {
        giveUp();
      } else {
        signal.addEventListener("abort", giveUp, { once: true });
      }
    });
    return Promise.race([givenUp, value]);
  }

  /** What a session is asked for, of the property that is chosen or of another one. */
  options(property = this.choices.values.property) {
    const hotWords = this.offers.find(property)?.hot_words ?? true;
    return sessionOptions({ ...this.choices.values, property }, { hotWords });
  }

  /**
   * @param {import("../client/rasr.js").Session} session
   * @param {import("./take.js").Take} take
   * @param {object} traits of the round
   */
  follow(session, take, traits) {
    this.transcript.add(take);
    this.messages.follow(session);
    this.session = session;
    void this.keepAwake();
    return new Round(session, take, this.told(traits), { ...traits, isLive: this.isLive });
  }

  /** What a round tells the page. */
  told({ property }) {
    return {
      partial: (segment) => this.transcript.showPartial(segment),
      final: (take, segment) => this.transcript.showFinal(take, segment),
      voice: (heard) => this.signs.showVoice(heard),
      // While a round ends, that is what is told, whatever the connection does.
      status: (key, values) => this.state === "ending" || this.signs.say("status", key, values),
      latency: (key, values) => this.signs.say("latency", key, values),
      progress: (ms) => {
        this.signs.progress.value = this.totalMs > 0 ? Math.min(NEARLY_DONE, ms / this.totalMs) : 0;
      },
      fault: (fault) => void this.tellFault(fault),
      update: (key, values) => this.notices.update(key, values),
      over: (key) => this.notices.dismiss(key),
      otherLanguage: (language) => this.tellLanguage(language, languageOf(property)),
      lostSound: (startMs, lengthMs) =>
        this.notices.show({
          name: "dropped",
          values: { seconds: (lengthMs / 1000).toFixed(1), time: clock(startMs) },
        }),
      wantsStop: () => this.closeRound(),
    };
  }

  /**
   * The round is open.
   * @param {() => Promise<void>} end ends it
   * @param {() => void} close where it ends by itself; if not given, as a person would end it
   */
  run(end, close = () => this.stop()) {
    this.endRound = end;
    this.closeRound = close;
    this.enter("running");
  }

  /** What begins is given up, what runs is ended; what is ending goes on. */
  stop() {
    if (this.state === "starting") {
      this.beginning.abort();
    } else if (this.state === "running") {
      this.enter("ending");
      this.signs.say("status", "finishing");
      void this.endRound();
    }
  }

  /** As `stop`; but whoever does not want to wait for the end need not: what has no final is given up. */
  stopOrGiveUp() {
    if (this.state === "ending") {
      this.session.cancel();
    } else {
      this.stop();
    }
  }

  /**
   * @param {Round | null} round null where it never began
   * @param {boolean} isLast nothing follows it
   */
  finish(round, isLast = true) {
    this.transcript.hidePartial();
    void this.awake?.release();
    this.awake = null;
    if (round === null || round.failed) {
      this.signs.sayReady();
    } else if (round.reason === "NORMAL" && round.isEmpty) {
      this.signs.say("status", round.isWordless ? "done_wordless" : "done_silent");
    } else {
      this.signs.say("status", "done");
    }
    this.enter(isLast ? "idle" : "starting");
  }

  /** The text is cleared, and with it what was told of how it came. */
  cleared() {
    if (this.isIdle) {
      this.signs.sayReady();
      this.signs.say("latency", null);
    }
  }

  enter(state) {
    this.state = state;
    if (state === "starting") {
      this.beginning = new AbortController();
    }
    this.signs.showState(state, this.isLive);
    this.onState(state);
  }

  async tellFault(fault) {
    if (fault.name === "gone" && (await isFull())) {
      // A handshake that is refused looks to a page as if nobody were there.
      this.notices.show({ name: "full" });
      return;
    }
    if (fault.name === "gone") {
      const refusal = await this.account.refusalAt(this.session.address);
      if (refusal !== null) {
        this.notices.show(faultOf(refusal));
        return;
      }
    }
    if (fault.name === "sign_in") {
      // The page did not know it yet, or a token is over and nobody signed in again.
      this.account.want("password");
    }
    const language = languageOf(this.choices.values.property);
    const command = fault.name === "uninstalled" ? this.offers.about(language)?.command : undefined;
    this.notices.show(command === undefined ? fault : { ...fault, command });
  }

  tellLanguage(heard, chosen) {
    const page = this.texts.language;
    const values = { heard: nameOf(heard, page), chosen: nameOf(chosen, page) };
    if (this.offers.served.includes(heard)) {
      this.notices.show({ name: "heard_other", values });
      return;
    }
    const about = this.offers.about(heard);
    if (about?.command) {
      this.notices.show({ name: "unserved", values: cureOf(about, page), command: about.command });
    }
  }

  /** A phone that goes to sleep stops the microphone. */
  async keepAwake() {
    try {
      this.awake = (await navigator.wakeLock?.request("screen")) ?? null;
    } catch {
      // Not on this device, or not now: a person keeps it awake.
    }
  }
}

async function isFull() {
  try {
    return (await (await fetch("/readyz", inTime())).json()).status === "full";
  } catch {
    return false;
  }
}
