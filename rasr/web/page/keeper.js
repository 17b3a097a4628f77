/** Keeps what is said in this browser while it is said, if a person has chosen so. */

import { Forgotten, SessionStore } from "./session_store.js";

/** A piece of sound is written when it is so long, or when a final comes. */
const PIECE_S = 5;
const MB = 1_000_000;
const KEY = "rasr.keep";
/** Letters of the first sentence, by which a session without a name is known again. */
const OPENING = 80;
export const LEAST_MB = 10;
export const MOST_MB = 100_000;
const INITIAL = { text: false, sound: false, megabytes: 500 };

export class Keeper {
  /**
   * @param {import("../shared/storage.js").PageStorage} storage where the choice is kept
   * @param {(key: string) => void} tell what goes wrong
   * @param {(onClose: () => void) => Promise<SessionStore>} open
   */
  constructor(storage, tell, open = SessionStore.open) {
    this.storage = storage;
    this.tell = tell;
    this.open = open;
    this.choice = load(storage);
    /** @type {Promise<SessionStore> | null} */
    this.opened = null;
    this.page = newPage();
    /** All writing is done one after the other. */
    this.work = Promise.resolve();
    /** Is called when something more is safe, or something is not. */
    this.onChange = () => {};
  }

  /** All the text of these takes is kept. @param {import("./take.js").Take[]} all */
  isSafe(all) {
    const { isForgotten, waiting, takes } = this.page;
    return !isForgotten && waiting === 0 && all.every((take) => (takes.get(take)?.done.size ?? 0) === take.segments.length);
  }

  /** @returns {Promise<SessionStore>} */
  store() {
    const onClose = () => {
      // The next one who needs it opens it again.
      this.opened = null;
      this.check();
    };
    this.opened ??= this.open(onClose).catch((error) => {
      this.opened = null;
      throw error;
    });
    return this.opened;
  }

  /** @param {Partial<typeof INITIAL>} changed */
  choose(changed) {
    this.choice = { ...this.choice, ...changed };
    this.storage.setItem(KEY, JSON.stringify(this.choice));
    this.page.failed = false;
    if (changed.text && this.page.isForgotten) {
      // It is kept anew, as another session.
      this.leave();
    }
    this.onChange();
  }

  /**
   * A take begins, or is there already when a person chooses to keep.
   * @param {number} fromSample sound before it is of a text that is gone
   */
  follow(take, fromSample = 0) {
    if (!this.choice.text) {
      return;
    }
    if (!this.page.takes.has(take)) {
      this.page.takes.set(take, { id: newId(), isBegun: false, isOld: false, done: new Set(), upTo: fromSample });
      take.onHear = () => this.hear(take);
    }
    const { done, isBegun } = this.page.takes.get(take);
    const missing = [...take.segments.keys()].filter((index) => !done.has(index));
    if (missing.length > 0) {
      this.keep(take, missing);
    } else if (isBegun) {
      this.flush(take);
    }
  }

  /** Segments are final, or were corrected. @param {number[]} indexes their places in the take */
  keep(take, indexes) {
    const { page } = this;
    const kept = page.takes.get(take);
    if (kept === undefined || page.isForgotten || !(this.choice.text || kept.isOld)) {
      // Once a person chooses to keep again, they are written.
      indexes.forEach((index) => kept?.done.delete(index));
      return;
    }
    indexes.forEach((index) => kept.done.add(index));
    const segments = new Map(indexes.map((index) => [index, take.segments[index]]));
    page.session ??= newSession(segments.get(indexes[0]));
    const write = async (store) => {
      await this.begin(store, page, take, kept);
      await store.putSegments(page.session.id, kept.id, segments);
    };
    const miss = () => indexes.forEach((index) => kept.done.delete(index));
    this.write(page, write, { miss });
    this.flush(take);
  }

  /** There is room again: what could not be written before is written now. */
  catchUp(page) {
    if (page.failed && page === this.page) {
      page.failed = false;
      [...page.takes.keys()].forEach((take) => this.follow(take));
    }
  }

  /** A chunk of sound came. */
  hear(take) {
    const kept = this.page.takes.get(take);
    // Before its first final a take has no place, and what has no text is not kept.
    if (kept?.isBegun && take.samples - kept.upTo >= PIECE_S * take.rate) {
      this.flush(take);
    }
  }

  /** Write the sound that waits. */
  flush(take) {
    const { page } = this;
    const kept = page.takes.get(take);
    if (!this.choice.sound || !this.choice.text || page.session === null || page.isForgotten) {
      return;
    }
    const piece = PIECE_S * take.rate;
    for (let from = Math.max(kept.upTo, take.firstSample); from < take.samples; from += piece) {
      const to = Math.min(from + piece, take.samples);
      const write = async (store) => {
        await this.begin(store, page, take, kept);
        await store.putSound(page.session.id, kept.id, from, take.slice(from, to), this.choice.megabytes * MB);
      };
      this.write(page, write, { isSound: true });
    }
    kept.upTo = take.samples;
  }

