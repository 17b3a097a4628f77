/** Who speaks, and how: the voices that the server has, the sliders, and what would be better. */

import { ApiFault } from "../shared/api.js";
import { element } from "../shared/elements.js";
import { nameOf } from "../shared/language_names.js";
import { VOICE_FIELDS, languageOfText, voiceFor } from "./voice_choices.js";

/** A server that is measuring its voices is asked again after so long, ms, so often at most. */
const AGAIN_MS = 2000;
const MOST_AGAIN = 60;
/** Understood well, and nobody takes it for a person. */
const ROBOT = "espeak-ng";
/** Texts on what a voice lacks of an official speaker, each by what it is. */
const LACKS = "say_lacks";

const SLIDERS = VOICE_FIELDS.filter(({ kind }) => kind === "number");

export class VoiceChooser {
  /**
   * @param {Document} root
   * @param {object} parts of the page
   * @param {import("../shared/texts.js").Texts} parts.texts
   * @param {import("./choices.js").Choices} parts.choices
   * @param {import("./notices.js").Notices} parts.notices
   * @param {import("../shared/api.js").Api} parts.api
   * @param {() => string} textOf what is to be spoken
   */
  constructor(root, { texts, choices, notices, api }, textOf) {
    Object.assign(this, { texts, choices, notices, api, textOf });
    this.select = root.querySelector("#say-property");
    this.facts = root.querySelector("#say-facts");
    this.sliders = root.querySelector("#say-sliders");
    /** @type {import("../client/rasr.js").Voices} */
    this.offered = { voices: [], official: [], models: [], default: "" };
    this.isLoaded = false;
    this.timer = null;
    this.select.addEventListener("change", () => choices.change({ property: this.select.value }));
    root.querySelector("#say-reset").addEventListener("click", () => choices.reset());
    choices.addEventListener("change", () => this.render());
  }

  /** The voices anew, once the tab is looked at; the server gets ready to speak meanwhile. */
  async load(again = MOST_AGAIN) {
    clearTimeout(this.timer);
    try {
      this.offered = await this.api.ask("tts/voices");
      this.isLoaded = true;
      this.notices.dismiss("gone");
      const { property } = this.choices.values;
      if (![...this.offered.voices, ...this.offered.official].some(({ name }) => name === property)) {
        // It is not here any more.
        this.choices.suppose({ property: "" });
      }
    } catch (error) {
      if (!(error instanceof ApiFault)) {
        throw error;
      }
      this.notices.show(faultOfList(error));
    }
    if (again > 0 && this.offered.voices.some(({ real_time }) => real_time === null)) {
      this.timer = setTimeout(() => void this.load(again - 1), AGAIN_MS);
    }
    this.render();
  }

  /** Who will speak: a voice that is here. Undefined where that is not known. */
  get voice() {
    const { property } = this.choices.values;
    const { voices, official } = this.offered;
    const named = property || voiceFor(this.textOf(), voices);
    const name = official.find((one) => one.name === named)?.voice ?? named;
    return voices.find((one) => one.name === name);
  }

  render() {
    this.renderVoices();
    this.renderSliders();
    this.follow();
  }

  /** The text is another one, and so may its reader be. */
  follow() {
    const { voice, texts } = this;
    this.facts.textContent = voice === undefined ? "" : this.about(voice);
    const model = voice?.engine === ROBOT && this.offered.models.find(({ languages }) => languages.includes(this.languageOf(voice)));
    const size = model?.download_mb ? ` (${model.download_mb} MB)` : "";
    this.notices.advise(model ? [{ name: "robotic", values: { better: model.name, size, voice: voice.name, language: nameOf(this.languageOf(voice), texts.language) }, command: model.command }] : []);
  }

  /** What a voice will speak now. */
  languageOf({ languages }) {
    const wanted = languageOfText(this.textOf() || this.texts.say("say_sample_text"));
    return languages.includes(wanted) ? wanted : languages[0];
  }

  about({ name, languages, gender, age, engine, model, sample_rate, real_time, cost }) {
    const { texts } = this;
    const values = {
      name,
      person: texts.say(`say_${age === "child" ? "child" : gender}`),
      languages: languages.map((one) => nameOf(one, texts.language)),
      engine: model ?? engine,
      khz: texts.number(sample_rate / 1000, 1),
    };
    const pace = real_time === null ? "say_unmeasured" : real_time ? "say_quick" : "say_slow";
    const lacks = this.offered.official.find((one) => one.name === this.choices.values.property)?.lacks ?? [];
    const sentences = [
      texts.say("say_facts", values),
      texts.say(pace, { cost: texts.number(cost ?? 0, 3) }),
      ...lacks.map((lack) => texts.say(`${LACKS}_${lack}`)),
    ];
    return sentences.join(texts.language === "zh" ? "" : " ");
  }

  renderVoices() {
    const { texts, select, offered } = this;
    const groups = [
      ["say_voices", offered.voices.map((one) => [one.name, this.labelled(one)])],
      ["say_official", offered.official.filter(({ voice }) => voice !== null).map(({ name, voice }) => [name, `${name} → ${voice}`])],
    ];
    const wanted = JSON.stringify([texts.language, groups]);
    // Written only where it differs: an open list would close.
    if (select.dataset.options !== wanted) {
      select.dataset.options = wanted;
      select.replaceChildren(new Option(texts.say("say_any"), ""));
      for (const [key, options] of groups.filter(([, listed]) => listed.length > 0)) {
        const group = element("optgroup", { label: texts.say(key) });
        group.append(...options.map(([value, text]) => new Option(text, value)));
        select.append(group);
      }
    }
    select.value = this.choices.values.property;
  }

  labelled({ name, languages, gender, age, real_time }) {
    const { texts } = this;
    const person = texts.say(`say_${age === "child" ? "child" : gender}`);
    const spoken = languages.map((one) => nameOf(one, texts.language)).join(", ");
    return `${name} · ${person} · ${spoken}${real_time === false ? ` · ${texts.say("say_too_slow")}` : ""}`;
  }

  renderSliders() {
    if (this.sliders.childElementCount === 0) {
      this.sliders.append(...SLIDERS.map((field) => this.slider(field)));
    }
    for (const { name } of SLIDERS) {
      const input = this.sliders.querySelector(`#say-${name}`);
      const value = this.choices.values[name];
      input.value = value;
      this.sliders.querySelector(`label[for="say-${name}"]`).textContent = this.texts.say(`say_${name}`);
      this.tell(input);
    }
  }

  slider({ name, min, max, step }) {
    const box = element("div", { className: "field" });
    const head = element("div", { className: "state" });
    const input = element("input", { type: "range", id: `say-${name}`, min, max, step });
    head.append(element("label", { htmlFor: input.id }), element("output", { htmlFor: input.id }));
    // What it is while it moves is told; what is chosen is where it stays.
    input.addEventListener("input", () => this.tell(input));
    input.addEventListener("change", () => this.choices.change({ [name]: input.valueAsNumber }));
    box.append(head, input);
    return box;
  }

  tell(input) {
    input.parentElement.querySelector("output").textContent = input.value;
  }
}

/** @param {ApiFault} error */
function faultOfList({ kind, values }) {
  switch (kind) {
    case "gone":
    case "unanswered":
      return { name: kind };
    case "signed_out":
      return { name: "sign_in" };
    case "forbidden":
      return { name: "not_allowed", values };
    default:
      return { name: "say_refused", values };
  }
}
