/**
 * Takes as files. Keys and forms are those of `rasr transcribe`. How subtitles are cut into lines and for
 * how long each is shown, only the server knows (docs/captions.md), and it writes them: one file for
 * each recording, because each has a clock of its own.
 */

import { inTime } from "../client/answers.js";
import { duration } from "../shared/durations.js";
import { oneLine } from "./correction.js";
import { csv, xlsx } from "./sheets.js";
import { zip } from "./zip.js";

export const TYPES = {
  txt: "text/plain",
  srt: "application/x-subrip",
  vtt: "text/vtt",
  json: "application/json",
  csv: "text/csv",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
};
/** Subtitles of ten hours are made in seconds; all of it goes there and back. */
const SUBTITLES_MS = 60_000;
const ZIP = "application/zip";

/**
 * @param {keyof TYPES} kind
 * @param {import("./take.js").Take[]} takes
 * @param {Record<string, string>} heads names of the columns of a table
 * @param {(segment: object) => string | null} [speaker] the name of who says it, where somebody told speakers apart
 * @param {typeof fetch} [ask] the server, in the name of whoever has signed in
 * @returns {Promise<{extension: string, type: string, content: string | Uint8Array}>}
 * @throws {Error} the server, which writes subtitles, does not
 */
export async function write(kind, takes, heads, speaker = () => null, ask = fetch) {
  const said = takes.filter(({ segments }) => segments.some(({ result }) => result.text.trim() !== ""));
  const file = (content) => ({ extension: kind, type: `${TYPES[kind]};charset=utf-8`, content });
  switch (kind) {
    case "txt":
      return file(text(said, speaker));
    case "json":
      return file(json(said));
    case "csv":
      return file(csv(said, heads, speaker));
    case "xlsx":
      return { ...file(xlsx(said, heads, speaker)), type: TYPES.xlsx };
    default:
      return said.length === 1
        ? file(await subtitles(kind, said[0], ask))
        : { extension: "zip", type: ZIP, content: zip(await all(kind, said, ask)) };
  }
}

/** A sentence a line, after who says it; several recordings each under its name. */
export function text(takes, speaker = () => null) {
  const line = (segment) => {
    const [name, words] = [speaker(segment), oneLine(segment.result.text)];
    return name === null || words === "" ? words : `${name}: ${words}`;
  };
  const parts = takes
    .map(({ name, segments }) => ({ name, lines: segments.map(line).filter(Boolean) }))
    .filter(({ lines }) => lines.length > 0);
  const written = parts.map(({ name, lines }) => (parts.length > 1 ? [name, "", ...lines] : lines));
  return written.map((lines) => lines.map((line) => `${line}\n`).join("")).join("\n");
}

function json(takes) {
  const recordings = takes.map(({ name, segments }) => ({ name, segments: segments.map(plain) }));
  return `${JSON.stringify({ recordings }, null, 2)}\n`;
}

function plain({ start_time, end_time, result, original }) {
  return { start_time, end_time, ...result, ...(original === undefined ? {} : { original }) };
}

async function all(kind, takes, ask) {
  const files = [];
  const names = new Set();
  for (const take of takes) {
    let name = fileName(take.name);
    for (let number = 2; names.has(name); number += 1) {
      name = `${fileName(take.name)}-${number}`;
    }
    names.add(name);
    files.push({ name: `${name}.${kind}`, content: await subtitles(kind, take, ask) });
  }
  return files;
}

/** The name of a recording without its ending, and without what no file may have in its name. */
function fileName(name) {
  return name.replace(/\.[A-Za-z0-9]{1,4}$/, "").replace(/[\\/:*?"<>|\u0000-\u001f]/g, "_") || "rasr";
}

async function subtitles(kind, { segments }, ask) {
  const response = await ask(`/subtitles/${kind}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ segments: segments.map(timed) }),
    ...inTime(SUBTITLES_MS),
  });
  if (!response.ok) {
    throw new Error(await response.text());
  }
  return response.text();
}

/** No more than subtitles are made of: ten hours of it are as much as the server takes. */
function timed({ start_time, end_time, result: { text, word_info } }) {
  const words = word_info?.map(({ word, start_time, end_time }) => ({ word, start_time, end_time }));
  return { start_time, end_time, text, word_info: words };
}

/** For a person: M:SS.T, with hours where there are any. */
export function clock(ms) {
  const tenths = Math.floor(Math.max(0, Math.round(ms)) / 100);
  return `${duration(tenths / 10)}.${tenths % 10}`;
}
