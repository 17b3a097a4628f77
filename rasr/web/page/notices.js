/** What went wrong, and what to do about it: one box each, until it is dismissed or over. */

import { copyButton } from "../shared/copying.js";

/** In the words of SIS: somebody else's round has the channel of captions. */
const CHANNEL_TAKEN = /^'caption_channel' is invalid: it is '([^']+)', to which another round is publishing/;

/** How a fault is told: the name of its texts, and the values in them. */
export function faultOf({ error_code, error_msg }) {
  switch (error_code) {
    case "UNREACHABLE":
      return { name: "gone" };
    case "APIG.0301":
      return { name: "sign_in" };
    case "APIG.0302":
      return { name: "not_allowed", values: { message: error_msg } };
    case "LOST":
    case "CLOSED":
      return { name: "lost" };
    case "UNANSWERED":
      return { name: "unanswered" };
    case "SIS.0312":
      return { name: "full" };
    case "SIS.0031":
      return { name: "uninstalled" };
    case "SIS.0305":
      return { name: "engine" };
    case "SIS.0032": {
      const channel = CHANNEL_TAKEN.exec(error_msg)?.[1];
      return channel === undefined
        ? { name: "refused", values: { message: error_msg } }
        : { name: "channel_taken", values: { channel } };
    }
    case "SIS.0201":
    case "SIS.0301":
      return { name: "refused", values: { message: error_msg } };
    case "SIS.0309":
      return { name: "limit" };
    default:
      return { name: "failed", values: { message: error_msg } };
  }
}

/** What an answer of HTTP that was waited for has failed with. */
export function faultOfAnswer(error) {
  switch (error.name) {
    case "TimeoutError":
      return { name: "unanswered" };
    // What the network does.
    case "TypeError":
      return { name: "gone" };
    default:
      return { name: "failed", values: { message: error.message } };
  }
}

/** The ones that stop nothing. */
const MILD = new Set([
  "warning", "dropped", "limit", "silent", "no_speech", "no_words", "queued", "uncopied", "unsaved", "unserved", "makeshift",
  "sample_unserved", "heard_other", "signed_out_alone", "robotic", "say_whole", "say_no_socket", "recording_unkept",
]);

export class Notices {
  /** @param {HTMLElement} place @param {import("../shared/texts.js").Texts} texts */
  constructor(place, texts) {
    this.place = place;
    this.texts = texts;
    /** @type {{name: string, key: string, values: object, command?: string, files?: string[], isAdvice?: boolean}[]} */
    this.shown = [];
    /** Advice that a person has read: the names. */
    this.dismissed = new Set();
  }

  /**
   * What is true whatever is recorded, in place of what was advised before. It stays until it is
   * dismissed.
   */
  advise(advice) {
    const wanted = advice.filter(({ name }) => !this.dismissed.has(name)).map((one) => ({ ...one, key: one.name, isAdvice: true }));
    const others = this.shown.filter(({ isAdvice }) => !isAdvice);
    if (JSON.stringify(this.shown) !== JSON.stringify([...wanted, ...others])) {
      this.shown = [...wanted, ...others];
      this.render();
    }
  }

  /**
   * Show one; another of the same key takes its place.
   *
   * @param {{name: string, values?: object, command?: string, file?: string, key?: string}} notice
   *   `command`: the cure, to be copied; `file`: of which the same may be said as of others, which
   *   one notice names then
   */
  show({ name, values = {}, command, file, key = name }) {
    const before = this.shown.find((one) => one.key === key);
    const files = file === undefined ? [] : [...new Set([...(before?.files ?? []), file])];
    const told = file === undefined ? values : { ...values, name: files };
    this.shown = [...this.shown.filter((one) => one !== before), { name, key, values: told, command, files }];
    this.render();
    // There is room for a few; the newest one is seen.
    this.place.scrollTop = this.place.scrollHeight;
  }

  /** New values in one that is shown: only what to do is written again, and not spoken again. */
  update(key, values) {
    const one = this.shown.find((notice) => notice.key === key);
    if (one) {
      one.values = values;
      const box = [...this.place.children].find(({ dataset }) => dataset.key === key);
      const words = box.querySelector("span");
      words.setAttribute("aria-live", "off");
      words.textContent = this.texts.say(`${one.name}_do`, values);
    }
  }

  dismiss(key) {
    if (this.shown.some((one) => one.key === key)) {
      this.shown = this.shown.filter((one) => one.key !== key);
      this.render();
    }
  }

  clear() {
    this.shown = this.shown.filter(({ isAdvice }) => isAdvice);
    this.render();
  }

  render() {
    this.place.replaceChildren(...this.shown.map((one) => this.box(one)));
  }

  box({ name, key, values, command }) {
    const box = document.createElement("div");
    box.className = MILD.has(name) ? "notice mild" : "notice";
    box.dataset.name = name;
    box.dataset.key = key;
    box.setAttribute("role", MILD.has(name) ? "status" : "alert");
    const words = document.createElement("div");
    for (const [tag, text] of [["strong", name], ["span", `${name}_do`]]) {
      const part = document.createElement(tag);
      part.textContent = this.texts.say(text, values);
      words.append(part);
    }
    if (command !== undefined) {
      words.append(this.commandLine(command));
    }
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.textContent = "×";
    button.setAttribute("aria-label", this.texts.say("dismiss"));
    button.addEventListener("click", () => {
      this.dismissed.add(name);
      this.dismiss(key);
    });
    box.append(words, button);
    return box;
  }

  commandLine(command) {
    const line = document.createElement("div");
    line.className = "command";
    const code = document.createElement("code");
    code.textContent = command;
    line.append(code, copyButton(this.texts, () => command));
    return line;
  }
}
