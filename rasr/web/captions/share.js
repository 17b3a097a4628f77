/** The page that shares a channel's captions: their link, its QR code, and the look it carries. */

import { Style, queryOf } from "./style.js";
import { say } from "./texts.js";
import { encode } from "./uqr.js";

/** Each is what differs from the defaults, and the size of the screen that it is for. */
const PRESETS = {
  obs: { look: { status: "no" }, size: [1920, 1080] },
  projector: {
    look: { size: "9", lines: "3", position: "middle", box: "transparent", background: "#000000", hold: "30" },
    size: [1920, 1080],
  },
  phone: {
    look: { size: "4", lines: "8", align: "left", box: "transparent", background: "#000000", hold: "0" },
    size: [390, 844],
  },
};
/** A text is read with ease where its capitals are seen under an angle of 20 minutes of arc. */
const EASY_ANGLE = ((20 / 60) * Math.PI) / 180;
const CAPITAL = 0.7;
const SVG = "http://www.w3.org/2000/svg";

const { channel, defaults: written, ...asked } = document.body.dataset;
const defaults = JSON.parse(written);
const one = (selector) => document.querySelector(selector);

class SharePage {
  constructor() {
    this.writeTexts();
    this.preset = "obs";
    this.shown = null;
    this.style = new Style(one("#style"), () => this.update());
    for (const button of document.querySelectorAll("[data-preset]")) {
      button.addEventListener("click", () => this.choose(button.dataset.preset));
    }
    one("#reset").addEventListener("click", () => this.choose(this.preset));
    one("#fit").addEventListener("click", () => this.fit());
    one("#copy").addEventListener("click", () => void this.copy());
    one("#link").addEventListener("focus", ({ target }) => target.select());
    one("#here").hidden = !/^(localhost|127\.|\[::1\])|\.localhost$/.test(location.hostname);
    if (location.search === "") {
      this.choose("obs");
    } else {
      this.style.look = asked;
      this.update();
    }
  }

  writeTexts() {
    document.title = `${channel} · ${say("share_title")}`;
    for (const element of document.querySelectorAll("[data-text]")) {
      element.textContent = say(element.dataset.text, { channel });
    }
    for (const element of document.querySelectorAll("[data-label]")) {
      element.ariaLabel = say(element.dataset.label);
    }
    one("#preview").title = say("preview");
  }

  choose(preset) {
    this.preset = preset;
    this.style.look = { ...defaults, lang: this.style.look?.lang || asked.lang, ...PRESETS[preset].look };
    this.update();
  }

  /** Show what the fields say, everywhere. */
  update() {
    const [width, height] = PRESETS[this.preset].size;
    for (const button of document.querySelectorAll("[data-preset]")) {
      button.ariaPressed = button.dataset.preset === this.preset;
    }
    one("#stage").dataset.screen = this.preset;
    one("#use").textContent = say(`use_${this.preset}`, { width, height });
    this.advise();
    const look = this.style.look;
    if (look === null) return;
    const query = queryOf(look, defaults);
    if (query === this.shown) return;
    this.shown = query;
    const link = new URL(`../${channel}${query}`, location.href).href;
    one("#link").value = link;
    one("#open").href = link;
    one("#told").textContent = "";
    drawQr(one("#qr"), link);
    // Not a new entry of the history for each step of a slider.
    one("#preview").contentWindow.location.replace(new URL(`preview${query}`, location.href).href);
    history.replaceState(null, "", `share${query}`);
  }

  /** The size of letters that the last row of a room can read, where the fields say how far it is. */
  readable() {
    const screen = one("#screen");
    const distance = one("#distance");
    if (!screen.validity.valid || !distance.validity.valid || !screen.value || !distance.value) return null;
    const letter = (Number(distance.value) * Math.tan(EASY_ANGLE)) / CAPITAL;
    return Math.ceil((letter / Number(screen.value)) * 200) / 2;
  }

  advise() {
    const size = this.readable();
    const most = Number(this.style.form.elements.size.max);
    const fits = size !== null && size <= most;
    one("#fit").disabled = !fits;
    if (size === null) one("#advice").textContent = "";
    else one("#advice").textContent = say(fits ? "readable" : "too_far", { size, most });
  }

  fit() {
    const { size } = this.style.form.elements;
    size.value = this.readable();
    this.style.writeOutputs();
    this.update();
  }

  async copy() {
    const link = one("#link");
    let copied = true;
    try {
      await navigator.clipboard.writeText(link.value);
    } catch {
      // Browsers give the clipboard to secure pages alone; what is selected they still copy.
      link.select();
      copied = document.execCommand("copy");
    }
    one("#told").textContent = say(copied ? "copied" : "not_copied");
  }
}

function drawQr(svg, text) {
  const { data, size } = encode(text, { ecc: "M", border: 4 });
  const path = document.createElementNS(SVG, "path");
  const dark = data.flatMap((row, y) => row.flatMap((on, x) => (on ? [`M${x},${y}h1v1h-1z`] : [])));
  path.setAttribute("d", dark.join(""));
  svg.setAttribute("viewBox", `0 0 ${size} ${size}`);
  svg.replaceChildren(path);
}

new SharePage();
