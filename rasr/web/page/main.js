/** The page: what its buttons do, and one round at a time between them and the server. */

import { Session, listen, properties, rateOf } from "../client/rasr.js";
import { chooseProperty, loadChoices, saveChoices, sessionOptions } from "./choices.js";
import { clock } from "./exports.js";
import { Notices, faultOfMicrophone } from "./notices.js";
import { Panel } from "./panel.js";
import { acceptDrops, decode } from "./recordings.js";
import { Round } from "./rounds.js";
import { Signs } from "./signs.js";
import { Take } from "./take.js";
import { Texts, preferred } from "./texts.js";
import { Transcript } from "./transcript.js";

const SERVER = location.origin;
const LANGUAGE_KEY = "rasr.language";
/** A full progress bar is the end of the sound; before END there may be text to come. */
const NEARLY_DONE = 0.99;

class Page {
  constructor(root) {
    this.root = root;
    this.texts = new Texts(this.rememberedLanguage());
    this.notices = new Notices(root.querySelector("#notices"), this.texts);
    this.signs = new Signs(root, this.texts);
    this.transcript = new Transcript(root, this.texts);
    this.panel = new Panel(root, this.texts, (choices) => saveChoices(localStorage, choices));
    /** "idle", "starting", "running" or "ending". */
    this.state = "idle";
    this.stop = () => {};
    this.totalMs = 0;
    this.awake = null;
    this.writeTexts();
    this.signs.showState("idle", true);
    this.wire();
    this.offers = this.loadOffers();
  }

  wire() {
    const on = (selector, call) => this.root.querySelector(selector).addEventListener("click", call);
    on("#talk", () => (this.state === "idle" ? this.speak() : this.stop()));
    on("#settings", () => this.panel.open());
    on("#language", () => this.switchLanguage());
    this.transcript.wireTools(this.notices);
    const input = this.root.querySelector("#file");
    on("#open", () => input.click());
    input.addEventListener("change", () => {
      void this.read([...input.files]);
      input.value = "";
    });
    acceptDrops(this.root, (files) => void this.read(files));
  }

  async loadOffers() {
    let offers = [];
    try {
      offers = await properties(SERVER);
      this.notices.dismiss("gone");
    } catch {
      this.notices.show({ name: "gone" });
    }
    const choices = loadChoices(localStorage);
    choices.property = chooseProperty(choices.property, offers, this.texts.language);
    this.panel.set(choices, offers);
  }

  // Rounds

  async speak() {
    const options = await this.begin(true);
    const take = new Take(this.texts.say("microphone"), rateOf(options.property));
    let round = null;
    try {
      const live = await listen(SERVER, {
        ...options,
        onChunk: (chunk, level) => {
          take.hear(chunk, performance.now());
          this.signs.showLevel(level);
          round?.watch();
        },
        onGone: () => {
          this.notices.show({ name: "taken" });
          this.stop();
        },
      });
      round = this.follow(live.session, take, options, true);
      this.run(async () => {
        round.noteEnd(performance.now());
        await live.stop();
      });
      await live.session.over;
    } catch (error) {
      this.notices.show(faultOfMicrophone(error));
    }
    this.finish(round === null || round.failed ? "ready" : "done");
  }

  async read(files) {
    if (files.length === 0) {
      return;
    }
    if (files.length > 1 || this.state !== "idle") {
      this.notices.show({ name: "too_many" });
      return;
    }
    const [file] = files;
    const options = await this.begin(false);
    this.signs.say("status", "decoding", { name: file.name });
    const rate = rateOf(options.property);
    let chunks;
    try {
      chunks = await decode(file, rate);
    } catch {
      this.notices.show({ name: "unreadable", values: { name: file.name } });
      this.finish("ready");
      return;
    }
    const take = new Take(file.name, rate);
    chunks.forEach((chunk) => take.hear(chunk, 0));
    this.totalMs = take.lengthMs;
    const began = performance.now();
    // The page keeps this sound anyway, so the session may too: all of it can be sent again.
    const session = new Session(SERVER, { ...options, keepSeconds: Infinity });
    const round = this.follow(session, take, options, false);
    this.run(async () => session.cancel());
    for (const chunk of chunks) {
      await session.room();
      session.send(chunk);
    }
    const reason = await session.end();
    if (reason === "NORMAL") {
      this.tellSpeed(performance.now() - began);
    }
    this.finish(round.failed ? "ready" : "done");
  }

