/** The signs around the button: what is going on, how loud it is, whether the server hears speech. */

/** Softest level that the meter shows, dB below full scale. */
const FLOOR_DB = -60;

export class Signs {
  /** @param {Document} root @param {import("./texts.js").Texts} texts */
  constructor(root, texts) {
    this.texts = texts;
    this.body = root.body;
    this.button = root.querySelector("#talk");
    this.buttonName = root.querySelector("#talk-name");
    this.status = root.querySelector("#status");
    this.sound = root.querySelector("#sound");
    this.level = root.querySelector("#level");
    this.voice = root.querySelector("#voice");
    this.progress = root.querySelector("#progress");
    this.latency = root.querySelector("#latency");
    /** What is shown, to be written again in the other language. */
    this.said = { status: ["ready"], voice: ["voice_unknown"], latency: null };
  }

  /** @param {"idle" | "starting" | "running" | "ending"} state @param {boolean} isMicrophone */
  showState(state, isMicrophone) {
    this.body.dataset.state = state;
    this.sound.hidden = state === "idle" || !isMicrophone;
    this.progress.hidden = state === "idle" || isMicrophone;
    // Not `disabled`: that would take the focus away from who has just pressed it.
    this.button.setAttribute("aria-disabled", String(state === "starting" || state === "ending"));
    if (state === "idle") {
      this.showLevel(0);
    }
    this.write();
  }

  say(part, key, values) {
    this.said[part] = [key, values];
    this.write();
  }

  write() {
    for (const [part, words] of Object.entries(this.said)) {
      const text = words === null ? "" : this.texts.say(...words);
      // A live region speaks whenever it is written to.
      if (this[part].textContent !== text) {
        this[part].textContent = text;
      }
    }
    const isIdle = (this.body.dataset.state ?? "idle") === "idle";
    this.buttonName.textContent = this.texts.say(isIdle ? "start" : "stop");
  }

  /** @param {number} rms 0 to 1 */
  showLevel(rms) {
    const level = rms > 0 ? Math.max(0, 1 - (20 * Math.log10(rms)) / FLOOR_DB) : 0;
    this.level.value = level;
    this.button.style.setProperty("--level", level.toFixed(2));
  }

  /** @param {"speech" | "silence" | "unknown"} heard */
  showVoice(heard) {
    this.voice.dataset.heard = heard;
    this.say("voice", `voice_${heard}`);
  }
}
