/**
 * Takes as files. Keys and forms are those of `rasr transcribe`; subtitles hold one recording, so
 * in them the takes follow each other on one clock.
 *
 * Sources: WebVTT, W3C, §4 (syntax) and §6 (escapes); SubRip has no specification.
 */

export const TYPES = {
  txt: "text/plain",
  srt: "application/x-subrip",
  vtt: "text/vtt",
  json: "application/json",
};

/** @param {keyof TYPES} kind @param {import("./take.js").Take[]} takes */
export function write(kind, takes) {
  return { txt: text, srt, vtt, json }[kind](takes);
}

function text(takes) {
  return spoken(takes).map((sentence) => `${oneLine(sentence.text)}\n`).join("");
}

function srt(takes) {
  const cue = ({ start, end, text }, i) => `${i + 1}\n${timing(start, end, ",")}\n${oneLine(text)}\n`;
  return spoken(takes).map(cue).join("\n");
}

function vtt(takes) {
  const cue = ({ start, end, text }) => `${timing(start, end, ".")}\n${escaped(oneLine(text))}\n`;
  return ["WEBVTT\n", ...spoken(takes).map(cue)].join("\n");
}

function json(takes) {
  const recordings = takes.map(({ name, segments }) => ({
    name,
    segments: segments.map(({ start_time, end_time, result }) => ({ start_time, end_time, ...result })),
  }));
  return `${JSON.stringify({ recordings }, null, 2)}\n`;
}

/** Every sentence with a word in it, on the clock of the page. */
function spoken(takes) {
  return takes.flatMap(({ startMs, segments }) =>
    segments
      .filter(({ result }) => result.text.trim() !== "")
      .map(({ start_time, end_time, result }) => ({
        start: Math.round(startMs) + start_time,
        // A cue has to end after it starts.
        end: Math.round(startMs) + Math.max(end_time, start_time + 1),
        text: result.text,
      })),
  );
}

function timing(start, end, point) {
  return `${timestamp(start, point)} --> ${timestamp(end, point)}`;
}

function timestamp(ms, point) {
  const parts = [ms / 3_600_000, (ms / 60_000) % 60, (ms / 1000) % 60];
  const clock = parts.map((part) => String(Math.floor(part)).padStart(2, "0")).join(":");
  return `${clock}${point}${String(ms % 1000).padStart(3, "0")}`;
}

/** For a person: M:SS.T, with hours where there are any. */
export function clock(ms) {
  const [hours, minutes, rest] = timestamp(Math.max(0, Math.round(ms)), ".").split(":");
  const short = rest.slice(0, 4);
  return Number(hours) > 0 ? `${Number(hours)}:${minutes}:${short}` : `${Number(minutes)}:${short}`;
}

function oneLine(text) {
  // An empty line would end the cue.
  return text.split(/\s+/).filter(Boolean).join(" ");
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
