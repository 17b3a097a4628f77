/** What was done last can be undone: by the button of a message that stays a while, or by Ctrl-Z. */

/** For how long the message is shown, ms. */
const SHOWN_MS = 20_000;
const MOST_STEPS = 100;

export class Undo {
  /**
   * @param {Document} root
   * @param {import("../shared/texts.js").Texts} texts
   * @param {string} prefix of the ids of its elements
   */
  constructor(root, texts, prefix) {
    const find = (id) => root.querySelector(`#${prefix}${id}`);
    this.texts = texts;
    this.box = find("done");
    this.tab = this.box.closest("main");
    this.words = find("done-text");
    this.button = find("undo");
    /** @type {{revert: () => void}[]} the newest one last */
    this.steps = [];
    /** The text that is shown, and the step that its button undoes. */
    this.said = null;
    this.step = null;
    this.timer = null;
    this.button.addEventListener("click", () => this.undo(this.step));
    find("done-close").addEventListener("click", () => this.hide());
    root.addEventListener("keydown", (event) => {
      const isField = event.target.matches?.("input, textarea, select");
      // A capital letter with Caps Lock on.
      const isAsked = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z";
      if (isAsked && !isField && !this.tab.hidden && this.steps.length > 0) {
        event.preventDefault();
        this.undo();
      }
    });
  }

  /**
   * Tell what was done.
   * @param {string} key of the text that tells it
   * @param {() => void} revert
   * @param {number} keptMs for so long it can be undone, and the message is there; for ever if not given
   */
  did(key, revert, keptMs = Infinity) {
    const step = { revert };
    this.steps = [...this.steps, step].slice(-MOST_STEPS);
    this.show(key, step, keptMs === Infinity ? SHOWN_MS : keptMs);
    if (keptMs < Infinity) {
      setTimeout(() => this.forget(step), keptMs);
    }
  }

  /** Tell something that nobody can undo. */
  tell(key) {
    this.show(key, null, SHOWN_MS);
  }

  undo(step = this.steps.at(-1)) {
    this.forget(step);
    if (this.step !== null) {
      this.hide();
    }
    step.revert();
  }

  forget(step) {
    this.steps = this.steps.filter((one) => one !== step);
    if (this.step === step) {
      this.hide();
    }
  }

  /** What was done is of a text that is not here any more. */
  forgetAll() {
    this.steps = [];
    this.hide();
  }

  show(key, step, ms) {
    this.said = key;
    this.step = step;
    this.write();
    this.button.hidden = step === null;
    this.box.hidden = false;
    this.hideIn(ms);
  }

  hideIn(ms) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      // Nothing goes away from under a hand.
      if (this.box.matches(":hover, :focus-within")) {
        this.hideIn(SHOWN_MS);
      } else {
        this.hide();
      }
    }, ms);
  }

  hide() {
    clearTimeout(this.timer);
    this.said = null;
    this.step = null;
    this.words.textContent = "";
    this.box.hidden = true;
  }

  write() {
    if (this.said !== null) {
      this.words.textContent = this.texts.say(this.said);
    }
  }
}
