/** A text on the page whose sentences are heard, searched and corrected: what every tab with a text has. */

import { corrected } from "./correction.js";
import { Editor } from "./editor.js";
import { FindBar } from "./find_bar.js";
import { SentenceList } from "./sentence_list.js";
import { listenTo } from "./sentence_keys.js";
import { Undo } from "./undo.js";
import { UNSURE_BELOW } from "./words.js";

/** What is kept of a corrected sentence, and whether all of it is, a subclass knows: `keep` and `isSafe`. */
export class TextPane {
  /**
   * @param {Document} root
   * @param {import("../shared/texts.js").Texts} texts
   * @param {string} prefix of the ids of its elements
   * @param {(list: SentenceList, tell: (key: string) => void) => import("./playback.js").Playback} makePlayback
   */
  constructor(root, texts, prefix, makePlayback) {
    this.root = root;
    this.texts = texts;
    this.needText = root.querySelectorAll(`#${prefix}text [data-needs-text]`);
    this.legend = root.querySelector(`#${prefix}legend`);
    /** @type {import("./take.js").Take[]} */
    this.takes = [];
    this.list = new SentenceList(root.querySelector(`#${prefix}finals`), texts);
    this.undo = new Undo(root, texts, prefix);
    this.playback = makePlayback(this.list, (key) => this.undo.tell(key));
    this.editor = new Editor(this.list, texts, (entry, words) => this.correct(entry, words));
    this.find = new FindBar(root, texts, this.list, this.playback, prefix);
    /** Counts changes of the text, and how many of them a file or the clipboard has. */
    this.changes = 0;
    this.savedChanges = 0;
    this.askFirst = (event) => event.preventDefault();
    listenTo(this.list, this.playback, this.editor);
  }

  get isEmpty() {
    return this.list.entries.length === 0;
  }

  /** Another text for a sentence; what was recognised is kept with it. */
  correct(entry, words) {
    const before = entry.segment;
    const after = corrected(before, words);
    this.setSegment(entry, after);
    this.undo.did("corrected", () => {
      // The text may have been cleared since, and be there again.
      const shown = this.list.entries.find(({ segment }) => segment === after);
      if (shown !== undefined) {
        this.setSegment(shown, before);
        this.list.focus(shown);
      }
    });
  }

  setSegment(entry, segment) {
    const { take, index } = entry;
    take.segments[index] = segment;
    entry.chosenWord = null;
    this.list.rewrite(entry);
    this.find.change();
    this.keep(take, index);
    this.changed();
  }

  /** All sentences anew. */
  rebuild() {
    this.list.clear();
    this.legend.hidden = true;
    for (const take of this.takes) {
      take.segments.forEach((segment, index) => {
        if (segment.result.text.trim() !== "" || segment.original !== undefined) {
          this.list.add(take, index, false);
          this.noteUnsure(segment);
        }
      });
    }
    this.watchLeaving();
    this.show();
  }

  /** What needs a text is there where there is one. */
  show() {
    for (const element of this.needText) {
      element.hidden = this.isEmpty;
    }
  }

  /** All texts anew, in another language. */
  write() {
    this.editor.close(true);
    this.legend.textContent = this.texts.say("legend", { score: UNSURE_BELOW });
    this.list.write();
    this.find.tell();
    this.undo.write();
  }

  noteUnsure({ result }) {
    if (result.word_info?.some(({ confidence = 1 }) => confidence < UNSURE_BELOW)) {
      this.legend.hidden = false;
    }
  }

  // Nothing is lost

  changed() {
    this.changes += 1;
    this.watchLeaving();
  }

  /** A file or the clipboard has the text as it was after so many changes. */
  saved(changes) {
    this.savedChanges = changes;
    this.watchLeaving();
  }

  /** Ask before the page is left, while there is something that no file and no browser has. */
  watchLeaving() {
    const isUnsaved = !this.isEmpty && this.changes !== this.savedChanges && !this.isSafe();
    if (isUnsaved) {
      window.addEventListener("beforeunload", this.askFirst);
    } else {
      window.removeEventListener("beforeunload", this.askFirst);
    }
  }
}
