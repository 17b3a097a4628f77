/** A piece of the console that shows what the server says: loading, there, or why not; it recovers by itself. */

import { element } from "../shared/elements.js";
import { ApiFault } from "../shared/api.js";

const FIRST_RETRY_MS = 2000;
const LAST_RETRY_MS = 30_000;

/** How long to wait before the try after so many that failed. */
export function retryAfter(failures) {
  return Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
}

export class Pane {
  /**
   * @param {HTMLElement} place
   * @param {import("../shared/texts.js").Texts} texts
   * @param {import("../shared/account.js").Account} account
   * @param {object} calls
   * @param {() => Promise<any>} calls.load asks the server; throws ApiFault
   * @param {(data: any) => void} calls.draw shows what came, into `content`
   * @param {() => void} [calls.clear] takes it away again
   * @param {number | null} [calls.every] ms after which it is asked anew, while somebody looks
   */
  constructor(place, texts, account, { load, draw, clear, every = null }) {
    Object.assign(this, { place, texts, account, load, draw, every });
    this.clear = clear ?? (() => this.content.replaceChildren());
    this.content = place.querySelector(".pane-content") ?? element("div", { className: "pane-content" });
    this.content.hidden = true;
    this.state = element("div", { className: "pane-state", hidden: true });
    place.append(this.state, this.content);
    this.isOpen = false;
    this.isLoading = false;
    this.data = null;
    /** @type {ApiFault | null} */
    this.fault = null;
    this.failures = 0;
    this.timer = null;
    /** Answers to older questions are not shown. */
    this.round = 0;
    document.addEventListener("visibilitychange", () => this.look());
  }

  /** Somebody looks at it. */
  open() {
    this.isOpen = true;
    if (this.data === null || this.every !== null || this.fault !== null) {
      void this.reload();
    } else {
      this.render();
    }
  }

  close() {
    this.isOpen = false;
    this.round += 1;
    clearTimeout(this.timer);
  }

  /** Forget what came: it was of somebody else, or of something else. */
  reset() {
    this.close();
    this.data = this.fault = null;
    this.failures = 0;
    this.isLoading = false;
    this.clear();
    this.render();
  }

  look() {
    clearTimeout(this.timer);
    if (this.isOpen && !document.hidden && (this.every !== null || this.fault?.passes)) {
      void this.reload();
    }
  }

  async reload() {
    const round = ++this.round;
    clearTimeout(this.timer);
    this.isLoading = true;
    this.place.ariaBusy = "true";
    this.renderState();
    try {
      const data = await this.load();
      if (round !== this.round) {
        return;
      }
      this.data = data;
      this.fault = null;
      this.failures = 0;
      this.plan(this.every);
    } catch (error) {
      if (!(error instanceof ApiFault)) {
        throw error;
      }
      if (round !== this.round) {
        return;
      }
      this.fault = error;
      this.failures += 1;
      this.plan(error.passes ? retryAfter(this.failures) : null);
    } finally {
      if (round === this.round) {
        this.isLoading = false;
        this.render();
      }
    }
  }

  plan(ms) {
    if (ms !== null && this.isOpen && !document.hidden) {
      this.timer = setTimeout(() => void this.reload(), ms);
    }
  }

  render() {
    this.place.ariaBusy = String(this.isLoading);
    // What came before stays in sight, below what is wrong now; of a right that is gone nothing stays.
    this.content.hidden = this.data === null || (this.fault !== null && !this.fault.passes);
    if (!this.content.hidden) {
      try {
        this.draw(this.data);
      } catch (error) {
        this.giveUp();
        reportError(error);
      }
    }
    this.renderState();
  }

  /** What came cannot be shown, such as what a proxy answers in place of the server: it is asked for anew. */
  giveUp() {
    this.data = null;
    this.content.hidden = true;
    this.fault = new ApiFault("down", { code: "200", message: "200", request: "" });
    this.failures += 1;
    clearTimeout(this.timer);
    this.plan(retryAfter(this.failures));
  }

  renderState() {
    const { fault } = this;
    const shown = fault === null ? (this.data === null && this.isLoading ? "loading" : "") : `${fault.kind} ${fault.values.code ?? ""} ${this.texts.language}`;
    if (this.state.dataset.shown === shown) {
      return;
    }
    const hadFocus = this.state.contains(document.activeElement);
    this.state.dataset.shown = shown;
    this.state.hidden = shown === "";
    this.state.replaceChildren();
    if (fault !== null) {
      this.state.append(this.box(fault));
    } else if (shown === "loading") {
      this.state.append(element("p", { className: "fine", textContent: this.texts.say("loading") }));
    }
    if (hadFocus) {
      (this.state.querySelector("button") ?? this.place.closest("section").querySelector("h2")).focus();
    }
  }

  box({ kind, values, passes }) {
    const { texts } = this;
    const box = element("div", { className: passes ? "notice mild" : "notice", role: passes ? "status" : "alert" });
    box.dataset.kind = kind;
    const words = element("div", {});
    words.append(
      element("strong", { textContent: texts.say(`fault_${kind}`, values) }),
      element("span", { textContent: texts.say(`fault_${kind}_do`, values) }),
    );
    box.append(words, this.button(kind));
    return box;
  }

  button(kind) {
    const isSignIn = kind === "signed_out";
    const button = element("button", { type: "button", className: "small", textContent: this.texts.say(isSignIn ? "sign_in_title" : "try_again") });
    button.addEventListener("click", async () => {
      // The account tells everybody of a new sign-in.
      if (!isSignIn || (await this.account.ask(this.account.held === null ? "needed" : "expired"))) {
        await this.reload();
      }
    });
    return button;
  }
}