  /** @returns {Promise<object>} options for a session */
  async begin(isMicrophone) {
    this.notices.clear();
    this.transcript.playback.stop();
    this.enter("starting", isMicrophone);
    this.signs.say("status", "starting");
    this.signs.said.latency = null;
    this.signs.progress.value = 0;
    this.signs.showVoice("unknown");
    // Who is quicker than the list of languages waits for it.
    await this.offers;
    return sessionOptions(this.panel.choices, { hotWords: this.panel.hotWords });
  }

  follow(session, take, options, isMicrophone) {
    this.transcript.add(take);
    void this.keepAwake();
    return new Round(session, take, this.told(), { ...options, isMicrophone });
  }

  /** What a round tells the page. */
  told() {
    return {
      partial: (segment) => this.transcript.showPartial(segment),
      final: (take, segment) => this.transcript.showFinal(take, segment),
      voice: (heard) => this.signs.showVoice(heard),
      status: (key, values) => this.signs.say("status", key, values),
      latency: (key, values) => this.signs.say("latency", key, values),
      progress: (ms) => {
        this.signs.progress.value = this.totalMs > 0 ? Math.min(NEARLY_DONE, ms / this.totalMs) : 0;
      },
      fault: (fault) => void this.tellFault(fault),
      lostSound: (startMs, lengthMs) =>
        this.notices.show({
          name: "dropped",
          values: { seconds: (lengthMs / 1000).toFixed(1), time: clock(startMs) },
        }),
      wantsStop: () => this.stop(),
    };
  }

  /** The round is open; `stop` ends it. */
  run(stop) {
    this.stop = () => {
      if (this.state === "running") {
        this.enter("ending", !this.signs.sound.hidden);
        this.signs.say("status", "finishing");
        void stop();
      }
    };
    this.enter("running", !this.signs.sound.hidden);
  }

  finish(status) {
    this.stop = () => {};
    this.transcript.hidePartial();
    this.enter("idle", true);
    this.signs.say("status", status);
    void this.awake?.release();
    this.awake = null;
  }

  enter(state, isMicrophone) {
    this.state = state;
    this.signs.showState(state, isMicrophone);
  }

  async tellFault(fault) {
    if (fault.name === "gone" && (await isFull())) {
      // A handshake that is refused looks to a page as if nobody were there.
      this.notices.show({ name: "full" });
    } else {
      this.notices.show(fault);
    }
  }

  tellSpeed(tookMs) {
    this.signs.say("latency", "speed", {
      seconds: (this.totalMs / 1000).toFixed(1),
      took: (tookMs / 1000).toFixed(1),
      times: (this.totalMs / tookMs).toFixed(1),
    });
  }

  /** A phone that goes to sleep stops the microphone. */
  async keepAwake() {
    try {
      this.awake = (await navigator.wakeLock?.request("screen")) ?? null;
    } catch {
      // Not on this device, or not now: a person keeps it awake.
    }
  }

  // Language

  rememberedLanguage() {
    const remembered = localStorage.getItem(LANGUAGE_KEY);
    return preferred(remembered === null ? navigator.languages : [remembered]);
  }

  switchLanguage() {
    this.texts.language = this.texts.language === "en" ? "zh" : "en";
    localStorage.setItem(LANGUAGE_KEY, this.texts.language);
    this.writeTexts();
  }

  writeTexts() {
    this.texts.fill(this.root);
    const other = this.root.querySelector("#language");
    other.textContent = this.texts.say("other_language");
    other.lang = this.texts.language === "en" ? "zh-CN" : "en";
    this.signs.write();
    this.notices.render();
    this.panel.render();
    this.transcript.write();
  }
}

async function isFull() {
  try {
    return (await (await fetch("/readyz")).json()).status === "full";
  } catch {
    return false;
  }
}

new Page(document);
