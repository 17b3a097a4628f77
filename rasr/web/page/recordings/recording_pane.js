/** The transcript of a recording beside its sound. */

import { element } from "../../shared/elements.js";
import { corrected } from "../correction.js";
import { COLOURS, speakerOf, speakerSign } from "../speakers.js";
import { TextPane } from "../text_pane.js";
import { MOST_MINUTES, peaksOf } from "./peaks.js";
import { RecordingPlayback } from "./recording_playback.js";
import { SoundBar } from "./sound_bar.js";

export class RecordingPane extends TextPane {
  /**
   * @param {Document} root
   * @param {import("../../shared/texts.js").Texts} texts
   * @param {import("./kept.js").KeptRecordings} kept
   */
  constructor(root, texts, kept) {
    const audio = new Audio();
    super(root, texts, "recording-", (list, tell) => new RecordingPlayback(audio, list, () => tell("recording_unheard")));
    this.kept = kept;
    this.empty = root.querySelector("#recording-empty");
    this.speakers = root.querySelector("#recording-speakers");
    this.marked = root.querySelector("#recording-marked");
    this.note = root.querySelector("#recording-sound-note");
    /** Says why there is no waveform; null: there is one. @type {string | null} */
    this.said = null;
    this.colours = root.querySelector("#recording-colours");
    this.colours.append(...Array.from({ length: COLOURS }, (_, number) => speakerSign({ number, name: "" })));
    this.bar = new SoundBar(root, texts, this.playback, (ms) => this.goTo(ms));
    this.playback.isHeld = () => this.editor.isOpen;
    audio.addEventListener("error", () => this.noteSound());
    /** @type {{job: string, lengthMs: number, file: Blob | null} | null} */
    this.shown = null;
    /** Corrections that are on their way to this browser's storage, and whether one was not taken. */
    this.waiting = 0;
    this.isUnkept = false;
  }

  /**
   * @param {import("../../client/rasr.js").Job} job with its segments
   * @param {{id: string, name: string, file: Blob | null, corrections: Map<number, string>}} about
   */
  open(job, { id, name, file, corrections }) {
    this.close();
    const segments = job.segments.map((segment, index) => {
      const one = { ...segment, is_final: true };
      return corrections.has(index) ? corrected(one, corrections.get(index)) : one;
    });
    const lengthMs = Math.max(job.audio_duration ?? 0, segments.at(-1)?.end_time ?? 0);
    this.shown = { job: id, lengthMs, file };
    this.takes = [{ name, startedAt: Date.parse(job.create_time), segments }];
    this.rebuild();
    this.playback.load(file);
    const speech = segments.map((one) => ({
      from: one.start_time,
      to: one.end_time,
      speaker: speakerOf(one, this.texts)?.number ?? -1,
    }));
    this.bar.show(lengthMs, speech);
    this.write();
    void this.drawWaveform();
  }

  close() {
    this.editor.close(true);
    this.find.close();
    this.undo.forgetAll();
    this.playback.load(null);
    this.shown = null;
    this.takes = [];
    this.rebuild();
  }

  async drawWaveform() {
    const { shown } = this;
    const peaks = shown.file === null ? null : await peaksOf(shown.file, shown.lengthMs);
    if (this.shown === shown) {
      if (peaks !== null) {
        this.bar.showPeaks(peaks);
      }
      this.noteSound();
    }
  }

  /** A person has chosen a place in the recording: it is heard from there, and read. */
  goTo(ms) {
    this.playback.goTo(ms);
    const entry = this.list.entries.findLast(({ segment }) => segment.start_time <= ms) ?? this.list.entries[0];
    if (entry !== undefined) {
      this.list.choose(entry);
      this.list.reveal(entry);
    }
  }

  /** Say what cannot be heard or seen of the sound, and why. */
  noteSound() {
    if (this.shown === null) {
      return;
    }
    const { file, lengthMs } = this.shown;
    const isUnplayable = file !== null && !this.playback.canPlay;
    const isLong = this.bar.peaks === null && lengthMs > MOST_MINUTES * 60_000;
    const key = file === null ? "recording_unheard" : isUnplayable ? "recording_unplayable" : isLong ? "recording_long" : null;
    this.note.hidden = key === null;
    this.note.textContent = key === null ? "" : this.texts.say(key, { minutes: MOST_MINUTES });
    this.bar.button.hidden = file === null || isUnplayable;
    this.bar.speed.hidden = this.bar.button.hidden;
  }

  write() {
    super.write();
    this.bar.write();
    this.noteSound();
    const segments = this.takes.flatMap((take) => take.segments);
    const speakers = new Map();
    for (const segment of segments) {
      const speaker = speakerOf(segment, this.texts);
      if (speaker !== null) {
        speakers.set(speaker.number, speaker);
      }
    }
    const sorted = [...speakers.values()].sort((one, other) => one.number - other.number);
    this.speakers.hidden = sorted.length === 0;
    this.speakers.replaceChildren(
      ...sorted.map((one) => {
        const item = element("li", {});
        item.append(speakerSign(one));
        return item;
      }),
    );
    const marks = segments.flatMap(({ result }) => result.marks ?? []);
    this.marked.hidden = marks.length === 0;
    this.marked.textContent = this.texts.say("marked_by", { lists: [...new Set(marks.map(({ name }) => name))], count: marks.length });
  }

  show() {
    super.show();
    this.empty.hidden = this.shown === null || !this.isEmpty;
  }

  // What a person corrects

  keep({ segments }, index) {
    const { job } = this.shown;
    const { original, result } = segments[index];
    this.waiting += 1;
    void this.kept.correct(job, index, original === undefined ? null : result.text).then((isKept) => {
      this.waiting -= 1;
      this.isUnkept ||= !isKept;
      this.watchLeaving();
    });
  }

  /** Corrections that nobody keeps are lost with the page, also where another recording is shown, or none. */
  watchLeaving() {
    const listen = this.changes === this.savedChanges || this.isSafe() ? removeEventListener : addEventListener;
    listen("beforeunload", this.askFirst);
  }

  isSafe() {
    return this.waiting === 0 && !this.isUnkept;
  }
}
