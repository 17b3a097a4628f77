/** What went wrong, and what to do about it: one box each, until it is dismissed or over. */

import { MicrophoneError } from "../client/rasr.js";

/** How a fault is told: the name of its texts, and the values in them. */
export function faultOf({ error_code, error_msg }) {
  switch (error_code) {
    case "UNREACHABLE":
      return { name: "gone" };
    case "APIG.0301":
      return { name: "sign_in" };
    case "LOST":
    case "CLOSED":
      return { name: "lost" };
    case "SIS.0312":
      return { name: "full" };
    case "SIS.0031":
      return { name: "uninstalled" };
    case "SIS.0305":
      return { name: "engine" };
    case "SIS.0032":
    case "SIS.0201":
    case "SIS.0301":
      return { name: "refused", values: { message: error_msg } };
    case "SIS.0309":
      return { name: "limit" };
    default:
      return { name: "failed", values: { message: error_msg } };
  }
}

export function faultOfMicrophone(error) {
  if (error instanceof MicrophoneError) {
    return { name: error.reason === "unreachable" ? "gone" : error.reason, values: { port: location.port || "8765" } };
  }
  return { name: "failed", values: { message: error.message } };
}

/** The ones that stop nothing. */
const MILD = new Set(["warning", "dropped", "limit", "silent", "too_many", "uncopied", "unsaved"]);

export class Notices {
  /** @param {HTMLElement} place @param {import("./texts.js").Texts} texts */
  constructor(place, texts) {
    this.place = place;
    this.texts = texts;
    /** @type {{name: string, values: object}[]} */
    this.shown = [];
  }

  /** Show one; another of the same name takes its place. */
  show({ name, values = {} }) {
    this.shown = [...this.shown.filter((one) => one.name !== name), { name, values }];
    this.render();
  }

  dismiss(name) {
    this.shown = this.shown.filter((one) => one.name !== name);
    this.render();
  }

  clear() {
    this.shown = [];
    this.render();
  }

  render() {
    this.place.replaceChildren(...this.shown.map((one) => this.box(one)));
  }

  box({ name, values }) {
    const box = document.createElement("div");
    box.className = MILD.has(name) ? "notice mild" : "notice";
    box.dataset.name = name;
    box.setAttribute("role", MILD.has(name) ? "status" : "alert");
    const words = document.createElement("div");
    for (const [tag, key] of [["strong", name], ["span", `${name}_do`]]) {
      const part = document.createElement(tag);
      part.textContent = this.texts.say(key, values);
      words.append(part);
    }
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.textContent = "×";
    button.setAttribute("aria-label", this.texts.say("dismiss"));
    button.addEventListener("click", () => this.dismiss(name));
    box.append(words, button);
    return box;
  }
}
