/** The text on the page: finals in order, below them the partial that may still change, and what is done with them. */

import { storage } from "../shared/storage.js";
import { corrected } from "./correction.js";
import { Editor } from "./editor.js";
import { FindBar } from "./find_bar.js";
import { Follower } from "./follower.js";
import { Keeper, pageOf } from "./keeper.js";
import { Playback } from "./playback.js";
import { Player } from "./player.js";
import { SentenceList } from "./sentence_list.js";
import { listenTo } from "./sentence_keys.js";
import { Take } from "./take.js";
import { TextTools } from "./text_tools.js";
import { Undo } from "./undo.js";
import { UNSURE_BELOW } from "./words.js";

/** For so long a text that was cleared comes back, ms. */
const CLEARED_MS = 120_000;

export class Transcript {
  /** @param {Document} root @param {import("../shared/texts.js").Texts} texts */
  constructor(root, texts) {
    this.root = root;
    this.texts = texts;
    this.partial = root.querySelector("#partial");
    this.said = root.querySelector("#said");
    this.needText = root.querySelectorAll("#text [data-needs-text]");
    this.legend = root.querySelector("#legend");
    /** @type {Take[]} */
    this.takes = [];
    this.list = new SentenceList(root.querySelector("#finals"), texts);
    this.undo = new Undo(root, texts);
    this.player = new Player();
    this.playback = new Playback(this.player, this.list, (key) => this.undo.tell(key));
    this.editor = new Editor(this.list, texts, (entry, words) => this.correct(entry, words));
    this.follower = new Follower(() => this.editor.isOpen);
    this.find = new FindBar(root, texts, this.list, this.playback);
    this.keeper = new Keeper(storage, (key) => this.undo.tell(key));
    this.keeper.onChange = () => this.watchLeaving();
    /** Counts changes of the text, and how many of them a file or the clipboard has. */
    this.changes = 0;
    this.savedChanges = 0;
    this.askFirst = (event) => event.preventDefault();
    listenTo(this.list, this.playback, this.editor);
    this.show();
  }

  get isEmpty() {
    return this.list.entries.length === 0;
  }

  add(take) {
    this.takes.push(take);
    this.keeper.follow(take);
  }

  showPartial(segment) {
    const { text, stable = 0 } = segment.result;
    const letters = [...text];
    const settled = document.createElement("span");
    settled.className = "settled";
    settled.textContent = letters.slice(0, stable).join("");
    this.partial.replaceChildren(settled, letters.slice(stable).join(""));
    this.partial.hidden = text === "";
    this.show();
  }

  showFinal(take, segment) {
    this.hidePartial();
    if (!this.takes.includes(take)) {
      // It was cleared while somebody spoke: what is said from now on is a text of its own.
      this.takes.push(take);
      this.keeper.follow(take, Math.floor((segment.start_time * take.rate) / 1000));
    }
    const index = take.segments.push(segment) - 1;
    this.keeper.keep(take, [index]);
    if (segment.result.text.trim() !== "") {
      this.find.add(this.list.add(take, index));
      this.announce(segment.result.text);
      this.noteUnsure(segment);
      this.changed();
      this.show();
    }
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
    this.keeper.keep(take, [index]);
    this.changed();
  }

  hidePartial() {
    this.partial.hidden = true;
    this.partial.textContent = "";
  }

  /** Take all text away; it comes back by Undo. */
  clear() {
    const left = this.takeAway();
    this.undo.did(left.page.session === null ? "cleared" : "cleared_kept", () => this.unclear(left), CLEARED_MS);
    this.undo.button.focus();
  }

  /**
   * The buttons around the text.
   *
   * @param {import("./notices.js").Notices} notices
   * @param {import("../shared/account.js").Account} account
   */
  wireTools(notices, account) {
    new TextTools(this.root, this.texts, this, notices, account);
  }

  /** All texts anew, in another language. */
  write() {
    this.editor.close(true);
    this.legend.textContent = this.texts.say("legend", { score: UNSURE_BELOW });
    this.list.write();
    this.find.tell();
    this.undo.write();
  }

  // The whole text

  /** A session that this browser has kept comes onto the page. */
  open({ session, takes }) {
    const restored = takes.map(({ name, rate, startedAt, sound }) => {
      const take = new Take(name, rate);
      take.startedAt = startedAt;
      sound.forEach(({ firstSample, samples }) => take.restore(firstSample, samples));
      return take;
    });
    const segments = takes.map((one) => one.segments);
    this.swap({ takes: restored, segments, page: pageOf(session, takes, restored), isSaved: true });
    if (!this.isEmpty) {
      this.list.focus(this.list.entries[0]);
    }
  }

  /** Another text in the place of this one, which comes back by Undo. */
  swap(other) {
    // What is said into a take of both, since the other text was here, goes along with it.
    const left = this.takeAway(this.takes.filter((take) => other.takes.includes(take)));
    if (left.takes.length > 0) {
      this.undo.did("cleared", () => this.swap(left), CLEARED_MS);
    }
    this.bringBack(other);
  }

  /** What was cleared comes back. A session that was shown since is a text of its own, and stays one. */
  unclear(left) {
    if (this.keeper.isOfEarlier) {
      this.swap(left);
    } else {
      this.bringBack(left);
    }
  }

  /**
   * @param {Take[]} staying are left as they are
   * @returns {object} what `bringBack` needs
   */
  takeAway(staying = []) {
    this.playback.stop();
    this.editor.close(false);
    // While its hits still have their sentences.
    this.find.close();
    const takes = this.takes.filter((take) => !staying.includes(take));
    const left = {
      takes,
      segments: takes.map(({ segments }) => segments),
      page: this.keeper.leave(staying),
      isSaved: this.changes === this.savedChanges,
    };
    for (const take of takes) {
      take.segments = [];
    }
    this.takes = staying;
    this.hidePartial();
    this.rebuild();
    return left;
  }

  /** A text that was taken away stands before what was said since. */
  bringBack({ takes, segments, page, isSaved }) {
    this.editor.close(true);
    this.find.close();
    const since = this.keeper.leave();
    const hasMore = this.takes.length > 0;
    takes.forEach((take, i) => {
      take.segments = [...segments[i], ...take.segments];
    });
    this.takes = [...takes, ...this.takes.filter((take) => !takes.includes(take))];
    this.keeper.goOn(page);
    // What was said since goes on in the same session.
    this.keeper.forget(since);
    this.takes.forEach((take) => this.keeper.follow(take));
    this.rebuild();
    if (isSaved && !hasMore) {
      this.savedChanges = this.changes;
    } else {
      this.changes += 1;
    }
    this.watchLeaving();
    if (this.list.current !== null) {
      this.list.focus(this.list.current);
    }
  }

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

  // What is shown

  show() {
    const isBlank = this.isEmpty && this.partial.hidden;
    document.body.classList.toggle("blank", isBlank);
    for (const element of this.needText) {
      element.hidden = this.isEmpty;
    }
    // Without text the page is read from its beginning.
    if (!isBlank) {
      this.follower.grown();
    }
  }

  /** For a screen reader: each final once. The sentences themselves may be corrected in silence. */
  announce(text) {
    const line = document.createElement("p");
    line.textContent = text;
    this.said.replaceChildren(line);
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

  /** Ask before the page is left, while there is something that no file and no session has. */
  watchLeaving() {
    const isUnsaved = !this.isEmpty && this.changes !== this.savedChanges && !this.keeper.isSafe(this.takes);
    if (isUnsaved) {
      window.addEventListener("beforeunload", this.askFirst);
    } else {
      window.removeEventListener("beforeunload", this.askFirst);
    }
  }
}
