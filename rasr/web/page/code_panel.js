/** The dialog that shows the present settings as a program, in one of several languages. */

import { copyButton } from "../shared/copying.js";
import { closeBeside, element } from "../shared/elements.js";

export class CodePanel {
  /**
   * @param {Document} root
   * @param {import("../shared/texts.js").Texts} texts
   * @param {string} server its address
   * @param {() => {programs: Record<string, Function>, settings: object}} shown what the tab that is shown has: what writes
   *   its programs, by their names, and what a server would be asked for now
   * @param {import("../shared/account.js").Account} account
   * @param {Promise<void>} loaded the server has said what it serves
   */
  constructor(root, texts, server, shown, account, loaded) {
    Object.assign(this, { texts, server, shown, account, loaded });
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
    const names = Object.keys(this.shown().programs);
    this.chosen = names.includes(this.chosen) ? this.chosen : names[0];
    const labels = names.map((name) => this.tab(name));
    this.tabs.replaceChildren(...labels);
    this.copyPlace.replaceChildren(copyButton(this.texts, () => this.code.textContent));
    void this.write();
  }

  /** Radio buttons: one stop of the keyboard, with arrows between them. */
  tab(name) {
    const input = element("input", { type: "radio", name: "program", value: name, checked: name === this.chosen });
    input.addEventListener("change", () => {
      this.chosen = name;
      void this.write();
    });
    const label = element("label", {});
    label.append(input, this.texts.say(`code_${name}`));
    return label;
  }

  async write() {
    // Before that, a program would ask for what is not served.
    await this.loaded;
    const { programs, settings } = this.shown();
    this.code.textContent = programs[this.chosen](this.server, settings, this.account.projectOfPrograms);
  }
}
