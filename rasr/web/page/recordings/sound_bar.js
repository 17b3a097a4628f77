/** The sound of a recording as a bar: its waveform, or where somebody speaks, in the colours of the speakers. */

import { duration } from "../../shared/durations.js";
import { fill } from "../chooser.js";
import { COLOURS } from "../speakers.js";
import { loudnessOf } from "../waveform.js";
import { PEAKS } from "./peaks.js";

const BAR_PX = 2;
const GAP_PX = 1;
/** How tall speech is where there is no waveform, and silence, of the whole. */
const SPEECH_HEIGHT = 0.6;
const SILENCE_HEIGHT = 0.08;
/** What is still to be heard is fainter. */
const FAINT = 0.45;
const SPEEDS = [0.75, 1, 1.25, 1.5, 2];
/** By the arrow keys. */
const STEP_MS = 5000;

export class SoundBar {
  /**
   * @param {Document} root
   * @param {import("../../shared/texts.js").Texts} texts
   * @param {import("./recording_playback.js").RecordingPlayback} playback
   * @param {(ms: number) => void} onPlace a person has chosen a place
   */
  constructor(root, texts, playback, onPlace) {
    const find = (id) => root.querySelector(`#recording-${id}`);
    this.texts = texts;
    this.playback = playback;
    this.canvas = find("waveform");
    this.place = find("place");
    this.clock = find("clock");
    this.button = find("play");
    this.speed = find("speed");
    /** Elements with the colours of the speakers. @type {HTMLElement[]} */
    this.colours = [...root.querySelectorAll("#recording-colours span")];
    this.lengthMs = 0;
    /** @type {Float32Array | null} */
    this.peaks = null;
    /** @type {{from: number, to: number, speaker: number}[]} in ms */
    this.speech = [];
    this.frame = null;
    const { audio } = playback;
    this.button.addEventListener("click", () => (audio.paused ? playback.resume() : playback.stop()));
    this.place.addEventListener("input", () => this.choose(this.place.valueAsNumber, onPlace));
    this.place.addEventListener("keydown", (event) => this.press(event, onPlace));
    this.speed.addEventListener("change", () => {
      audio.playbackRate = Number(this.speed.value);
    });
    for (const type of ["play", "pause"]) {
      audio.addEventListener(type, () => this.write());
    }
    playback.onTime = (ms) => this.showTime(ms);
    new ResizeObserver(() => this.drawSoon()).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.drawSoon());
    new MutationObserver(() => this.drawSoon()).observe(root.documentElement, { attributeFilter: ["data-theme"] });
  }

  /**
   * @param {number} lengthMs
   * @param {{from: number, to: number, speaker: number}[]} speech
   */
  show(lengthMs, speech) {
    this.lengthMs = lengthMs;
    this.speech = speech;
    this.peaks = null;
    this.place.max = lengthMs;
    this.showTime(0);
    this.drawSoon();
  }

  showPeaks(peaks) {
    this.peaks = peaks;
    this.drawSoon();
  }

  press(event, onPlace) {
    const steps = { ArrowRight: STEP_MS, ArrowUp: STEP_MS, ArrowLeft: -STEP_MS, ArrowDown: -STEP_MS }[event.key];
    if (steps !== undefined) {
      event.preventDefault();
      this.choose(Math.min(Math.max(0, this.place.valueAsNumber + steps), this.lengthMs), onPlace);
    }
  }

  choose(ms, onPlace) {
    // Without sound nobody else tells the time.
    this.showTime(ms);
    onPlace(ms);
  }

  showTime(ms) {
    this.place.value = ms;
    const now = duration(this.place.valueAsNumber / 1000);
    const text = `${now} / ${duration(this.lengthMs / 1000)}`;
    if (this.clock.textContent !== text) {
      this.clock.textContent = text;
      this.place.setAttribute("aria-valuetext", now);
    }
    this.drawSoon();
  }

  write() {
    const { paused, playbackRate } = this.playback.audio;
    this.button.setAttribute("aria-label", this.texts.say(paused ? "recording_play" : "recording_pause"));
    this.button.dataset.playing = String(!paused);
    fill(this.speed, SPEEDS.map((one) => [String(one), `${this.texts.number(one, 2)} ×`]), String(playbackRate));
  }

  drawSoon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  draw() {
    const { canvas } = this;
    const density = window.devicePixelRatio;
    canvas.width = Math.round(canvas.clientWidth * density);
    canvas.height = Math.round(canvas.clientHeight * density);
    const context = canvas.getContext("2d");
    const step = (BAR_PX + GAP_PX) * density;
    const count = Math.floor(canvas.width / step);
    const speakers = speakersOf(this.speech, this.lengthMs, count);
    const heights = this.peaks === null ? speakers.map((one) => (one === null ? SILENCE_HEIGHT : SPEECH_HEIGHT)) : heightsOf(this.peaks, count);
    const plain = getComputedStyle(canvas).color;
    const colours = this.colours.map((one) => getComputedStyle(one).color);
    const heard = this.lengthMs > 0 ? (this.place.valueAsNumber / this.lengthMs) * count : 0;
    for (let i = 0; i < count; i += 1) {
      const tall = Math.max(2 * density, heights[i] * canvas.height);
      context.globalAlpha = i < heard ? 1 : FAINT;
      context.fillStyle = speakers[i] === null || speakers[i] < 0 ? plain : colours[speakers[i] % COLOURS];
      context.fillRect(i * step, (canvas.height - tall) / 2, BAR_PX * density, tall);
    }
  }
}

/** Who speaks in each of `count` parts of the recording: a number, -1 where nobody knows, null where nobody does. */
export function speakersOf(speech, lengthMs, count) {
  const speakers = new Array(count).fill(null);
  for (const { from, to, speaker } of speech) {
    const last = Math.min(count - 1, Math.floor((to / lengthMs) * count));
    for (let i = Math.floor((from / lengthMs) * count); i <= last; i += 1) {
      speakers[i] = speaker;
    }
  }
  return speakers;
}

/** How tall each of `count` bars is, 0 to 1. */
function heightsOf(peaks, count) {
  return Array.from({ length: count }, (_, i) => {
    const first = Math.floor((i * PEAKS) / count);
    const piece = peaks.subarray(first, Math.max(first + 1, Math.floor(((i + 1) * PEAKS) / count)));
    return loudnessOf(Math.max(...piece));
  });
}
