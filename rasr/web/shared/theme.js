/** Day or night: as the system has it, or as a person chooses, which the browser keeps. */

import { storage } from "./storage.js";

const KEY = "rasr.theme";
const THEMES = ["system", "light", "dark"];

export class Theme {
  /** @param {Document} root @param {import("./texts.js").Texts} texts */
  constructor(root, texts) {
    this.root = root;
    this.texts = texts;
    this.button = root.querySelector("#theme");
    this.chosen = THEMES.find((one) => one === storage.getItem(KEY)) ?? "system";
    this.button.addEventListener("click", () => {
      this.chosen = THEMES[(THEMES.indexOf(this.chosen) + 1) % THEMES.length];
      storage.setItem(KEY, this.chosen);
      this.render();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.render());
    this.render();
  }

  render() {
    // The style sheet does the rest: each colour has one value for day and one for night.
    this.root.documentElement.dataset.theme = this.chosen;
    const label = this.texts.say(`theme_${this.chosen}`);
    this.button.setAttribute("aria-label", label);
    this.button.title = label;
    const ground = getComputedStyle(this.root.documentElement).backgroundColor;
    this.root.querySelector("meta[name=theme-color]").content = ground;
  }
}
