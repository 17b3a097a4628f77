/** One text that is heard: while it is made, or as a whole where that cannot be. */

import { speak } from "../client/rasr.js";
import { SpeechPlayer } from "./speech_player.js";
import { BYTES_A_SECOND, RATE } from "./voice_choices.js";
import { NotSpoken, wholeSound } from "./whole_sound.js";

export class Hearing {
  /**
   * Made by a click: only then do browsers play sound.
   *
   * @param {object} parts
   * @param {string} parts.server its address
   * @param {import("../shared/account.js").Account} parts.account
   * @param {import("./messages.js").Messages} parts.messages
   * @param {import("./voice_chooser.js").VoiceChooser} parts.chooser
   * @param {object} told
   * @param {() => void} told.first there is sound
   * @param {(words: import("../client/rasr.js").SaidWord[]) => void} told.words they are about to be said
   * @param {(seconds: number) => void} told.making so much of the whole has come
   * @param {(why: {name: string, values?: object}) => void} told.whole why it is not heard while it is made
   * @param {AbortSignal} signal somebody has heard enough
   */
  constructor(parts, told, signal) {
    Object.assign(this, parts, { told, signal });
    this.heard = new Promise((resolve) => {
      this.player = new SpeechPlayer(RATE, resolve);
      signal.addEventListener("abort", resolve);
    });
  }

  /** Of its sound, so far. */
  get seconds() {
    return this.player.place / RATE;
  }

  /**
   * @param {string} text
   * @param {object} config
   * @returns {Promise<void>} all has been heard
   * @throws {NotSpoken} it is not spoken
   * @throws {Error} there is no answer
   */
  async hear(text, config) {
    if (!this.signal.aborted) {
      await this.have(text, config);
      await this.heard;
    }
  }

  async have(text, config) {
    const { voice } = this.chooser;
    if (voice?.real_time === false) {
      await this.haveWhole(text, config, this.tooSlow());
      return;
    }
    const fault = await this.haveLive(text, config);
    if (fault?.error_code === "UNREACHABLE") {
      // Some proxies let nothing through but questions and answers.
      await this.haveWhole(text, config, { name: "say_no_socket" });
    } else if (fault?.error_code === "SIS.0411" && (await this.isTooSlow())) {
      await this.haveWhole(text, config, this.tooSlow());
    } else if (fault !== null) {
      throw new NotSpoken(fault);
    }
  }

  /** Why the whole sound is made first. */
  tooSlow() {
    const { voice, texts } = this.chooser;
    return { name: "say_whole", values: { cost: texts.number(voice?.cost ?? 0, 1) } };
  }

  /** The server measures a voice before it speaks in real time, which may be news. */
  async isTooSlow() {
    await this.chooser.load(0);
    return this.chooser.voice?.real_time === false;
  }

  /** @returns {Promise<{error_code: string, error_msg: string} | null>} why it is not spoken */
  async haveLive(text, config) {
    const speech = speak(this.server, text, { ...config, ...this.account.credentials, subtitle: "word_level" });
    this.signal.addEventListener("abort", () => speech.cancel());
    this.messages.follow(speech);
    let fault = null;
    speech.addEventListener("words", ({ detail }) => this.told.words(detail));
    speech.addEventListener("sound", ({ detail }) => {
      this.told.first();
      this.player.push(detail);
    });
    speech.addEventListener("error", ({ detail }) => {
      fault = detail;
    });
    await speech.over;
    if (fault === null) {
      this.player.end();
    }
    return fault;
  }

  async haveWhole(text, config, why) {
    const told = (bytes) => this.told.making(bytes / BYTES_A_SECOND);
    const sound = await wholeSound(this.account, text, { ...config, audio_format: "pcm" }, this.signal, told);
    this.told.whole(why);
    this.told.first();
    this.player.push(new Int16Array(await sound.arrayBuffer()));
    this.player.end();
  }
}
