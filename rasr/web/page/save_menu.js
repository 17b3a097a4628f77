/** A button with a menu of the kinds of files that a text can be saved as. */

import { TYPES } from "./exports.js";

export class SaveMenu {
  /**
   * @param {HTMLButtonElement} button
   * @param {import("../shared/texts.js").Texts} texts
   * @param {(kind: keyof TYPES) => void} onSave
   */
  constructor(button, texts, onSave) {
    this.button = button;
    this.texts = texts;
    this.onSave = onSave;
    this.menu = document.createElement("div");
    this.menu.className = "menu";
    this.menu.setAttribute("role", "menu");
    this.menu.hidden = true;
    button.setAttribute("aria-haspopup", "menu");
    button.setAttribute("aria-expanded", "false");
    button.after(this.menu);
    button.addEventListener("click", () => (this.isOpen ? this.close() : this.open(0)));
    button.addEventListener("keydown", (event) => {
      const at = { ArrowDown: 0, ArrowUp: -1 }[event.key];
      if (at !== undefined) {
        event.preventDefault();
        this.open(at);
      }
    });
    this.menu.addEventListener("keydown", (event) => this.press(event));
    this.menu.addEventListener("focusout", ({ relatedTarget }) => {
      if (relatedTarget !== button && !this.menu.contains(relatedTarget)) {
        this.close();
      }
    });
  }

  get isOpen() {
    return !this.menu.hidden;
  }

  get items() {
    return [...this.menu.children];
  }

  /** @param {number} at which item has the focus; -1 is the last one */
  open(at) {
    this.menu.setAttribute("aria-label", this.texts.say("save_as"));
    this.menu.replaceChildren(...Object.keys(TYPES).map((kind) => this.item(kind)));
    this.menu.hidden = false;
    this.button.setAttribute("aria-expanded", "true");
    this.items.at(at).focus();
  }

  close() {
    this.menu.hidden = true;
    this.button.setAttribute("aria-expanded", "false");
  }

  item(kind) {
    const item = document.createElement("button");
    item.type = "button";
    item.tabIndex = -1;
    item.dataset.save = kind;
    item.setAttribute("role", "menuitem");
    const name = document.createElement("span");
    name.textContent = this.texts.say(`save_${kind}`);
    const help = document.createElement("span");
    help.className = "fine";
    help.textContent = this.texts.say(`save_${kind}_help`);
    item.append(name, " ", help);
    item.addEventListener("click", () => {
      this.close();
      this.button.focus();
      this.onSave(kind);
    });
    return item;
  }

  press(event) {
    const { items } = this;
    const at = items.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      items.at(to % items.length).focus();
    } else if (event.key === "Escape") {
      // Not for the dialog that the menu may stand in.
      event.preventDefault();
      event.stopPropagation();
      this.close();
      this.button.focus();
    } else if (event.key === "Tab") {
      this.button.focus();
      this.close();
    } else if (event.key.length === 1 && event.key !== " ") {
      const begins = (item) => item.textContent.toLowerCase().startsWith(event.key.toLowerCase());
      [...items.slice(at + 1), ...items.slice(0, at + 1)].find(begins)?.focus();
    }
  }
}
