/** The dialog that shows the present settings as a program, in one of several languages. */

import { copyButton } from "../shared/copying.js";
import { closeBeside, element } from "../shared/elements.js";
import { PROGRAMS } from "./code.js";

export class CodePanel {
  /**
   * @param {Document} root
   * @param {import("../shared/texts.js").Texts} texts
   * @param {string} server its address
   * @param {() => object} settings what a session would be asked for now
   * @param {import("../shared/account.js").Account} account
   */
  constructor(root, texts, server, settings, account) {
    this.texts = texts;
    this.server = server;
    this.settings = settings;
    this.account = account;
    this.dialog = root.querySelector("#code-panel");
    this.tabs = root.querySelector("#code-tabs");
    this.code = root.querySelector("#code");
    this.copyPlace = root.querySelector("#code-copy");
    this.chosen = "python";
    root.querySelector("#code-open").addEventListener("click", () => {
      this.render();
      this.dialog.showModal();
    });
    closeBeside(this.dialog);
  }

  render() {
    const labels = Object.keys(PROGRAMS).map((name) => this.tab(name));
    this.tabs.replaceChildren(...labels);
    this.copyPlace.replaceChildren(copyButton(this.texts, () => this.code.textContent));
    this.write();
  }

  /** Radio buttons: one stop of the keyboard, with arrows between them. */
  tab(name) {
    const input = element("input", { type: "radio", name: "program", value: name, checked: name === this.chosen });
    input.addEventListener("change", () => {
      this.chosen = name;
      this.write();
    });
    const label = element("label", {});
    label.append(input, this.texts.say(`code_${name}`));
    return label;
  }

  write() {
    this.code.textContent = PROGRAMS[this.chosen](this.server, this.settings(), this.account.projectOfPrograms);
  }
}
