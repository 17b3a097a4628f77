/** Files that a person drops or opens: read one after the other. */

import { Session, rateOf } from "../client/rasr.js";
import { decode } from "../shared/recordings.js";
import { GivenUp } from "./runner.js";
import { Take } from "./take.js";

/** A browser decodes a file as a whole, in memory that it does not have for larger ones. */
const MOST_BYTES = 500_000_000;

export class Reading {
  /**
   * @param {string} server its address
   * @param {import("./runner.js").Runner} runner
   */
  constructor(server, runner) {
    this.server = server;
    this.runner = runner;
    /** @type {File[]} */
    this.waiting = [];
    this.isReading = false;
    /** Of the files that were put in line together: which one is read, and how many there are. */
    this.number = 0;
    this.count = 0;
  }

  /** Put files in line; while somebody speaks they wait until that is over. */
  async add(files) {
    this.waiting.push(...files);
    this.count += files.length;
    if (this.isReading || this.waiting.length === 0) {
      return;
    }
    if (!this.runner.isIdle) {
      this.runner.notices.show({ name: "queued", values: { count: this.waiting.length } });
      return;
    }
    this.isReading = true;
    if (await this.begin()) {
      await this.readAll();
    } else {
      this.runner.finish(null);
    }
    [this.isReading, this.number, this.count] = [false, 0, 0];
  }

  /** Read all that wait, those that come meanwhile too. */
  async readAll() {
    let round = null;
    let withText = 0;
    while (this.waiting.length > 0) {
      this.number += 1;
      round = await this.read(this.waiting.shift());
      withText += round?.reason === "NORMAL" && !round.isEmpty ? 1 : 0;
      this.runner.finish(round, this.waiting.length === 0);
    }
    this.tellAll(round, withText);
  }

  /** Of several files the last one does not say how it went. */
  tellAll(last, withText) {
    const isWhole = last === null || last.reason === "NORMAL";
    if (isWhole && this.count > 1 && withText < this.count) {
      this.runner.signs.say("status", "done_some", { some: withText, count: this.count });
    }
  }

  /** @returns {Promise<boolean>} false where a person has given up */
  async begin() {
    try {
      await this.runner.begin(false);
      return true;
    } catch (error) {
      if (!(error instanceof GivenUp)) {
        throw error;
      }
      this.waiting = [];
      return false;
    }
  }

  /** Somebody has stopped speaking: what was put in line meanwhile is read. */
  goOn() {
    if (this.waiting.length > 0) {
      this.count = 0;
      void this.add(this.waiting.splice(0));
    }
  }

  /** @returns {Promise<import("./rounds.js").Round | null>} null where it cannot be read */
  async read(file) {
    const { runner } = this;
    const { notices, signs } = runner;
    const { name } = file;
    const place = { name, number: this.number, count: this.count };
    const [opening, reading] = this.count > 1 ? ["decoding_of", "reading_of"] : ["decoding", "reading"];
    signs.say("status", opening, place);
    signs.progress.value = 0;
    if (file.size > MOST_BYTES) {
      notices.show({ name: "too_large", file: name });
      return null;
    }
    const options = runner.sessionOptions();
    const rate = rateOf(options.property);
    let chunks;
    try {
      chunks = await runner.unlessGivenUp(decode(file, rate));
    } catch (error) {
      if (error instanceof GivenUp) {
        this.waiting = [];
        return null;
      }
      notices.show({ name: "unreadable", file: name });
      return null;
    }
    const take = new Take(name, rate);
    chunks.forEach((chunk) => take.hear(chunk, 0));
    runner.totalMs = take.lengthMs;
    const began = performance.now();
    // The page keeps this sound anyway, so the session may too: all of it can be sent again.
    const session = new Session(this.server, { ...options, keepSeconds: Infinity });
    const round = runner.follow(session, take, { ...options, isMicrophone: false, doing: [reading, place] });
    const stop = async () => {
      this.waiting = [];
      session.cancel();
    };
    let isClosed = false;
    runner.run(stop, () => {
      // Its sentence is over, or it is too long: the files that wait are read all the same.
      isClosed = true;
      void session.end();
    });
    for (const chunk of chunks) {
      await session.room();
      session.send(chunk);
    }
    const reason = await session.end();
    if (reason === "NORMAL") {
      // Of one that was closed not all sound was recognised.
      if (!isClosed) {
        this.tellSpeed(performance.now() - began);
      }
      if (round.isEmpty) {
        round.tellSilence();
      }
    } else if (round.failed) {
      // The next ones would fare no better.
      this.waiting = [];
    }
    return round;
  }

  tellSpeed(tookMs) {
    const { signs, totalMs } = this.runner;
    signs.say("latency", "speed", {
      seconds: (totalMs / 1000).toFixed(1),
      took: (tookMs / 1000).toFixed(1),
      times: (totalMs / tookMs).toFixed(1),
    });
  }
}