  /** The text on the page was kept before it came there. */
  get isOfEarlier() {
    return [...this.page.takes.values()].some(({ isOld }) => isOld);
  }

  /**
   * The text is gone from the page: the next final begins another session.
   * @param {import("./take.js").Take[]} staying these go on in another one, and are no part of what is left
   */
  leave(staying = []) {
    for (const take of this.page.takes.keys()) {
      take.onHear = () => {};
    }
    const left = this.page;
    this.page = newPage();
    for (const take of staying) {
      this.giveUp(left, take);
    }
    return left;
  }

  /** A take is kept in another session from now on. */
  giveUp(page, take) {
    const kept = page.takes.get(take);
    // What nobody keeps anew stays where it is.
    if (kept !== undefined && page.session !== null && this.choice.text) {
      this.write(page, (store) => store.forgetTake(page.session.id, kept.id));
    }
    page.takes.delete(take);
  }

  /** The text of a session is on the page again: go on with it. @param {ReturnType<typeof newPage>} page */
  goOn(page) {
    this.leave();
    this.page = page;
    for (const take of page.takes.keys()) {
      take.onHear = () => this.hear(take);
    }
    this.check();
  }

  /** The session on the page may have been forgotten meanwhile. */
  check() {
    const { page } = this;
    if (page.session !== null) {
      this.write(page, async (store) => {
        if (page.isBegun) {
          await store.check(page.session.id);
        }
      });
    }
  }

  /** What was kept of a page goes on in the session that is there now. */
  forget({ session }) {
    const { page } = this;
    const work = async () => {
      // What nobody keeps anew stays where it is.
      if (session !== null && this.choice.text && !page.isForgotten) {
        await (await this.store()).forget(session.id);
      }
    };
    this.work = this.work.then(work).catch(() => {});
  }

  async begin(store, page, { name, rate, startedAt }, kept) {
    if (!page.isBegun) {
      await store.begin(page.session);
      page.isBegun = true;
    }
    if (!kept.isBegun) {
      await store.putTake(page.session.id, { id: kept.id, name, rate, startedAt });
      kept.isBegun = true;
    }
  }

  /**
   * @param {{isSound?: boolean, miss?: () => void}} traits `isSound`: if that fails, text goes on;
   *   `miss` is called when it is not written
   */
  write(page, job, { isSound = false, miss = () => {} } = {}) {
    const weight = isSound ? 0 : 1;
    page.waiting += weight;
    const work = async () => {
      let fault = null;
      try {
        await job(await this.store());
      } catch (error) {
        fault = error;
      }
      page.waiting -= weight;
      if (fault !== null) {
        miss();
        this.fail(page, fault, isSound);
      } else if (!isSound) {
        this.catchUp(page);
      }
    };
    this.work = this.work.then(work).then(() => this.onChange());
  }

  fail(page, error, isSound) {
    const isFull = error?.name === "QuotaExceededError";
    if (error instanceof Forgotten) {
      if (!page.isForgotten && page === this.page) {
        this.tell("keep_forgotten");
      }
      page.isForgotten = true;
    } else if (isSound) {
      this.choice = { ...this.choice, sound: false };
      this.tell(isFull ? "keep_sound_full" : "keep_sound_failed");
    } else if (!page.failed) {
      page.failed = true;
      this.tell(isFull ? "keep_full" : "keep_failed");
    }
  }
}

/** What is kept of the text on the page. */
function newPage() {
  return {
    /** @type {import("./session_store.js").KeptSession | null} from the first final on */
    session: null,
    isBegun: false,
    /** What is written of each take. */
    takes: new Map(),
    /** How many times text is still to be written. */
    waiting: 0,
    /** Something could not be written, and was told. */
    failed: false,
    /** The session is not kept any more. */
    isForgotten: false,
  };
}

/**
 * A kept session on the page again.
 * @param {{id: string, segments: object[]}[]} kept its takes as they are stored
 * @param {import("./take.js").Take[]} takes the same on the page
 */
export function pageOf(session, kept, takes) {
  const written = kept.map(({ id, segments }, i) => [
    takes[i],
    { id, isBegun: true, isOld: true, done: new Set(segments.keys()), upTo: takes[i].samples },
  ]);
  return { ...newPage(), session, isBegun: true, takes: new Map(written) };
}

function load(storage) {
  try {
    const { text, sound, megabytes } = JSON.parse(storage.getItem(KEY)) ?? {};
    return {
      text: text === true,
      sound: sound === true,
      megabytes: isMegabytes(megabytes) ? megabytes : INITIAL.megabytes,
    };
  } catch {
    return { ...INITIAL };
  }
}

export function isMegabytes(value) {
  return Number.isInteger(value) && value >= LEAST_MB && value <= MOST_MB;
}

function newSession({ result }) {
  const now = Date.now();
  return { id: newId(), name: "", opening: result.text.slice(0, OPENING), startedAt: now, updatedAt: now, sentences: 0 };
}

/** Not `crypto.randomUUID`: pages without TLS have none. */
function newId() {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join("-");
}
