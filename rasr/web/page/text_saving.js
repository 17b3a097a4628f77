/** The buttons that save and copy a text. */

import { tellCopied } from "../shared/copying.js";
import { download } from "../shared/downloading.js";
import { text, write } from "./exports.js";
import { SaveMenu } from "./save_menu.js";
import { speakerOf } from "./speakers.js";

/** Of a table: what they are called. */
const COLUMNS = ["start", "end", "recording", "speaker", "text", "score"];

export class TextSaving {
  /**
   * @param {Document} root
   * @param {import("../shared/texts.js").Texts} texts
   * @param {import("./text_pane.js").TextPane} pane
   * @param {import("./notices.js").Notices} notices
   * @param {import("../shared/account.js").Account} account
   * @param {string} prefix of the ids of the buttons
   */
  constructor(root, texts, pane, notices, account, prefix) {
    this.texts = texts;
    this.pane = pane;
    this.notices = notices;
    this.account = account;
    this.copyButton = root.querySelector(`#${prefix}copy`);
    this.copyButton.addEventListener("click", () => void this.copy());
    new SaveMenu(root.querySelector(`#${prefix}save`), texts, (kind) => void this.save(kind));
  }

  async save(kind) {
    const { changes, takes } = this.pane;
    if (await this.saveTakes(kind, takes)) {
      this.pane.saved(changes);
    }
  }

  /** @returns {Promise<boolean>} whether there is a file */
  async saveTakes(kind, takes) {
    let file;
    try {
      const heads = Object.fromEntries(COLUMNS.map((column) => [column, this.texts.say(`column_${column}`)]));
      file = await write(kind, takes, heads, (segment) => this.speaker(segment), (...request) => this.account.fetch(...request));
    } catch {
      this.notices.show({ name: "unsaved" });
      return false;
    }
    this.notices.dismiss("unsaved");
    const time = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
    download(file, file.extension === "zip" ? `rasr-${time}-${kind}` : `rasr-${time}`);
    return true;
  }

  /** @returns {string | null} */
  speaker(segment) {
    return speakerOf(segment, this.texts)?.name ?? null;
  }

  async copy() {
    const { changes, takes } = this.pane;
    try {
      await navigator.clipboard.writeText(text(takes, (segment) => this.speaker(segment)));
    } catch {
      this.notices.show({ name: "uncopied" });
      return;
    }
    this.pane.saved(changes);
    tellCopied(this.copyButton, this.texts, "copied");
  }
}
