/** The tab for recordings: files become jobs of the server, and their text is read, heard and corrected here. */

import { storage } from "../../shared/storage.js";
import { Chooser, fill } from "../chooser.js";
import { Notices } from "../notices.js";
import { TextSaving } from "../text_saving.js";
import { SPEAKERS, jobConfig } from "./config.js";
import { JobList, faultOf } from "./job_list.js";
import { KeptRecordings } from "./kept.js";
import { RecordingPane } from "./recording_pane.js";
import { nameOf } from "./recording_rows.js";

const SPEAKERS_KEY = "rasr.speakers";

export class RecordingsTab {
  /**
   * @param {Document} root
   * @param {object} parts of the page
   * @param {import("../../shared/texts.js").Texts} parts.texts
   * @param {import("../choices.js").Choices} parts.choices
   * @param {import("../languages.js").Offers} parts.offers
   * @param {import("../../shared/account.js").Account} parts.account
   * @param {import("../tabs.js").Tabs} parts.tabs
   * @param {Promise<void>} parts.loaded the offers are there
   * @param {string} server its address
   */
  constructor(root, { texts, choices, offers, account, tabs, loaded }, server) {
    Object.assign(this, { texts, choices, offers, account, loaded });
    const find = (id) => root.querySelector(`#recording-${id}`);
    this.overview = find("list");
    this.view = find("view");
    this.backButton = find("back");
    this.speakers = find("choice-speakers");
    this.notices = new Notices(find("notices"), texts);
    this.chooser = new Chooser(root, texts, choices, offers, "recording-");
    const { notices } = this;
    this.kept = new KeptRecordings();
    this.pane = new RecordingPane(root, texts, this.kept);
    this.list = new JobList(root, server, { texts, account, tabs, notices, kept: this.kept }, (item) => void this.read(item));
    new TextSaving(root, texts, this.pane, notices, account, "recording-");
    this.speakersChosen = SPEAKERS.find((one) => one === storage.getItem(SPEAKERS_KEY)) ?? SPEAKERS[0];
    this.speakers.addEventListener("change", () => {
      this.speakersChosen = this.speakers.value;
      storage.setItem(SPEAKERS_KEY, this.speakersChosen);
    });
    const input = find("file");
    find("open").addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      void this.add([...input.files]);
      input.value = "";
    });
    this.backButton.addEventListener("click", () => this.back());
    tabs.addEventListener("show", () => {
      if (tabs.shown !== "recordings") {
        this.pane.playback.stop();
        this.list.look();
      }
    });
    /** Whose recordings are listed. */
    this.whose = this.who;
    account.addEventListener("change", () => this.signedInOrOut());
    this.write();
    void loaded.then(() => this.write());
  }

  /** It is seen now. */
  show() {
    void this.loaded.then(() => this.list.look());
  }

  /** What a job is asked for now. */
  config() {
    const { property } = this.choices.values;
    const hotWords = this.offers.find(property)?.hot_words ?? true;
    return jobConfig(this.choices.values, { hotWords }, this.speakersWanted);
  }

  /** As it was chosen, where the server can do so. */
  get speakersWanted() {
    return this.speakersChosen === "voices" && !this.offers.diarization ? SPEAKERS[0] : this.speakersChosen;
  }

  /** Files that a person drops or opens. */
  async add(files) {
    await this.loaded;
    if (files.length === 0 || !(await this.isLetIn())) {
      return;
    }
    this.back();
    this.notices.clear();
    this.list.sending.add(files, this.config());
  }

  async isLetIn() {
    if (await this.account.ready()) {
      return true;
    }
    if (this.account.wanted === "token") {
      this.notices.show({ name: "sign_in_token" });
    }
    return false;
  }

  /** Who has signed in, and for which project; "" where nobody has. */
  get who() {
    const { held } = this.account;
    return held === null ? "" : JSON.stringify([held.user, held.domain, held.project.id]);
  }

  signedInOrOut() {
    if (this.who !== this.whose) {
      this.whose = this.who;
      this.list.clear();
      this.close();
    }
    this.list.look();
  }

  /** Read one of them. @param {import("./recording_rows.js").Item} item */
  async read(item) {
    const name = nameOf(item, this.texts);
    this.notices.clear();
    let job;
    try {
      job = await this.list.calls().show(item.job);
    } catch (error) {
      this.notices.show(faultOf(error));
      await this.list.refresh();
      return;
    }
    const [file, corrections] = [await this.kept.sound(item.job), await this.kept.corrections(item.job)];
    this.overview.hidden = true;
    this.view.hidden = false;
    this.pane.open(job, { id: item.job, name, file, corrections });
    this.viewed = item.key;
    scrollTo(0, 0);
    this.backButton.focus({ preventScroll: true });
  }

  back() {
    if (!this.view.hidden) {
      this.close();
      this.list.rows.focus(this.viewed);
    }
  }

  /** The list in place of the transcript. */
  close() {
    this.pane.close();
    this.view.hidden = true;
    this.overview.hidden = false;
  }

  /** All texts anew, in another language. */
  write() {
    const offered = SPEAKERS.filter((one) => one !== "voices" || this.offers.diarization);
    fill(this.speakers, offered.map((one) => [one, this.texts.say(`speakers_${one}`)]), this.speakersWanted);
    this.notices.render();
    this.chooser.render();
    this.list.rows.write();
    this.pane.write();
  }
}
