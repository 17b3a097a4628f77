/** The tab for voices: a text is typed, and heard while it is made. */

import { answered, inTime } from "../client/answers.js";
import { Api } from "../shared/api.js";
import { whileBusy } from "../shared/busy.js";
import { download } from "../shared/downloading.js";
import { storage } from "../shared/storage.js";
import { wav } from "../shared/wav.js";
import { Choices } from "./choices.js";
import { Hearing } from "./hearing.js";
import { Notices, faultOf, faultOfAnswer } from "./notices.js";
import { SpokenText } from "./spoken_text.js";
import { VoiceChooser } from "./voice_chooser.js";
import { VOICE_PROGRAMS } from "./voice_code.js";
import { RATE, VOICE_FIELDS, VOICE_KEY, speechConfig } from "./voice_choices.js";
import { NotSpoken, wholeSound } from "./whole_sound.js";

/** For the file of a long text by a slow voice. */
const SAVE_MS = 1_200_000;
/** What the button does in each state. */
const BUTTON = { idle: "say_speak", starting: "stop", speaking: "stop" };

/** How a fault is told: the name of its texts, and the values in them. */
export function faultOfSpeech({ error_code, error_msg }) {
  switch (error_code) {
    case "UNREACHABLE":
    case "UNANSWERED":
    case "APIG.0301":
    case "APIG.0302":
      return faultOf({ error_code, error_msg });
    case "SIS.0312":
      return { name: "say_full" };
    case "CLOSED":
    case "SIS.0417":
      return { name: "say_broken", values: { message: error_msg } };
    default:
      return { name: "say_refused", values: { message: error_msg } };
  }
}

