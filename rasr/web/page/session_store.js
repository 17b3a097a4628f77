/**
 * Sessions that this browser keeps, in IndexedDB: what was said in each, and its sound where that is
 * wanted. Every final is written on its own and as soon as it comes.
 */

import { change, databaseExists, first, next, openDatabase, result, storesOf } from "./database.js";

const NAME = "rasr-sessions";
const VERSION = 1;
const STORES = ["sessions", "takes", "segments", "sound", "totals"];
/** Key of the one entry of `totals`. */
const SOUND = "sound";

const NOTHING = { start_time: 0, end_time: 0, is_final: true, result: { text: "", score: 0 } };

/** The session was forgotten, by another tab perhaps: nothing more is written of it. */
export class Forgotten extends Error {}

/**
 * @typedef {object} KeptSession
 * @property {string} id
 * @property {string} name that a person gave it, or ""
 * @property {string} opening its first words
 * @property {number} startedAt ms since 1970
 * @property {number} updatedAt ms since 1970
 * @property {number} sentences
 */

export class SessionStore {
  /** Something was kept once: to look for it makes nothing. @param {IDBFactory} factory */
  static async exists(factory = indexedDB) {
    return databaseExists(NAME, factory);
  }

  /**
   * @param {() => void} onClose it is closed, and can be opened again
   * @returns {Promise<SessionStore>}
   * @throws {Error} this browser keeps nothing for pages
   */
  static async open(onClose = () => {}) {
    return new SessionStore(await openDatabase(NAME, VERSION, build, onClose));
  }

  constructor(database) {
    this.database = database;
  }

  /** @returns {Promise<KeptSession[]>} the newest one first */
  async list() {
    const sessions = await result(this.database.transaction("sessions").objectStore("sessions").getAll());
    return sessions.sort((one, other) => other.updatedAt - one.updatedAt);
  }

  /** @returns {Promise<number>} bytes of sound of all sessions */
  async soundBytes() {
    return (await result(this.database.transaction("totals").objectStore("totals").get(SOUND))) ?? 0;
  }

  /** @param {KeptSession} session */
  async begin(session) {
    await this.change(async ({ sessions }) => sessions.put(session));
  }

  /** @param {{id: string, name: string, rate: number, startedAt: number}} take */
  async putTake(session, take) {
    await this.change(async (stores) => {
      await known(stores, session);
      stores.takes.put({ session, ...take });
    });
  }

  /** @param {Map<number, object>} segments by their places in the take; others there are replaced */
  async putSegments(session, take, segments) {
    await this.change(async (stores) => {
      const record = await known(stores, session);
      let { sentences } = record;
      for (const [index, segment] of segments) {
        const isThere = stores.segments.getKey([session, take, index]);
        isThere.onsuccess = () => {
          sentences += isThere.result === undefined ? 1 : 0;
          stores.sessions.put({ ...record, updatedAt: Date.now(), sentences });
        };
        stores.segments.put({ session, take, index, segment });
      }
    });
  }

  /**
   * @param {number} firstSample where the piece begins in its take
   * @param {Int16Array} samples
   * @param {number} mostBytes of the sound of all sessions: the oldest pieces are given up
   */
  async putSound(session, take, firstSample, samples, mostBytes) {
    await this.change(async (stores) => {
      await known(stores, session);
      stores.sound.add({ session, take, firstSample, samples, bytes: samples.byteLength });
      let bytes = ((await result(stores.totals.get(SOUND))) ?? 0) + samples.byteLength;
      for (let oldest = await first(stores.sound); bytes > mostBytes && oldest !== null; oldest = await next(oldest)) {
        bytes -= oldest.value.bytes;
        oldest.delete();
      }
      stores.totals.put(bytes, SOUND);
    });
  }

