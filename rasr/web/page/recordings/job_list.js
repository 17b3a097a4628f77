/** The list of recordings: what is on its way to the server, and the jobs there, asked for as long as one is open. */

import { JobError, RecordingJobs } from "../../client/rasr.js";
import { faultOfAnswer } from "../notices.js";
import { RecordingRows, nameOf } from "./recording_rows.js";
import { Sending } from "./sending.js";

/** So often the server is asked for jobs that are open, and when it has not answered. */
const POLL_MS = 2000;
const RETRY_MS = 10_000;
/** Jobs that are listed at first, and more at a time. */
const PAGE = 50;
/** Open jobs whose place in the line is asked for, each on its own. */
const ASKED = 5;

export class JobList {
  /**
   * @param {Document} root
   * @param {string} server its address
   * @param {object} parts of the page
   * @param {import("../../shared/texts.js").Texts} parts.texts
   * @param {import("../../shared/account.js").Account} parts.account
   * @param {import("../tabs.js").Tabs} parts.tabs
   * @param {import("../notices.js").Notices} parts.notices
   * @param {import("./kept.js").KeptRecordings} parts.kept
   * @param {(item: import("./recording_rows.js").Item) => void} onOpen a person wants to read one
   */
  constructor(root, server, parts, onOpen) {
    Object.assign(this, parts);
    const find = (id) => root.querySelector(`#recording-${id}`);
    this.server = server;
    this.none = find("none");
    this.more = find("more");
    this.news = find("news");
    this.signInNote = find("sign-in");
    this.sending = new Sending(this, () => this.render());
    this.rows = new RecordingRows(find("rows"), this.texts, {
      open: (item) => (item.state === "failed" ? this.sending.again(item) : onOpen(item)),
      forget: (item) => this.forget(item),
    });
    /** What the server lists, the newest first. @type {import("../../client/rasr.js").Job[]} */
    this.jobs = [];
    this.count = 0;
    this.limit = PAGE;
    /** @type {Map<string, import("./kept.js").Kept>} */
    this.known = new Map();
    this.timer = null;
    /** Only the answer to the last question counts. */
    this.asked = 0;
    this.more.addEventListener("click", () => {
      this.limit += PAGE;
      void this.refresh();
    });
    root.addEventListener("visibilitychange", () => this.look());
  }

  get project() {
    return this.account.held?.project.id ?? "any";
  }

  /** The calls on jobs in the name of whoever has signed in. @param {number} [patienceSeconds] */
  calls(patienceSeconds) {
    const { account, project, server } = this;
    return new RecordingJobs(server, { project, patienceSeconds, fetch: (...request) => account.fetch(...request) });
  }

  get isShown() {
    return this.tabs.shown === "recordings" && !document.hidden;
  }

  /** Somebody may look here now, or does so no more. */
  look() {
    if (this.isShown) {
      void this.refresh();
    } else {
      clearTimeout(this.timer);
    }
  }

  /** Nobody sees what the one before had here. */
  clear() {
    this.jobs = [];
    this.count = 0;
    this.sending.stop();
    this.render();
  }

  /** Ask the server how far all are, and again as long as one is open. */
  async refresh() {
    clearTimeout(this.timer);
    this.asked += 1;
    const number = this.asked;
    const { account } = this;
    this.signInNote.hidden = account.wanted === "none" || account.held !== null;
    if (!this.signInNote.hidden) {
      // Nobody is asked to sign in for having looked.
      this.render();
      return;
    }
    let wait;
    try {
      wait = await this.take(number);
    } catch (error) {
      if (number !== this.asked) {
        return;
      }
      this.notices.show(faultOf(error));
      wait = error instanceof JobError ? Infinity : RETRY_MS;
    }
    if (number === this.asked && this.isShown && wait < Infinity) {
      this.timer = setTimeout(() => void this.refresh(), wait);
    }
  }

