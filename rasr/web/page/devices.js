/** Which microphone: named ones to choose from, as soon as the browser tells their names. */

import { fill } from "./chooser.js";

const KEY = "rasr.microphone";
/** Names that Chromium gives to what the system has chosen; the first entry of the list is that. */
const ALIASES = new Set(["", "default", "communications"]);

export class Devices {
  /**
   * @param {Document} root
   * @param {import("../shared/texts.js").Texts} texts
   * @param {import("../shared/storage.js").PageStorage} storage
   * @param {(name: string) => void} onPlugged a microphone that was not there has come
   */
  constructor(root, texts, storage, onPlugged) {
    this.texts = texts;
    this.storage = storage;
    this.box = root.querySelector("#microphones");
    this.select = root.querySelector("#choice-microphone");
    this.chosen = storage.getItem(KEY) ?? "";
    /** @type {MediaDeviceInfo[]} */
    this.found = [];
    this.select.addEventListener("change", () => {
      this.chosen = this.select.value;
      storage.setItem(KEY, this.chosen);
    });
    // A page without https has no devices at all.
    navigator.mediaDevices?.addEventListener("devicechange", async () => {
      const known = new Set(this.found.map(({ deviceId }) => deviceId));
      await this.refresh();
      const fresh = this.found.find(({ deviceId }) => !known.has(deviceId));
      if (known.size > 0 && fresh) {
        onPlugged(fresh.label);
      }
    });
  }

  /** Look which there are. Names are told once the microphone has been allowed. */
  async refresh() {
    const all = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    this.found = all.filter(
      ({ kind, deviceId, label }) => kind === "audioinput" && label !== "" && !ALIASES.has(deviceId),
    );
    this.render();
  }

  /** @returns {MediaTrackConstraints} the chosen one where it is there, else any */
  get constraints() {
    // Not `exact`: Firefox tells which there are only while one is open.
    return this.chosen === "" ? {} : { deviceId: this.chosen };
  }

  get isThere() {
    return this.found.some(({ deviceId }) => deviceId === this.chosen);
  }

  render() {
    this.box.hidden = this.found.length === 0;
    const named = this.found.map(({ deviceId, label }) => [deviceId, label]);
    fill(this.select, [["", this.texts.say("microphone_system")], ...named], this.isThere ? this.chosen : "");
  }
}
