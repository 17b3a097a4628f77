/**
 * Takes as files. Keys and forms are those of `rasr transcribe`. Subtitles hold one recording, so in
 * them the takes follow each other on one clock; how they are cut into lines and for how long each is
 * shown, only the server knows (docs/captions.md), and it writes them.
 */

export const TYPES = {
  txt: "text/plain",
  srt: "application/x-subrip",
  vtt: "text/vtt",
  json: "application/json",
};

/**
 * @param {keyof TYPES} kind
 * @param {import("./take.js").Take[]} takes
 * @returns {Promise<string>}
 * @throws {Error} the server, which writes subtitles, does not
 */
export async function write(kind, takes) {
  switch (kind) {
    case "txt":
      return text(takes);
    case "json":
      return json(takes);
    default:
      return subtitles(kind, takes);
  }
}

export function text(takes) {
  const sentences = takes.flatMap(({ segments }) => segments.map(({ result }) => oneLine(result.text)));
  return sentences.filter(Boolean).map((sentence) => `${sentence}\n`).join("");
}

function json(takes) {
  const recordings = takes.map(({ name, segments }) => ({ name, segments: segments.map(plain) }));
  return `${JSON.stringify({ recordings }, null, 2)}\n`;
}

async function subtitles(kind, takes) {
  const response = await fetch(`/subtitles/${kind}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ segments: takes.flatMap(placed) }),
  });
  if (!response.ok) {
    throw new Error(await response.text());
  }
  return response.text();
}

function plain({ start_time, end_time, result }) {
  return { start_time, end_time, ...result };
}

/** The segments of a take, on the clock of the page. */
function placed({ startMs, segments }) {
  const moved = (one) => ({
    ...one,
    start_time: Math.round(startMs) + one.start_time,
    end_time: Math.round(startMs) + one.end_time,
  });
  return segments.map(plain).map((segment) =>
    segment.word_info ? { ...moved(segment), word_info: segment.word_info.map(moved) } : moved(segment),
  );
}

/** For a person: M:SS.T, with hours where there are any. */
export function clock(ms) {
  const tenths = Math.floor(Math.max(0, Math.round(ms)) / 100);
  const [hours, minutes, seconds] = [tenths / 36_000, (tenths / 600) % 60, (tenths / 10) % 60].map(Math.floor);
  const two = (number) => String(number).padStart(2, "0");
  const short = `${two(seconds)}.${tenths % 10}`;
  return hours > 0 ? `${hours}:${two(minutes)}:${short}` : `${minutes}:${short}`;
}

function oneLine(text) {
  return text.split(/\s+/).filter(Boolean).join(" ");
}