  /**
   * @param {number} number of the question
   * @returns {Promise<number>} when to ask again, ms
   * @throws {Error} there is no answer, or a refusal
   */
  async take(number) {
    const askedAt = Date.now();
    const { count, jobs } = await this.calls(0).list({ limit: this.limit });
    const open = jobs.filter(isOpen);
    // The oldest ones are next.
    const next = open.slice(-ASKED);
    const looked = await Promise.all(next.map(({ job_id }) => this.calls(0).show(job_id).catch(() => null)));
    next.forEach((job, i) => {
      // One that has ended meanwhile brings its text, which is not for a list.
      const { segments, ...told } = looked[i] ?? {};
      Object.assign(job, told, { isInWork: looked[i] !== null && told.queue_position === undefined });
    });
    const known = await this.kept.all();
    if (number !== this.asked) {
      return Infinity;
    }
    this.known = known;
    this.tellNews(jobs);
    [this.count, this.jobs] = [count, jobs];
    this.notices.dismiss("jobs_gone");
    this.render();
    await this.forgetOthers(askedAt);
    return open.length > 0 ? POLL_MS : Infinity;
  }

  /** What the server has forgotten need not be here either. */
  async forgetOthers(askedAt) {
    if (this.count > this.jobs.length) {
      return;
    }
    const listed = new Set(this.jobs.map(({ job_id }) => job_id));
    for (const { job, project, addedAt } of this.known.values()) {
      if (project === this.project && addedAt < askedAt && !listed.has(job)) {
        await this.kept.forget(job);
      }
    }
  }

  /** For a screen reader: which jobs are over now. */
  tellNews(jobs) {
    const wasOpen = new Set(this.jobs.filter(isOpen).map(({ job_id }) => job_id));
    const over = jobs.filter((job) => wasOpen.has(job.job_id) && !isOpen(job));
    if (over.length > 0) {
      const names = over.map((job) => nameOf(this.itemOf(job), this.texts));
      this.news.textContent = this.texts.say("recording_news", { names });
    }
  }

  render() {
    const listed = new Set(this.jobs.map(({ job_id }) => job_id));
    this.sending.forgetJobs(listed);
    const items = [...this.sending.items, ...this.jobs.map((job) => this.itemOf(job))];
    this.rows.render(items);
    this.none.hidden = items.length > 0 || !this.signInNote.hidden;
    this.more.hidden = this.count <= this.jobs.length;
  }

  /** @returns {import("./recording_rows.js").Item} */
  itemOf(told) {
    const { job_id, status, isInWork, progress = 0 } = told;
    const state = { FINISHED: "finished", ERROR: "failed" }[status] ?? (isInWork ? "working" : "waiting");
    const name = this.known.get(job_id)?.name ?? "";
    return { key: this.sending.keys.get(job_id) ?? job_id, job: job_id, name, state, share: progress / 100, told };
  }

  /** Take a recording back, or forget it, here and there. */
  async forget(item) {
    if (item.job === null) {
      this.sending.giveUp(item);
      return;
    }
    try {
      await this.calls().forget(item.job);
    } catch (error) {
      // Somebody else may have forgotten it, or it is too old.
      if (error.status !== 404) {
        this.notices.show(faultOf(error));
        return;
      }
    }
    await this.kept.forget(item.job);
    this.sending.forgetJobs(new Set([item.job]));
    this.jobs = this.jobs.filter(({ job_id }) => job_id !== item.job);
    this.render();
    await this.refresh();
  }

  /** Why a file was not taken. */
  reasonOf(error) {
    switch (error.name) {
      case "TypeError":
        return this.texts.say("jobs_gone");
      case "TimeoutError":
        return this.texts.say("unanswered");
      // The file is not what it was, or is gone.
      case "NotReadableError":
      case "NotFoundError":
        return this.texts.say("recording_changed");
      default:
        return error.message;
    }
  }
}

function isOpen({ status }) {
  return status === "WAITING";
}

/** How a refusal of a call on jobs is told. */
export function faultOf(error) {
  if (!(error instanceof JobError)) {
    const fault = faultOfAnswer(error);
    return fault.name === "gone" ? { name: "jobs_gone" } : fault;
  }
  return { name: "jobs_refused", values: { message: error.message } };
}
