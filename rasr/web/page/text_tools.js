/** The buttons around the text: save, copy, clear, past sessions. */

import { tellCopied } from "../shared/copying.js";
import { download } from "../shared/downloading.js";
import { text, write } from "./exports.js";
import { SaveMenu } from "./save_menu.js";
import { SessionList } from "./session_list.js";

const COLUMNS = ["column_start", "column_end", "column_recording", "column_text", "column_score"];

export class TextTools {
  /**
   * @param {Document} root
   * @param {import("../shared/texts.js").Texts} texts
   * @param {import("./transcript.js").Transcript} transcript
   * @param {import("./notices.js").Notices} notices
   * @param {import("../shared/account.js").Account} account
   */
  constructor(root, texts, transcript, notices, account) {
    this.texts = texts;
    this.transcript = transcript;
    this.notices = notices;
    this.account = account;
    this.copyButton = root.querySelector("#copy");
    this.copyButton.addEventListener("click", () => void this.copy());
    root.querySelector("#clear").addEventListener("click", () => transcript.clear());
    new SaveMenu(root.querySelector("#save"), texts, (kind) => void this.save(kind));
    new SessionList(root, texts, transcript.keeper, {
      open: (kept) => transcript.open(kept),
      save: (kind, takes) => void this.saveTakes(kind, takes),
      follow: () => transcript.takes.forEach((take) => transcript.keeper.follow(take)),
    });
  }

  async save(kind) {
    const { changes, takes } = this.transcript;
    if (await this.saveTakes(kind, takes)) {
      this.transcript.saved(changes);
    }
  }

  /** @returns {Promise<boolean>} whether there is a file */
  async saveTakes(kind, takes) {
    let file;
    try {
      file = await write(kind, takes, COLUMNS.map((key) => this.texts.say(key)), (...request) => this.account.fetch(...request));
    } catch {
      this.notices.show({ name: "unsaved" });
      return false;
    }
    this.notices.dismiss("unsaved");
    const time = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
    download(file, file.extension === "zip" ? `rasr-${time}-${kind}` : `rasr-${time}`);
    return true;
  }

  async copy() {
    const { changes, takes } = this.transcript;
    try {
      await navigator.clipboard.writeText(text(takes));
    } catch {
      this.notices.show({ name: "uncopied" });
      return;
    }
    this.transcript.saved(changes);
    tellCopied(this.copyButton, this.texts, "copied");
  }
}
