/** A sentence is recognised with a table of hot words and without it, and the two texts are shown beside each other. */

import { Microphone } from "../client/microphone.js";
import { tellFault } from "../shared/busy.js";
import { element } from "../shared/elements.js";
import { nameOf } from "../shared/language_names.js";
import { faultOfMicrophone } from "../shared/microphone_faults.js";
import { decode } from "../shared/recordings.js";
import { tellApiFault } from "../shared/api.js";
import { difference } from "./difference.js";
import { MANDARIN } from "./vocabulary.js";
import { base64, wav } from "../shared/wav.js";

const RATE = 16_000;
/** One sentence has a minute at most. */
const MOST_S = 60;
/** A file that is sent as it is: base64 makes 4 MB of it, which is the most. */
const MOST_BYTES = 3_000_000;
/** For a slow model, or a server with much to do. */
const ANSWER_MS = 90_000;

export class Trial {
  /** @param {import("./main.js").Parts} parts */
  constructor({ root, texts, api, offers }) {
    Object.assign(this, { texts, api, offers });
    const find = (name) => root.querySelector(`#trial${name}`);
    this.place = find("");
    this.property = find("-property");
    this.hint = find("-hint");
    this.recorder = find("-record");
    this.opener = find("-open");
    this.level = find("-level");
    this.state = find("-state");
    this.fault = find("-fault");
    this.result = find("-result");
    this.without = find("-without");
    this.with = find("-with");
    /** @type {{id: string, language: string} | null} */
    this.vocabulary = null;
    /** "idle", "opening", "recording" or "recognising" */
    this.doing = "idle";
    this.microphone = null;
    /** Of a table that was left meanwhile nothing is shown. */
    this.round = 0;
    /** @type {[string, string] | null} the texts without and with the words */
    this.heard = null;
    this.recorder.addEventListener("click", () => void (this.doing === "recording" ? this.stop() : this.record()));
    this.opener.addEventListener("click", () => this.doing === "idle" && file.click());
    const file = find("-file");
    file.addEventListener("change", () => {
      const [chosen] = file.files;
      file.value = "";
      void this.open(chosen);
    });
    this.property.addEventListener("change", () => this.writeHint());
  }

  /** @param {{vocabulary_id: string, language: string} | null} table null: it is not saved yet */
  of(table) {
    const id = table?.vocabulary_id ?? null;
    if (id !== (this.vocabulary?.id ?? null)) {
      this.reset();
    }
    this.vocabulary = id === null ? null : { id, language: table.language };
    this.place.hidden = id === null;
    this.write();
  }

  reset() {
    this.round += 1;
    void this.microphone?.close();
    this.microphone = null;
    this.heard = null;
    this.say("idle");
    tellFault(this.fault, null);
    this.write();
  }

  say(doing) {
    this.doing = doing;
    this.level.hidden = doing !== "recording";
    const { texts } = this;
    this.recorder.textContent = texts.say(doing === "recording" ? "trial_stop" : "trial_record");
    for (const button of [this.recorder, this.opener]) {
      const isFree = doing === "idle" || (doing === "recording" && button === this.recorder);
      button.setAttribute("aria-disabled", String(!isFree));
    }
    this.state.textContent = doing === "idle" ? "" : texts.say(`trial_${doing}`);
  }

  write() {
    const language = this.vocabulary?.language === MANDARIN ? "chinese" : this.vocabulary?.language;
    const chosen = this.property.value;
    const fits = (one) => Number(one.language === language) * 2 + Number(one.hot_words);
    const sorted = [...this.offers.properties].sort((a, b) => fits(b) - fits(a));
    const name = ({ property, language: spoken, model }) => `${nameOf(spoken, this.texts.language)} – ${property} (${model})`;
    this.property.replaceChildren(...sorted.map((one) => element("option", { value: one.property, textContent: name(one) })));
    if (sorted.some(({ property }) => property === chosen)) {
      this.property.value = chosen;
    }
    this.writeHint();
    this.say(this.doing);
    this.drawTexts();
  }

