/**
 * What this browser has of recordings whose text a server has: their names, their sound, and what a person has
 * corrected. In IndexedDB; where a browser keeps nothing for pages, or has no more room, as long as the page is open.
 */

import { change, databaseExists, openDatabase, result } from "../database.js";

const NAME = "rasr-recordings";
const VERSION = 1;
const STORES = ["recordings", "sound", "corrections"];

/**
 * @typedef {object} Kept
 * @property {string} job
 * @property {string} project
 * @property {string} name of the file
 * @property {number} addedAt ms since 1970
 */

export class KeptRecordings {
  constructor() {
    /** Of this visit. @type {Map<string, {record: Kept, file: Blob}>} */
    this.own = new Map();
    /** Corrected texts by job and place of the sentence. @type {Map<string, Map<number, string>>} */
    this.corrected = new Map();
    /** @type {Promise<IDBDatabase> | null} */
    this.opened = null;
  }

  /**
   * @param {Kept} record
   * @param {Blob} file
   * @returns {Promise<boolean>} whether its sound is there after the page is closed
   */
  async add(record, file) {
    this.own.set(record.job, { record, file });
    try {
      await this.change(async (stores) => stores.recordings.put(record));
      await this.change(async (stores) => stores.sound.put(file, record.job));
      return true;
    } catch {
      return false;
    }
  }

  /** @returns {Promise<Map<string, Kept>>} by their jobs */
  async all() {
    const found = new Map();
    if (await this.isThere()) {
      const kept = await this.read("recordings", (store) => store.getAll()).catch(() => []);
      kept.forEach((record) => found.set(record.job, record));
    }
    this.own.forEach(({ record }, job) => found.set(job, record));
    return found;
  }

  /** @returns {Promise<Blob | null>} null: it is not here */
  async sound(job) {
    const { file } = this.own.get(job) ?? {};
    if (file !== undefined) {
      return file;
    }
    return (await this.isThere()) ? ((await this.read("sound", (store) => store.get(job)).catch(() => null)) ?? null) : null;
  }

  /**
   * @param {number} index of the sentence
   * @param {string | null} text null: as it was recognised
   * @returns {Promise<boolean>} whether it is there after the page is closed
   */
  async correct(job, index, text) {
    const texts = this.corrected.get(job) ?? new Map();
    this.corrected.set(job, texts);
    if (text === null) {
      texts.delete(index);
    } else {
      texts.set(index, text);
    }
    try {
      await this.change(async ({ corrections }) => (text === null ? corrections.delete([job, index]) : corrections.put(text, [job, index])));
      return true;
    } catch {
      return false;
    }
  }

  /** @returns {Promise<Map<number, string>>} corrected texts by the places of their sentences */
  async corrections(job) {
    if (!this.corrected.has(job)) {
      const texts = new Map();
      this.corrected.set(job, texts);
      if (await this.isThere()) {
        const range = IDBKeyRange.bound([job], [job, []]);
        const keys = await this.read("corrections", (store) => store.getAllKeys(range)).catch(() => []);
        const kept = await this.read("corrections", (store) => store.getAll(range)).catch(() => []);
        keys.forEach(([, index], i) => texts.set(index, kept[i]));
      }
    }
    return this.corrected.get(job);
  }

  async forget(job) {
    this.own.delete(job);
    this.corrected.delete(job);
    if (await this.isThere()) {
      await this.change(async (stores) => {
        stores.recordings.delete(job);
        stores.sound.delete(job);
        stores.corrections.delete(IDBKeyRange.bound([job], [job, []]));
      }).catch(() => {});
    }
  }

  async isThere() {
    return this.opened !== null || (await databaseExists(NAME).catch(() => false));
  }

  async read(name, ask) {
    return result(ask((await this.database()).transaction(name).objectStore(name)));
  }

  async change(work) {
    await change(await this.database(), STORES, work);
  }

  /** @returns {Promise<IDBDatabase>} */
  database() {
    const onClose = () => {
      // The next one who needs it opens it again.
      this.opened = null;
    };
    this.opened ??= openDatabase(NAME, VERSION, build, onClose).catch((error) => {
      this.opened = null;
      throw error;
    });
    return this.opened;
  }
}

function build(database) {
  database.createObjectStore("recordings", { keyPath: "job" });
  database.createObjectStore("sound");
  database.createObjectStore("corrections");
}
