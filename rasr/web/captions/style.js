/** The form of the style editor: the parameters of a captions page's address. */

import { digitsOf } from "./look.js";
import { say } from "./texts.js";

/** "#fa0", "#fa08", "#ffaa00", "#ffaa0088" or "transparent" → [colour, opacity in hundredths]. */
function colourParts(value) {
  if (value === "transparent") return ["#000000", 0];
  const digits = digitsOf(value).toLowerCase();
  const alpha = digits.slice(6) || "ff";
  return [`#${digits.slice(0, 6)}`, Math.round((parseInt(alpha, 16) / 255) * 100)];
}

/** The other way round, in as few characters as say it. */
function colourOf(colour, opacity) {
  if (opacity === 0) return "transparent";
  if (opacity === 100) return colour;
  const alpha = Math.round((opacity / 100) * 255);
  return colour + alpha.toString(16).padStart(2, "0");
}

/**
 * The query of an address that has what differs from the defaults; "" where nothing does.
 * @param {Record<string, string>} look
 * @param {Record<string, string>} defaults
 */
export function queryOf(look, defaults) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(look)) {
    if (value !== defaults[name]) query.set(name, value.replace("#", ""));
  }
  const text = query.toString();
  return text && `?${text}`;
}

/** The fields; each has the name of its parameter. */
export class Style {
  /**
   * @param {HTMLFormElement} form
   * @param {() => void} changed called when a person has changed something
   */
  constructor(form, changed) {
    this.form = form;
    this.colours = new Map();
    for (const fieldset of form.querySelectorAll("[data-colour]")) this.addColour(fieldset);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => {
      this.writeOutputs();
      changed();
    });
  }

  /** What the fields say, as parameters; null while one of them has no value that is allowed. */
  get look() {
    if ([...this.fields()].some((field) => !field.validity.valid)) return null;
    const look = Object.fromEntries([...this.fields()].map((field) => [field.name, field.value]));
    for (const [name, { colour, opacity }] of this.colours) {
      look[name] = colourOf(colour.value, Number(opacity.value));
    }
    return look;
  }

  /** @param {Record<string, string>} look every parameter with its value */
  set look(look) {
    for (const field of this.fields()) field.value = look[field.name];
    for (const [name, { colour, opacity }] of this.colours) {
      [colour.value, opacity.value] = colourParts(look[name]);
    }
    this.writeOutputs();
  }

  fields() {
    return this.form.querySelectorAll("[name]");
  }

  addColour(fieldset) {
    const name = fieldset.dataset.colour;
    const colour = document.createElement("input");
    colour.type = "color";
    colour.ariaLabel = say("colour_label", { of: say(name) });
    const opacity = document.createElement("input");
    Object.assign(opacity, { type: "range", min: "0", max: "100", step: "5" });
    opacity.ariaLabel = say("opacity_label", { of: say(name) });
    const told = document.createElement("output");
    fieldset.append(colour, opacity, told);
    this.colours.set(name, { colour, opacity, told });
  }

  writeOutputs() {
    for (const told of this.form.querySelectorAll("[data-of]")) {
      const { value } = this.form.elements[told.dataset.of];
      told.textContent = told.dataset.of === "size" ? `${value} %` : value;
    }
    for (const { opacity, told } of this.colours.values()) told.textContent = `${opacity.value} %`;
  }
}