export class VoiceTab {
  /**
   * @param {Document} root
   * @param {object} parts of the page
   * @param {import("../shared/texts.js").Texts} parts.texts
   * @param {import("../shared/account.js").Account} parts.account
   * @param {import("./messages.js").Messages} parts.messages
   * @param {Promise<void>} parts.loaded the server has said whether it asks who calls
   * @param {string} server its address
   */
  constructor(root, { texts, account, messages, loaded }, server) {
    Object.assign(this, { texts, account, messages, loaded, server });
    const at = (id) => root.querySelector(`#say-${id}`);
    this.field = at("text");
    this.count = at("count");
    this.status = at("status");
    this.button = at("button");
    this.spokenText = new SpokenText(at("reading"));
    this.notices = new Notices(at("notices"), texts);
    this.choices = new Choices(storage, VOICE_FIELDS, VOICE_KEY);
    const parts = { texts, choices: this.choices, notices: this.notices, api: new Api(account) };
    this.chooser = new VoiceChooser(root, parts, () => this.field.value);
    /** "idle", "starting" until there is sound, or "speaking". */
    this.state = "idle";
    /** What is told, to be written again in the other language. @type {[string, object?]} */
    this.told = ["say_ready"];
    /** Aborted where a person stops. */
    this.stopping = new AbortController();
    this.isShown = false;
    this.field.addEventListener("input", () => this.edited());
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        this.press();
      }
    });
    this.button.addEventListener("click", () => this.press());
    at("sample").addEventListener("click", () => {
      this.field.value = texts.say("say_sample_text");
      this.edited();
      this.field.focus();
    });
    for (const format of ["wav", "mp3"]) {
      at(format).addEventListener("click", ({ currentTarget }) => void whileBusy(currentTarget, () => this.save(format)));
    }
    account.addEventListener("change", () => void this.look());
  }

  /** It is shown: now the voices are of interest, and the server gets ready to speak. */
  async show() {
    this.isShown = true;
    this.write();
    await this.loaded;
    await this.look();
  }

  async look() {
    const { account, chooser } = this;
    if (this.isShown && !chooser.isLoaded && (account.wanted === "none" || account.held !== null)) {
      await chooser.load();
    }
  }

  /** What *Show code* shows. */
  get programs() {
    return { programs: VOICE_PROGRAMS, settings: this.settings };
  }

  /** What a program would ask for. */
  get settings() {
    const text = this.field.value.trim() || this.texts.say("say_sample_text");
    return { text, config: this.config(text) };
  }

  config(text) {
    return speechConfig(this.choices.values, text, this.chooser.offered.voices);
  }

  press() {
    if (this.state === "idle") {
      void this.speak();
    } else {
      this.stop();
    }
  }

  stop() {
    this.stopping.abort();
  }

  async speak() {
    if (this.isEmpty()) {
      return;
    }
    const text = this.field.value;
    const { server, account, messages, chooser } = this;
    this.notices.clear();
    this.stopping = new AbortController();
    const { signal } = this.stopping;
    const began = performance.now();
    // After the next wait the click would not count any more.
    const hearing = new Hearing(
      { server, account, messages, chooser },
      {
        first: () => this.begin(hearing.player, began),
        words: (words) => this.spokenText.add(words),
        making: (seconds) => this.say("say_making", { seconds: seconds.toFixed(1) }),
        whole: (why) => this.notices.show(why),
      },
      signal,
    );
    this.spokenText.begin(text);
    this.enter("starting");
    this.say("say_waiting");
    try {
      if (await this.isLetIn()) {
        await hearing.hear(text, this.config(text));
      }
      const isDone = this.state === "speaking" && !signal.aborted;
      this.say(isDone ? "say_done" : "say_ready", { seconds: hearing.seconds.toFixed(1) });
    } catch (error) {
      this.tellFault(error);
    }
    hearing.player.stop();
    this.enter("idle");
  }

  /** There is nothing to be spoken, and whoever wants it is told so. */
  isEmpty() {
    const isEmpty = this.field.value.trim() === "";
    if (isEmpty) {
      this.say("say_empty");
      this.field.focus();
    }
    return isEmpty;
  }

  async isLetIn() {
    await this.loaded;
    const isIn = await this.account.ready();
    if (!isIn && this.account.wanted === "token") {
      this.notices.show({ name: "sign_in_token" });
    }
    return isIn;
  }

  /** There is sound: once. */
  begin(player, began) {
    if (this.state === "starting") {
      this.enter("speaking");
      this.say("say_speaking", { seconds: ((performance.now() - began) / 1000).toFixed(2) });
      this.mark(player);
      answered(player.context.resume()).catch(() => {
        if (!player.isOver) {
          this.notices.show({ name: "soundless" });
        }
      });
    }
  }

  mark(player) {
    if (!player.isOver) {
      this.spokenText.mark(player.heardMs);
      requestAnimationFrame(() => this.mark(player));
    }
  }

  /** @param {"wav" | "mp3"} format */
  async save(format) {
    if (this.isEmpty()) {
      return;
    }
    const { text, config } = this.settings;
    try {
      if (!(await this.isLetIn())) {
        return;
      }
      const asked = { ...config, audio_format: format === "wav" ? "pcm" : format };
      const sound = await wholeSound(this.account, text, asked, inTime(SAVE_MS).signal);
      // A file whose length is known, which one that streams cannot say.
      const content = format === "wav" ? wav([new Int16Array(await sound.arrayBuffer())], RATE) : sound;
      download({ extension: format, type: format === "wav" ? "audio/wav" : "audio/mpeg", content }, "speech");
      this.notices.clear();
    } catch (error) {
      this.tellFault(error);
    }
  }

  tellFault(error) {
    if (error instanceof NotSpoken) {
      this.notices.show(faultOfSpeech(error.fault));
    } else if (error.name !== "AbortError") {
      this.notices.show(faultOfAnswer(error));
    }
    this.say("say_ready");
  }

  // What is shown

  edited() {
    this.chooser.follow();
    this.writeCount();
  }

  enter(state) {
    this.state = state;
    const isHeard = state === "speaking";
    const hadFocus = document.activeElement === this.field;
    this.spokenText.place.hidden = !isHeard;
    this.field.hidden = isHeard;
    this.field.readOnly = state !== "idle";
    this.button.dataset.state = state;
    this.writeButton();
    if (hadFocus && isHeard) {
      // Whoever has pressed Enter in the text can stop with it.
      this.button.focus();
    }
  }

  say(key, values) {
    this.told = [key, values];
    const text = this.texts.say(key, values);
    // A live region speaks whenever it is written to.
    if (this.status.textContent !== text) {
      this.status.textContent = text;
    }
  }

  writeButton() {
    this.button.querySelector("span").textContent = this.texts.say(BUTTON[this.state]);
  }

  writeCount() {
    this.count.textContent = this.texts.say("say_count", { count: this.texts.number([...this.field.value].length) });
  }

  /** All texts anew, in another language. */
  write() {
    this.say(...this.told);
    this.field.placeholder = this.texts.say("say_sample_text");
    this.writeButton();
    this.writeCount();
    this.notices.render();
    this.chooser.render();
  }
}
