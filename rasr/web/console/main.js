/** The console: its parts, which of them is shown, and who may see them. */

import { documentAt } from "../client/answers.js";
import { Account } from "../shared/account.js";
import { SignIn } from "../shared/sign_in.js";
import { tabStorage } from "../shared/storage.js";
import { LanguageSwitch, Texts, chosenLanguage } from "../shared/texts.js";
import { Theme } from "../shared/theme.js";
import { Api } from "../shared/api.js";
import { Keys } from "./keys.js";
import { Overview } from "./overview.js";
import { retryAfter } from "./pane.js";
import { placeOf } from "./places.js";
import { Question } from "./question.js";
import { Sessions } from "./sessions.js";
import { TEXTS } from "./texts.js";
import { Words } from "./words.js";

/**
 * What the parts share.
 * @typedef {object} Parts
 * @property {Document} root
 * @property {Texts} texts
 * @property {Account} account
 * @property {Api} api
 * @property {Question} question
 * @property {{properties: import("../client/rasr.js").Offer[]}} offers what the server serves
 */

class Console {
  constructor(root) {
    this.root = root;
    const texts = (this.texts = new Texts(TEXTS, chosenLanguage()));
    this.theme = new Theme(root, texts);
    this.language = new LanguageSwitch(root, texts, () => this.write());
    const account = (this.account = new Account(location.origin, tabStorage));
    this.signIn = new SignIn(root, texts, account, { onSignOut: () => this.signOut() });
    this.offers = { properties: [] };
    /** @type {Parts} */
    const parts = { root, texts, account, api: new Api(account), question: new Question(root), offers: this.offers };
    this.parts = { overview: new Overview(parts), keys: new Keys(parts), words: new Words(parts), sessions: new Sessions(parts) };
    this.links = [...root.querySelectorAll("#parts a")];
    const standing = (name) => root.querySelector(`#standing${name}`);
    this.standing = { place: standing(""), what: standing("-what"), help: standing("-do"), button: standing("-act") };
    this.standing.button.addEventListener("click", () => void this.act());
    /** What the server said of itself: "loading", "gone" or "known". */
    this.server = "loading";
    this.failures = 0;
    this.shownFor = this.whose;
    this.isTold = true;
    account.addEventListener("change", () => this.follow());
    addEventListener("hashchange", () => this.go(true));
    this.write();
    void this.load();
  }

  /** Who sees what is shown: another one sees it anew. */
  get whose() {
    const { held } = this.account;
    return held === null ? "" : `${held.token ?? held.key.access} ${held.project.id}`;
  }

  /** Why nothing of the project is shown; null: it is. */
  get obstacle() {
    const { account, server } = this;
    if (server !== "known") {
      return server;
    }
    if (account.held !== null || account.wanted === "none") {
      return null;
    }
    return account.wanted === "token" ? "token" : "sign_in";
  }

  async load() {
    clearTimeout(this.timer);
    try {
      const served = await documentAt(new URL("/properties", location.origin));
      this.offers.properties = served.properties;
      this.server = "known";
      this.failures = 0;
      this.account.want(served.sign_in ?? "none");
    } catch {
      this.server = "gone";
      this.failures += 1;
      this.timer = setTimeout(() => void this.load(), retryAfter(this.failures));
      this.write();
    }
  }

  follow() {
    const isNew = this.whose !== this.shownFor;
    this.shownFor = this.whose;
    if (isNew) {
      this.isTold = true;
      this.leave();
      for (const part of Object.values(this.parts)) {
        part.reset?.();
        part.panes.forEach((pane) => pane.reset());
      }
    }
    this.write();
  }

  async act() {
    if (this.obstacle === "sign_in") {
      await this.account.ask("needed");
    } else {
      await this.load();
    }
  }

  async signOut() {
    // Whoever copied the sign-in could use it, if the server was not told that it is over.
    this.isTold = await this.account.signOut();
    this.writeStanding();
    this.standing.button.focus();
  }

  // What is shown

  get place() {
    return placeOf(location.hash);
  }

  leave() {
    if (this.shown !== undefined) {
      this.parts[this.shown].panes.forEach((pane) => pane.close());
      this.shown = undefined;
    }
  }

  /** @param {boolean} [isMove] somebody has followed a link: a reader begins at the heading */
  go(isMove = false) {
    const { name, detail } = this.place;
    this.leave();
    for (const link of this.links) {
      const isHere = link.hash === `#${name}`;
      link.ariaCurrent = isHere ? "page" : null;
    }
    for (const part of Object.keys(this.parts)) {
      this.root.querySelector(`#part-${part}`).hidden = part !== name || this.obstacle !== null;
    }
    if (this.obstacle !== null) {
      return;
    }
    this.shown = name;
    this.parts[name].show?.(detail);
    this.parts[name].panes.forEach((pane) => pane.open());
    this.root.title = `${this.texts.say(name)} – ${this.texts.say("title")}`;
    if (isMove) {
      const heading = [...this.root.querySelectorAll(`#part-${name} h2[tabindex]`)].find((one) => one.checkVisibility());
      heading?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
  }

  write() {
    this.texts.fill(this.root);
    this.language.write();
    this.theme.render();
    this.signIn.render();
    this.writeStanding();
    for (const part of Object.values(this.parts)) {
      part.write();
    }
    this.go();
  }

  writeStanding() {
    const { texts, obstacle, account } = this;
    const { place, what, help, button } = this.standing;
    const isOpen = obstacle === null && account.held === null;
    const name = obstacle ?? (isOpen ? "open" : null);
    place.hidden = name === null;
    place.className = { gone: "notice", open: "notice mild", sign_in: "gate", token: "gate" }[name] ?? "";
    if (name !== null) {
      const key = name === "sign_in" && !this.isTold ? "signed_out_alone" : `standing_${name}`;
      what.textContent = texts.say(key);
      help.textContent = texts.say(`${key}_do`);
    }
    button.hidden = obstacle !== "sign_in" && obstacle !== "gone";
    button.textContent = texts.say(obstacle === "gone" ? "try_again" : "sign_in_title");
  }
}

new Console(document);
