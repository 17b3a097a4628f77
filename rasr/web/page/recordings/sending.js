/** Files on their way to the server, one after the other; each begins a job there. */

/** Leaving the page would end what is on its way. */
const askFirst = (event) => event.preventDefault();

let lastNumber = 0;

export class Sending {
  /**
   * @param {import("./job_list.js").JobList} list
   * @param {() => void} onChange
   */
  constructor(list, onChange) {
    this.list = list;
    this.onChange = onChange;
    /** The newest first, until the server lists their jobs. @type {import("./recording_rows.js").Item[]} */
    this.items = [];
    this.isSending = false;
    /** Rows stay the same while files become jobs: their keys by the jobs. @type {Map<string, string>} */
    this.keys = new Map();
  }

  /** @param {File[]} files @param {object} config of their jobs */
  add(files, config) {
    for (const file of files) {
      lastNumber += 1;
      const giving = new AbortController();
      this.items.unshift({ key: `file-${lastNumber}`, job: null, name: file.name, state: "queued", share: 0, told: {}, file, config, giving });
    }
    this.start();
  }

  /** A file that was not taken is sent once more. */
  again(item) {
    Object.assign(item, { state: "queued", share: 0, told: {} });
    this.start();
  }

  start() {
    this.onChange();
    if (!this.isSending) {
      void this.sendAll();
    }
  }

  async sendAll() {
    this.isSending = true;
    addEventListener("beforeunload", askFirst);
    for (let item = this.next; item !== undefined; item = this.next) {
      await this.send(item);
      this.onChange();
    }
    removeEventListener("beforeunload", askFirst);
    this.isSending = false;
  }

  /** The oldest one that waits. */
  get next() {
    return this.items.findLast(({ state }) => state === "queued");
  }

  async send(item) {
    const { list } = this;
    const { file, config, giving } = item;
    const { project } = list;
    item.state = "sending";
    this.onChange();
    const onProgress = (share) => {
      item.share = share;
      this.onChange();
    };
    let job;
    try {
      job = await list.calls().submit(file, config, { onProgress, signal: giving.signal });
    } catch (error) {
      item.state = "failed";
      item.told = { error_msg: list.reasonOf(error) };
      return;
    }
    const record = { job, project, name: file.name, addedAt: Date.now() };
    const isKept = await list.kept.add(record, file);
    if (!isKept) {
      list.notices.show({ name: "recording_unkept", file: file.name });
    }
    this.keys.set(job, item.key);
    Object.assign(item, { job, state: "waiting", share: 0 });
    await list.refresh();
  }

  /** A person does not want it any more. */
  giveUp(item) {
    this.items = this.items.filter((one) => one !== item);
    item.giving.abort();
    this.onChange();
  }

  /** Whoever sent them is gone. */
  stop() {
    this.items.forEach(({ giving }) => giving.abort());
    this.items = [];
  }

  /** The server lists these, or they are forgotten. @param {Set<string>} jobs */
  forgetJobs(jobs) {
    this.items = this.items.filter(({ job }) => !jobs.has(job));
  }
}
