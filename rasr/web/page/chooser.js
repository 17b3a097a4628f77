/** What stands beside the button: language, model and mode of the next recognition. */

import { languageOf, nameOf } from "../shared/language_names.js";
import { FIELDS } from "./choices.js";

const MODES = FIELDS.find(({ name }) => name === "mode").options;

export class Chooser {
  /**
   * @param {Document} root
   * @param {import("../shared/texts.js").Texts} texts
   * @param {import("./choices.js").Choices} choices
   * @param {import("./languages.js").Offers} offers
   * @param {string} prefix of the ids of its elements
   */
  constructor(root, texts, choices, offers, prefix) {
    const find = (id) => root.querySelector(`#${prefix}${id}`);
    this.texts = texts;
    this.choices = choices;
    this.offers = offers;
    this.inUse = null;
    this.box = find("choose");
    this.language = find("choice-language");
    this.property = find("choice-property");
    this.model = find("model");
    /** Null where there is one mode alone. */
    this.mode = find("choice-mode");
    this.language.addEventListener("change", () => {
      choices.change({ property: offers.ofLanguage(this.language.value)[0].property });
    });
    this.property.addEventListener("change", () => choices.change({ property: this.property.value }));
    this.mode?.addEventListener("change", () => choices.change({ mode: this.mode.value }));
    choices.addEventListener("change", () => this.render());
  }

  /**
   * What is chosen holds from the next start, so nothing can be chosen while one lasts.
   *
   * @param {string | null} property that is in use, which of a sample may be another than the chosen
   *   one; null: none is, and there is a choice
   */
  lock(property) {
    this.inUse = property;
    for (const select of this.box.querySelectorAll("select")) {
      select.disabled = property !== null;
    }
    this.render();
  }

  render() {
    const { mode } = this.choices.values;
    const property = this.inUse ?? this.choices.values.property;
    const language = languageOf(property);
    const served = this.offers.served.map((one) => [one, nameOf(one, this.texts.language)]);
    fill(this.language, served, language);
    const models = this.offers.ofLanguage(language);
    fill(this.property, models.map((one) => [one.property, described(one, models)]), property);
    if (this.mode !== null) {
      fill(this.mode, MODES.map((one) => [one, this.texts.say(`mode_${one}`)]), mode);
    }
    // Where there is nothing to choose, the name alone is said.
    this.property.hidden = models.length < 2;
    this.model.hidden = !this.property.hidden;
    this.model.textContent = models[0]?.model ?? "–";
  }
}

/** A property as a person tells it from others of its language: its model, and what else differs. */
function described({ property, model }, others) {
  const [, rate, domain] = property.split("_");
  const differs = (of) => new Set(others.map(of)).size > 1;
  const rest = [
    differs((one) => one.property.split("_")[1]) && `${parseInt(rate, 10)} kHz`,
    differs((one) => one.property.split("_")[2]) && domain,
  ].filter(Boolean);
  return rest.length > 0 ? `${model} (${rest.join(", ")})` : model;
}

/** Options of a select, written only where they differ: an open list would close. */
export function fill(select, options, chosen) {
  const wanted = JSON.stringify(options);
  if (select.dataset.options !== wanted) {
    select.dataset.options = wanted;
    select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
  }
  select.value = chosen;
}