  /**
   * @returns {Promise<{session: KeptSession, takes: object[]}>} each take with `segments` and, in order,
   *   pieces of `sound`
   * @throws {Forgotten}
   */
  async load(id) {
    const stores = this.stores("readonly");
    const session = await known(stores, id);
    const range = IDBKeyRange.bound([id], [id, []]);
    const takes = await result(stores.takes.getAll(range));
    const segments = await result(stores.segments.getAll(range));
    const sound = await result(stores.sound.index("session").getAll(range));
    const byAge = takes.sort((one, other) => one.startedAt - other.startedAt || (one.id < other.id ? -1 : 1));
    return {
      session,
      takes: byAge.map((take) => ({
        ...take,
        segments: filled(segments.filter((one) => one.take === take.id)),
        sound: sound.filter((one) => one.take === take.id).sort((one, other) => one.firstSample - other.firstSample),
      })),
    };
  }

  /** @throws {Forgotten} */
  async check(id) {
    await known(this.stores("readonly"), id);
  }

  async rename(id, name) {
    await this.change(async (stores) => {
      const record = await known(stores, id);
      stores.sessions.put({ ...record, name });
    });
  }

  /** Forget a session: its text and its sound. */
  async forget(id) {
    await this.change(async (stores) => {
      const range = IDBKeyRange.bound([id], [id, []]);
      stores.sessions.delete(id);
      stores.takes.delete(range);
      stores.segments.delete(range);
      let bytes = (await result(stores.totals.get(SOUND))) ?? 0;
      // The keys of the index say how many bytes a piece has: no sound is read.
      const cursor = stores.sound.index("session").openKeyCursor(range);
      for (let piece = await result(cursor); piece !== null; piece = await next(piece)) {
        bytes -= piece.key[1];
        stores.sound.delete(piece.primaryKey);
      }
      stores.totals.put(bytes, SOUND);
    });
  }

  /** Forget one take of a session. */
  async forgetTake(session, take) {
    await this.change(async (stores) => {
      const record = await known(stores, session);
      const range = IDBKeyRange.bound([session, take], [session, take, []]);
      const sentences = await result(stores.segments.count(range));
      stores.sessions.put({ ...record, sentences: record.sentences - sentences });
      stores.takes.delete([session, take]);
      stores.segments.delete(range);
      let bytes = (await result(stores.totals.get(SOUND))) ?? 0;
      const cursor = stores.sound.index("session").openCursor(IDBKeyRange.bound([session], [session, []]));
      for (let piece = await result(cursor); piece !== null; piece = await next(piece)) {
        if (piece.value.take === take) {
          bytes -= piece.value.bytes;
          piece.delete();
        }
      }
      stores.totals.put(bytes, SOUND);
    });
  }

  /** Forget every session. */
  async forgetAll() {
    await this.change(async (stores) => STORES.forEach((name) => stores[name].clear()));
  }

  /** Do all of it, or nothing; resolves when it is on the disk. */
  async change(work) {
    await change(this.database, STORES, work);
  }

  stores(mode) {
    return storesOf(this.database.transaction(STORES, mode), STORES);
  }
}

function build(database) {
  database.createObjectStore("sessions", { keyPath: "id" });
  database.createObjectStore("takes", { keyPath: ["session", "id"] });
  database.createObjectStore("segments", { keyPath: ["session", "take", "index"] });
  // Numbered as they come, so that the first one is the oldest.
  database.createObjectStore("sound", { autoIncrement: true }).createIndex("session", ["session", "bytes"]);
  database.createObjectStore("totals");
}

async function known({ sessions }, id) {
  const record = await result(sessions.get(id));
  if (record === undefined) {
    throw new Forgotten(id);
  }
  return record;
}

/** The segments at their places; one that could not be written is one without text. */
function filled(records) {
  const segments = Array.from({ length: (records.at(-1)?.index ?? -1) + 1 }, () => NOTHING);
  records.forEach(({ index, segment }) => {
    segments[index] = segment;
  });
  return segments;
}
