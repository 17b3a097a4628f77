/** The buttons around the text of what is said: save, copy, clear, past sessions. */

import { SessionList } from "./session_list.js";
import { TextSaving } from "./text_saving.js";

/**
 * @param {Document} root
 * @param {import("../shared/texts.js").Texts} texts
 * @param {import("./transcript.js").Transcript} transcript
 * @param {import("./notices.js").Notices} notices
 * @param {import("../shared/account.js").Account} account
 */
export function wireTools(root, texts, transcript, notices, account) {
  const saving = new TextSaving(root, texts, transcript, notices, account, "");
  root.querySelector("#clear").addEventListener("click", () => transcript.clear());
  new SessionList(root, texts, transcript.keeper, {
    open: (kept) => transcript.open(kept),
    save: (kind, takes) => void saving.saveTakes(kind, takes),
    follow: () => transcript.takes.forEach((take) => transcript.keeper.follow(take)),
  });
}
