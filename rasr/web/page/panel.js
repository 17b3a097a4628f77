/** The panel of settings: a dialog that shows each choice with what it means and its default. */

import { closeBeside, element } from "../shared/elements.js";
import { FIELDS, isAllowed } from "./choices.js";

export class Panel {
  /**
   * @param {Document} root
   * @param {import("../shared/texts.js").Texts} texts
   * @param {import("./choices.js").Choices} choices
   * @param {import("./languages.js").Offers} offers
   */
  constructor(root, texts, choices, offers) {
    this.dialog = root.querySelector("#panel");
    this.place = root.querySelector("#fields");
    this.advanced = root.querySelector("#advanced-fields");
    this.texts = texts;
    this.choices = choices;
    this.offers = offers;
    root.querySelector("#reset").addEventListener("click", () => {
      choices.reset();
      this.render();
    });
    closeBeside(this.dialog);
  }

  open() {
    this.render();
    this.dialog.showModal();
  }

  /** True if the engine of the chosen language can prefer words. */
  get hotWords() {
    return this.offers.find(this.choices.values.property)?.hot_words ?? true;
  }

  /** What the server serves has become known: what a person is about to write stays as it is. */
  follow() {
    const words = this.dialog.querySelector("#choice-user_words");
    words.disabled = !this.hotWords;
    this.dialog.querySelector("#help-user_words").textContent = this.help(FIELDS.find(({ name }) => name === "user_words"));
  }

  render() {
    const shown = FIELDS.filter(({ beside }) => !beside);
    for (const [place, isAdvanced] of [[this.place, false], [this.advanced, true]]) {
      const fields = shown.filter(({ advanced = false }) => advanced === isAdvanced);
      place.replaceChildren(...fields.map((field) => this.field(field)));
    }
  }

  field(field) {
    const { name } = field;
    const box = element("div", { className: `field ${field.kind}` });
    const label = element("label", { htmlFor: `choice-${name}`, textContent: this.texts.say(name) });
    const input = this.input(field);
    input.id = `choice-${name}`;
    const help = element("p", { className: "fine", id: `help-${name}`, textContent: this.help(field) });
    const fault = element("p", { className: "fault", id: `fault-${name}`, hidden: true });
    input.setAttribute("aria-describedby", `${help.id} ${fault.id}`);
    input.addEventListener("change", () => this.take(field, input, fault));
    box.append(...(field.kind === "switch" ? [input, label] : [label, input]), help, fault);
    if (name === "caption_channel") {
      box.hidden = !this.choices.values.captions;
      box.append(this.captionsLink());
    }
    return box;
  }

  captionsLink() {
    const href = new URL(`/captions/${this.choices.values.caption_channel}`, location.href).href;
    return element("a", { href, target: "_blank", rel: "noopener", textContent: href });
  }

  input(field) {
    const value = this.choices.values[field.name];
    switch (field.kind) {
      case "number":
        return element("input", { type: "number", value, min: field.min, max: field.max, step: field.step });
      case "switch":
        return element("input", { type: "checkbox", checked: value });
      case "name":
        return element("input", { type: "text", value, maxLength: 64, spellcheck: false, autocomplete: "off" });
      default:
        return element("textarea", { value, rows: 3, spellcheck: false, disabled: !this.hotWords });
    }
  }

  help({ name, kind, initial }) {
    if (name === "user_words" && !this.hotWords) {
      return this.texts.say("user_words_none");
    }
    const help = this.texts.say(`${name}_help`);
    if (initial === "") {
      return help;
    }
    const value = kind === "switch" ? this.texts.say(initial ? "on" : "off") : initial;
    // Chinese sentences follow one another without a space.
    return [help, this.texts.say("default", { value })].join(this.texts.language === "zh" ? "" : " ");
  }

  take(field, input, fault) {
    const value =
      field.kind === "switch" ? input.checked : field.kind === "number" ? input.valueAsNumber : input.value;
    const fits = isAllowed(field, value);
    fault.hidden = fits;
    input.setAttribute("aria-invalid", String(!fits));
    if (fits) {
      this.choices.change({ [field.name]: value });
      // What other fields show may hang on this one.
      if (field.kind !== "number" && field.kind !== "lines") {
        this.render();
        this.dialog.querySelector(`#${input.id}`).focus();
      }
    } else {
      fault.textContent = this.texts.say(field.kind === "name" ? "not_a_name" : "not_a_number", field);
    }
  }
}
