/** The page: its parts, and what its buttons do. */

import { Account } from "../shared/account.js";
import { SignIn } from "../shared/sign_in.js";
import { storage, tabStorage } from "../shared/storage.js";
import { LanguageSwitch, Texts, chosenLanguage } from "../shared/texts.js";
import { Theme } from "../shared/theme.js";
import { Chooser } from "./chooser.js";
import { Choices } from "./choices.js";
import { PROGRAMS } from "./code.js";
import { CodePanel } from "./code_panel.js";
import { Devices } from "./devices.js";
import { acceptDrops } from "./drops.js";
import { Offers } from "./languages.js";
import { Messages } from "./messages.js";
import { Notices } from "./notices.js";
import { Panel } from "./panel.js";
import { Reading } from "./reading.js";
import { Runner } from "./runner.js";
import { Samples } from "./samples.js";
import { Signs } from "./signs.js";
import { speak } from "./speaking.js";
import { Tabs } from "./tabs.js";
import { TEXTS } from "./texts.js";
import { Transcript } from "./transcript.js";

const SERVER = location.origin;
/**
 * Tabs that are fetched when they are first shown: name → what fetches its class. One has `show`, is written anew by
 * `write`, and may have `programs` for *Show code*.
 */
const LATER = {
  recordings: async () => (await import("./recordings/recordings_tab.js")).RecordingsTab,
  voice: async () => (await import("./voice_tab.js")).VoiceTab,
};

class Page {
  constructor(root) {
    this.root = root;
    this.texts = new Texts(TEXTS, chosenLanguage());
    this.notices = new Notices(root.querySelector("#notices"), this.texts);
    this.signs = new Signs(root, this.texts);
    this.transcript = new Transcript(root, this.texts);
    this.messages = new Messages(root, this.texts);
    this.language = new LanguageSwitch(root, this.texts, () => this.writeTexts());
    this.theme = new Theme(root, this.texts);
    this.tabs = new Tabs(root, this.texts);
    this.choices = new Choices(storage);
    this.offers = new Offers();
    this.panel = new Panel(root, this.texts, this.choices, this.offers);
    this.chooser = new Chooser(root, this.texts, this.choices, this.offers, "");
    this.devices = new Devices(root, this.texts, storage, (name) => this.tellPlugged(name));
    this.account = new Account(SERVER, tabStorage);
    this.signIn = new SignIn(root, this.texts, this.account, { onSignOut: () => this.signOut() });
    this.loaded = this.load();
    const { texts, signs, notices, transcript, choices, offers, messages, account, tabs, loaded } = this;
    const parts = { texts, signs, notices, transcript, choices, offers, messages, account, tabs, loaded };
    this.runner = new Runner(parts, (state) => this.follow(state));
    this.samples = new Samples(root, SERVER, this.runner);
    this.reading = new Reading(SERVER, this.runner);
    /** Those that are fetched when they are first shown, by their names. @type {Map<string, any>} */
    this.later = new Map();
    this.parts = parts;
    this.code = new CodePanel(root, texts, SERVER, () => this.programs(), account, loaded);
    this.writeTexts();
    this.wire();
    void this.devices.refresh();
  }

  wire() {
    const on = (selector, call) => this.root.querySelector(selector).addEventListener("click", call);
    on("#talk", ({ detail }) => {
      // A double click is one press: its second half does not stop what the first has begun.
      if (detail <= 1) {
        void (this.runner.isIdle ? speak(SERVER, this.runner, this.devices) : this.runner.stopOrGiveUp());
      }
    });
    on("#settings", () => this.panel.open());
    on("#clear", () => this.runner.cleared());
    this.transcript.wireTools(this.notices, this.account);
    const input = this.root.querySelector("#file");
    on("#open", () => input.click());
    input.addEventListener("change", () => {
      void this.reading.add([...input.files]);
      input.value = "";
    });
    acceptDrops(this.root, (files) => void this.take(files));
    this.choices.addEventListener("change", () => {
      this.advise();
      this.tellChannel();
    });
    this.tabs.addEventListener("show", () => void this.showTab());
    // On a small screen the page begins at its top all the same.
    this.root.querySelector("#talk").focus({ preventScroll: true });
    void this.showTab();
  }

  /** Another tab is shown. Whoever only speaks does not wait for what others need. */
  async showTab() {
    const name = this.tabs.shown;
    const load = LATER[name];
    if (load === undefined) {
      return;
    }
    try {
      const Tab = await load();
      if (!this.later.has(name)) {
        this.later.set(name, new Tab(this.root, this.parts, SERVER));
      }
    } catch {
      this.notices.show({ name: "gone" });
      this.tabs.open("speak");
      return;
    }
    this.later.get(name).show();
  }

  /** What *Show code* shows: the programs of a tab, and what they are asked for. */
  programs() {
    return this.later.get(this.tabs.shown)?.programs ?? { programs: PROGRAMS, settings: this.runner.options() };
  }

  /** Files that a person drops: on the tab for recordings they become jobs, else they are read at once. */
  async take(files) {
    if (this.tabs.shown === "recordings") {
      await this.showTab();
      await this.later.get("recordings")?.add(files);
    } else {
      this.tabs.open("speak");
      void this.reading.add(files);
    }
  }

  /** What the server serves, and with it the choices that hang on it. */
  async load() {
    try {
      await this.offers.load(SERVER);
      this.notices.dismiss("gone");
    } catch (error) {
      this.notices.show(error.name === "TimeoutError" ? { name: "unanswered" } : { name: "gone" });
    }
    this.account.want(this.offers.signIn);
    const { property } = this.choices.values;
    this.choices.suppose({ property: this.offers.choose(property, this.texts.language) });
    this.panel.follow();
    this.samples.render();
  }

  /** What is said now is finished first. */
  async signOut() {
    this.runner.stop();
    if (!(await this.account.signOut())) {
      this.notices.show({ name: "signed_out_alone" });
    }
    this.root.querySelector("#talk").focus();
  }

  advise() {
    this.notices.advise(this.offers.advice(this.choices.values.property, this.texts.language));
  }

  /** What goes with a state of the runner. */
  follow(state) {
    this.chooser.lock(state === "idle" ? null : this.runner.property);
    this.tellChannel();
    if (state === "idle") {
      this.reading.goOn();
    }
  }

  /** Who can read along: what is chosen while somebody speaks holds from the next start. */
  tellChannel() {
    const { captions, caption_channel } = this.choices.values;
    if (["idle", "starting"].includes(this.runner.state)) {
      this.signs.showChannel(captions ? caption_channel : null);
    }
  }

  tellPlugged(name) {
    if (this.runner.isIdle) {
      this.signs.say("status", "plugged", { name });
    }
  }

  writeTexts() {
    this.texts.fill(this.root);
    this.tabs.write();
    this.language.write();
    this.signs.write();
    this.notices.render();
    this.panel.render();
    this.transcript.write();
    this.chooser.render();
    this.devices.render();
    this.samples.render();
    this.messages.render();
    this.later.forEach((tab) => tab.write());
    this.signIn.render();
    this.theme.render();
    this.advise();
  }
}

new Page(document);
