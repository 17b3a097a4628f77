/** The panel of settings: a dialog that shows every choice with what it means and its default. */

import { FIELDS, initialChoices, isAllowed } from "./choices.js";

export class Panel {
  /**
   * @param {Document} root
   * @param {import("./texts.js").Texts} texts
   * @param {(choices: object) => void} onChange
   */
  constructor(root, texts, onChange) {
    this.dialog = root.querySelector("#panel");
    this.place = root.querySelector("#fields");
    this.texts = texts;
    this.onChange = onChange;
    this.choices = initialChoices();
    /** @type {import("../client/rasr.js").Offer[]} */
    this.offers = [];
    root.querySelector("#reset").addEventListener("click", () => {
      this.change({ ...initialChoices(), property: this.choices.property });
      this.render();
    });
    this.dialog.addEventListener("click", ({ target }) => {
      if (target === this.dialog) {
        this.dialog.close();
      }
    });
  }

  open() {
    this.render();
    this.dialog.showModal();
  }

  set(choices, offers) {
    this.choices = choices;
    this.offers = offers;
    this.render();
  }

  change(changed) {
    this.choices = { ...this.choices, ...changed };
    this.onChange(this.choices);
  }

  /** True if the engine of the chosen language can prefer words. */
  get hotWords() {
    return this.offers.find(({ property }) => property === this.choices.property)?.hot_words ?? true;
  }

  render() {
    this.place.replaceChildren(...FIELDS.map((field) => this.field(field)));
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
      box.hidden = !this.choices.captions;
      box.append(this.captionsLink());
    }
    return box;
  }

  captionsLink() {
    const href = new URL(`/captions/${this.choices.caption_channel}`, location.href).href;
    return element("a", { href, target: "_blank", rel: "noopener", textContent: href });
  }

  input(field) {
    const value = this.choices[field.name];
    switch (field.kind) {
      case "number":
        return element("input", { type: "number", value, min: field.min, max: field.max, step: field.step });
      case "switch":
        return element("input", { type: "checkbox", checked: value });
      case "name":
        return element("input", { type: "text", value, maxLength: 64, spellcheck: false, autocomplete: "off" });
      case "lines":
        return element("textarea", { value, rows: 3, spellcheck: false, disabled: !this.hotWords });
      default:
        return this.select(field, value);
    }
  }

  select({ name, options }, value) {
    const select = element("select", {});
    const texts = options
      ? options.map((option) => [option, this.texts.say(`${name}_${option}`)])
      : this.offers.map(({ property }) => [property, this.spoken(property)]);
    select.append(...texts.map(([option, textContent]) => element("option", { value: option, textContent })));
    select.value = value;
    return select;
  }

  /** A property as a person says it: "English", and the rest where it is not the usual one. */
  spoken(property) {
    const [language, rate, domain] = property.split("_");
    const names = new Intl.DisplayNames([this.texts.language], { type: "language" });
    const code = { english: "en", chinese: "zh", cantonese: "yue" }[language];
    const name = code === undefined ? language : names.of(code);
    const rest = [rate === "16k" ? "" : "8 kHz", domain === "common" ? "" : domain].filter(Boolean);
    return rest.length > 0 ? `${name} (${rest.join(", ")})` : name;
  }

  help({ name, kind, initial, options }) {
    if (name === "user_words" && !this.hotWords) {
      return this.texts.say("user_words_none");
    }
    const help = this.texts.say(`${name}_help`);
    if (initial === "") {
      return help;
    }
    const value =
      kind === "switch" ? this.texts.say(initial ? "on" : "off") : options ? this.texts.say(`${name}_${initial}`) : initial;
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
      this.change({ [field.name]: value });
      // What other fields show may hang on this one.
      if (field.kind !== "number" && field.kind !== "lines") {
        this.render();
        this.place.querySelector(`#${input.id}`).focus();
      }
    } else {
      fault.textContent = this.texts.say(field.kind === "name" ? "not_a_name" : "not_a_number", field);
    }
  }
}

function element(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}
