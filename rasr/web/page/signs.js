/** The signs around the button: what is going on, for how long, how loud it is, and what is heard. */

import { duration } from "../shared/durations.js";
import { Waveform, loudnessOf } from "./waveform.js";

/** What the button does in each state. */
const BUTTON = { idle: "start", starting: "stop", running: "stop", ending: "give_up" };

export class Signs {
  /** @param {Document} root @param {import("../shared/texts.js").Texts} texts */
  constructor(root, texts) {
    this.texts = texts;
    this.body = root.body;
    this.button = root.querySelector("#talk");
    this.buttonName = root.querySelector("#talk-name");
    this.status = root.querySelector("#status");
    this.timer = root.querySelector("#timer");
    this.sound = root.querySelector("#sound");
    this.level = root.querySelector("#level");
    this.voice = root.querySelector("#heard");
    this.progress = root.querySelector("#progress");
    this.latency = root.querySelector("#latency");
    this.channel = root.querySelector("#channel");
    this.channelLink = root.querySelector("#channel-link");
    this.promise = root.querySelector("#promise");
    /** Of captions; null: nobody reads along. */
    this.channelName = null;
    this.waveform = new Waveform(root.querySelector("#waveform"));
    /** What is shown, to be written again in the other language. */
    this.said = { status: [readyText()], voice: ["voice_unknown"], latency: null };
  }

  /** @param {"idle" | "starting" | "running" | "ending"} state @param {boolean} isLive */
  showState(state, isLive) {
    this.body.dataset.state = state;
    this.sound.hidden = state === "idle" || !isLive;
    this.timer.hidden = state === "idle" || !isLive;
    this.progress.hidden = state === "idle" || isLive;
    if (state === "idle") {
      this.showLevel(0);
    }
    if (state === "starting") {
      this.waveform.clear();
      this.showTime(0);
    }
    this.write();
  }

  /** @param {string | null} name of the channel where others can read along */
  showChannel(name) {
    this.channelName = name;
    this.write();
  }

  say(part, key, values) {
    this.said[part] = key === null ? null : [key, values];
    this.write();
  }

  /** The page waits for somebody to speak. */
  sayReady() {
    this.say("status", readyText());
  }

  write() {
    for (const [part, words] of Object.entries(this.said)) {
      const text = words === null ? "" : this.texts.say(...words);
      // A live region speaks whenever it is written to.
      if (this[part].textContent !== text) {
        this[part].textContent = text;
      }
    }
    const channel = this.channelName;
    this.channel.hidden = channel === null;
    if (channel !== null) {
      this.channelLink.href = `/captions/${channel}`;
      this.channelLink.textContent = this.texts.say("captions_on", { channel });
    }
    this.promise.textContent = this.texts.say(channel === null ? "promise" : "promise_captions");
    this.buttonName.textContent = this.texts.say(BUTTON[this.body.dataset.state ?? "idle"]);
  }

  /** Sound that is heard now: the level, the waveform, and how much there was so far. */
  hear(chunk, level, take) {
    this.showLevel(level);
    this.waveform.hear(chunk, take.rate);
    this.showTime(take.lengthMs);
  }

  showTime(ms) {
    this.timer.textContent = duration(ms / 1000);
  }

  /** @param {number} rms 0 to 1 */
  showLevel(rms) {
    const level = loudnessOf(rms);
    this.level.value = level;
    this.button.style.setProperty("--level", level.toFixed(2));
  }

  /** @param {"speech" | "silence" | "unknown"} heard */
  showVoice(heard) {
    this.voice.dataset.heard = heard;
    this.say("voice", `voice_${heard}`);
  }
}

/** Fingers cannot drop a file. */
function readyText() {
  return matchMedia("(pointer: coarse)").matches ? "ready_touch" : "ready";
}
