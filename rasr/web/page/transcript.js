/** The text on the page: finals in order, below them the partial that may still change, and what is done with them. */

import { storage } from "../shared/storage.js";
import { Follower } from "./follower.js";
import { Keeper, pageOf } from "./keeper.js";
import { Player } from "./player.js";
import { Take } from "./take.js";
import { TakePlayback } from "./take_playback.js";
import { TextPane } from "./text_pane.js";
import { wireTools } from "./text_tools.js";

/** For so long a text that was cleared comes back, ms. */
const CLEARED_MS = 120_000;

export class Transcript extends TextPane {
  /** @param {Document} root @param {import("../shared/texts.js").Texts} texts */
  constructor(root, texts) {
    super(root, texts, "", (list, tell) => new TakePlayback(new Player(), list, tell));
    this.partial = root.querySelector("#partial");
    this.said = root.querySelector("#said");
    this.follower = new Follower(() => this.editor.isOpen || this.partial.closest("main").hidden);
    this.keeper = new Keeper(storage, (key) => this.undo.tell(key));
    this.keeper.onChange = () => this.watchLeaving();
    this.show();
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

  keep(take, index) {
    this.keeper.keep(take, [index]);
  }

  isSafe() {
    return this.keeper.isSafe(this.takes);
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
    wireTools(this.root, this.texts, this, notices, account);
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

  // What is shown

  show() {
    const isBlank = this.isEmpty && this.partial.hidden;
    document.body.classList.toggle("blank", isBlank);
    super.show();
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
}
