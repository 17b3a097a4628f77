/** Recordings of the server that are streamed at the speed of speech, and heard at the same time. */

import { inTime } from "../client/answers.js";
import { Session, rateOf } from "../client/rasr.js";
import { languageOf, nameOf } from "../shared/language_names.js";
import { decode } from "../shared/recordings.js";
import { cureOf } from "./languages.js";
import { faultOfAnswer } from "./notices.js";
import { GivenUp } from "./runner.js";
import { Take, levelOf } from "./take.js";

/** Languages that the server has a recording of. */
const LANGUAGES = ["english", "chinese"];
/** The length of a chunk, as a microphone's. */
const CHUNK_S = 0.1;
/** For a recording on its way through a slow network. */
const FETCH_MS = 30_000;

export class Samples {
  /**
   * @param {Document} root
   * @param {string} server its address
   * @param {import("./runner.js").Runner} runner
   */
  constructor(root, server, runner) {
    this.box = root.querySelector("#samples");
    this.place = root.querySelector("#sample-buttons");
    this.server = server;
    this.runner = runner;
  }

  /** One button for each that is served, or that the server says how to have. */
  render() {
    const { offers, texts } = this.runner;
    const shown = LANGUAGES.filter((one) => offers.served.includes(one) || offers.about(one)?.command);
    this.box.hidden = shown.length === 0;
    this.place.replaceChildren(
      ...shown.map((language) => {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "small";
        button.dataset.sample = language;
        button.textContent = nameOf(language, texts.language);
        button.addEventListener("click", () => void this.hear(language));
        return button;
      }),
    );
  }

  async hear(language) {
    const { runner } = this;
    const { choices, notices, offers, signs, texts } = runner;
    if (!runner.isIdle) {
      return;
    }
    if (!offers.served.includes(language)) {
      const about = offers.about(language);
      notices.show({ name: "sample_unserved", values: cureOf(about, texts.language), command: about.command });
      return;
    }
    // A click starts sound; after the next wait it would not count any more.
    const context = new AudioContext();
    const chosen = choices.values.property;
    const isChosen = languageOf(chosen) === language;
    let round = null;
    try {
      const options = await runner.begin(true, isChosen ? chosen : offers.ofLanguage(language)[0].property);
      const rate = rateOf(options.property);
      const file = await runner.unlessGivenUp(this.fetch(language));
      const chunks = await decode(file, rate, CHUNK_S);
      const source = new AudioBufferSourceNode(context, {
        buffer: await context.decodeAudioData(await file.arrayBuffer()),
      });
      source.connect(context.destination);
      const take = new Take(texts.say("sample_name", { language: nameOf(language, texts.language) }), rate);
      const session = new Session(this.server, options);
      round = runner.follow(session, take, { ...options, isMicrophone: false, doing: ["playing"] });
      let stopped = false;
      runner.run(async () => {
        stopped = true;
        source.stop();
        round.noteEnd(performance.now());
        await session.end();
      });
      source.start();
      await atTheSpeedOfSpeech(chunks, CHUNK_S, (chunk) => {
        if (!stopped && session.state !== "ended") {
          take.hear(chunk, performance.now());
          signs.hear(chunk, levelOf(chunk), take);
          session.send(chunk);
          round.watch();
        }
        return !stopped && session.state !== "ended";
      });
      round.noteEnd(performance.now());
      await session.end();
    } catch (error) {
      if (!(error instanceof GivenUp)) {
        notices.show(faultOfAnswer(error));
      }
    }
    await context.close();
    runner.finish(round);
  }

  async fetch(language) {
    const response = await fetch(new URL(`/samples/${language}.flac`, this.server), inTime(FETCH_MS));
    if (!response.ok) {
      throw new Error(`${response.url} answered ${response.status}`);
    }
    return response.blob();
  }
}

/**
 * Hand out chunks as if they were spoken now: each when its last sample would have been said.
 *
 * @param {Int16Array[]} chunks
 * @param {number} seconds length of a chunk
 * @param {(chunk: Int16Array) => boolean} give false: no more of them
 */
async function atTheSpeedOfSpeech(chunks, seconds, give) {
  const began = performance.now();
  for (const [i, chunk] of chunks.entries()) {
    const due = began + (i + 1) * seconds * 1000;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
    if (!give(chunk)) {
      return;
    }
  }
}