  writeHint() {
    const offer = this.offers.properties.find(({ property }) => property === this.property.value);
    this.hint.textContent = offer === undefined || offer.hot_words ? "" : this.texts.say("trial_no_words");
  }

  async record() {
    if (this.doing !== "idle") {
      return;
    }
    tellFault(this.fault, null);
    this.say("opening");
    const round = ++this.round;
    const chunks = [];
    let samples = 0;
    try {
      const microphone = await Microphone.open({
        rate: RATE,
        onChunk: (chunk, level) => {
          chunks.push(chunk);
          samples += chunk.length;
          this.level.value = Math.min(1, level * 4);
          if (samples >= MOST_S * RATE && this.doing === "recording") {
            void this.stop();
          }
        },
        onGone: () => void this.stop(),
      });
      if (round !== this.round) {
        await microphone.close();
        return;
      }
      this.microphone = microphone;
      this.chunks = chunks;
      this.say("recording");
    } catch (error) {
      if (round === this.round) {
        const { name, values } = faultOfMicrophone(error);
        this.say("idle");
        tellFault(this.fault, ["", "_do"].map((part) => this.texts.say(`${name}${part}`, values)).join(" "));
      }
    }
  }

  async stop() {
    const { microphone, chunks, round } = this;
    if (microphone === null) {
      return;
    }
    this.microphone = null;
    this.say("recognising");
    await microphone.close();
    if (round === this.round) {
      await this.recognise(() => wav(chunks, RATE), "wav");
    }
  }

  /** @param {File} file */
  async open(file) {
    tellFault(this.fault, null);
    this.round += 1;
    this.say("recognising");
    if (file.size <= MOST_BYTES) {
      await this.recognise(async () => new Uint8Array(await file.arrayBuffer()), "auto");
      return;
    }
    // A film, or sound of a studio: its speech alone may be short enough.
    const { round } = this;
    let chunks;
    try {
      chunks = await decode(file, RATE);
    } catch {
      chunks = null;
    }
    const samples = chunks?.reduce((sum, chunk) => sum + chunk.length, 0) ?? 0;
    if (round !== this.round) {
      return;
    }
    if (chunks === null || samples > MOST_S * RATE) {
      this.say("idle");
      tellFault(this.fault, this.texts.say(chunks === null ? "trial_unreadable" : "trial_long", { name: file.name }));
      return;
    }
    await this.recognise(() => wav(chunks, RATE), "wav");
  }

  async recognise(sound, format) {
    const { round, vocabulary } = this;
    const property = this.property.value;
    try {
      const data = base64(await sound());
      const ask = async (more) => {
        const document = { config: { audio_format: format, property, ...more }, data };
        return (await this.api.ask("asr/short-audio", { method: "POST", document, ms: ANSWER_MS })).result.text;
      };
      const heard = await Promise.all([ask({}), ask({ vocabulary_id: vocabulary.id })]);
      if (round !== this.round) {
        return;
      }
      this.heard = heard;
      this.say("idle");
      this.drawTexts();
      this.state.textContent = this.texts.say(heard[0] === heard[1] ? "trial_same" : "trial_differ");
    } catch (error) {
      if (round !== this.round) {
        return;
      }
      this.say("idle");
      tellApiFault(this.fault, this.texts, error);
    }
  }

  drawTexts() {
    this.result.hidden = this.heard === null;
    if (this.heard !== null) {
      const [before, after] = this.heard;
      const pieces = difference(before, after);
      this.fill(this.without, pieces.before, "del");
      this.fill(this.with, pieces.after, "ins");
    }
  }

  fill(place, pieces, tag) {
    const nothing = element("span", { className: "fine", textContent: this.texts.say("trial_nothing") });
    // The blank before a word is no part of the difference.
    const shown = pieces.flatMap(({ text, isSame }) => (isSame ? [text] : [/^\s*/.exec(text)[0], element(tag, { textContent: text.trim() })]));
    place.replaceChildren(...(pieces.length === 0 ? [nothing] : shown));
  }
}
