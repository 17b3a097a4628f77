// The captions page: follows one channel and shows its newest lines.
//
// Rows never roll back: a line that is there moves up when another one begins below it, and in no
// other case, whatever becomes of the sentence that is being spoken.

const WORDS = {
  en: {
    connecting: "Connecting …",
    waiting: (name) => `Waiting for somebody to speak on “${name}” …`,
    ended: "The speaker has stopped.",
    closing: "The server is shutting down. Trying again …",
    lost: "The connection to the server was lost. Trying again …",
    refused: "The server takes no more viewers now. Trying again …",
    missed: (cues) => `${cues} captions came while this page was away and are no longer kept.`,
    broken: "The server sent something that this page can not read. Reload it.",
  },
  zh: {
    connecting: "正在连接……",
    waiting: (name) => `正在等待“${name}”频道开始讲话……`,
    ended: "讲话已结束。",
    closing: "服务器正在关闭，稍后自动重试……",
    lost: "与服务器的连接已断开，正在重试……",
    refused: "服务器暂时无法接受更多观众，正在重试……",
    missed: (cues) => `页面断开期间有 ${cues} 条字幕已不再保留。`,
    broken: "服务器发来的内容无法读取，请刷新页面。",
  },
};

const PASSING_MS = 6000;
const RETRY_MS = 5000;
const KEPT_FINALS = 20;

const look = document.body.dataset;
const words = WORDS[look.lang];
const shownLines = Number(look.lines);
const holdMs = Number(look.hold) * 1000;
const captions = document.getElementById("captions");
const finals = document.getElementById("finals");
const status = document.getElementById("status");

for (const name of ["size", "color", "box", "background"]) {
  document.documentElement.style.setProperty(`--${name}`, look[name]);
}

/** What the rows are made of: cues in order, each {id, lines, final}; a line is {text, settled}. */
let cues = [];
/** Rows of cues that are no longer in `cues`. */
let rowsBefore = 0;
/** The row below the last one that ever was. */
let bottom = 0;
/** Rows above this one were cleared after a silence. */
let cleared = 0;
let lastFinal = 0;
let token = null;
let holdTimer = 0;
let statusTimer = 0;

function say(sentence, { passing = false } = {}) {
  clearTimeout(statusTimer);
  if (status.textContent !== sentence) status.textContent = sentence;
  if (passing) statusTimer = setTimeout(() => say(""), PASSING_MS);
}

function reset() {
  cues = [];
  rowsBefore = bottom = cleared = lastFinal = 0;
  captions.replaceChildren();
}

/**
 * The lines of a cue. `settled` of each is its beginning that will hardly change; `stable` counts
 * the characters of the whole text.
 */
function linesOf(text, stable) {
  let left = stable;
  return text.split("\n").map((line) => {
    const letters = [...line];
    const settled = letters.slice(0, Math.max(left, 0)).join("");
    left -= letters.length + 1;
    return { text: line, settled };
  });
}

function take({ id, text, final, stable = Infinity }) {
  // Told again after a reconnection.
  if (id <= lastFinal) return;
  const lines = text ? linesOf(text, stable) : [];
  const at = cues.findIndex((cue) => cue.id >= id);
  const cue = { id, lines, final };
  if (at < 0) cues.push(cue);
  else if (cues[at].id === id) cues[at] = cue;
  else cues.splice(at, 0, cue);
  if (final) {
    lastFinal = id;
    const said = document.createElement("p");
    said.textContent = lines.map((line) => line.text).join(" ");
    finals.append(said);
    while (finals.childElementCount > KEPT_FINALS) finals.firstElementChild.remove();
  }
  draw(id);
}

function draw(changed) {
  const rows = cues.flatMap((cue) => cue.lines.map((line) => ({ ...cue, ...line })));
  bottom = Math.max(bottom, rowsBefore + rows.length);
  if (captions.classList.contains("quiet")) {
    // What was hidden does not come back above what is new.
    const first = rows.findIndex((row) => row.id === changed);
    cleared = first < 0 ? bottom : rowsBefore + first;
    captions.classList.remove("quiet");
  }
  const elements = [];
  for (let row = bottom - shownLines; row < bottom; row += 1) {
    elements.push(rowElement(row, row < cleared ? undefined : rows[row - rowsBefore]));
  }
  // Rows that are there stay the same elements, so that nothing flickers.
  captions.replaceChildren(...elements);
  while (cues.length > 2 * shownLines + 2 && cues[0].final) {
    rowsBefore += cues.shift().lines.length;
  }
  clearTimeout(holdTimer);
  if (holdMs > 0) holdTimer = setTimeout(() => captions.classList.add("quiet"), holdMs);
}

function rowElement(row, content) {
  let line = captions.querySelector(`[data-row="${row}"]`);
  if (line === null) {
    line = document.createElement("p");
    line.className = "line";
    line.dataset.row = row;
  }
  const { text = "", settled = "" } = content ?? {};
  if (line.textContent !== text || line.dataset.settled !== settled) {
    line.dataset.settled = settled;
    line.replaceChildren();
    if (text) {
      const open = document.createElement("i");
      open.textContent = text.slice(settled.length);
      line.appendChild(document.createElement("span")).append(settled, open);
    }
  }
  line.dataset.cue = content?.id ?? "";
  line.dataset.final = content?.final ?? true;
  return line;
}

function told(read) {
  return (event) => {
    try {
      read(JSON.parse(event.data));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      say(words.broken);
    }
  };
}

function connect() {
  const source = new EventSource(`${look.channel}/events`);
  source.addEventListener("state", told(({ state, channel }) => {
    if (channel !== token) reset();
    token = channel;
    document.body.dataset.state = state;
    if (state === "live") say("");
    else if (state === "waiting") say(words.waiting(look.channel));
    else say(words[state], { passing: state === "ended" });
  }));
  source.addEventListener("cue", told((cue) => {
    if (cue.final || look.partials === "yes") take(cue);
  }));
  source.addEventListener("missed", told((one) => say(words.missed(one.cues), { passing: true })));
  source.addEventListener("error", () => {
    document.body.dataset.state = "lost";
    if (source.readyState !== EventSource.CLOSED) {
      say(words.lost);
      return;
    }
    // An answer that is no stream: the browser does not come back by itself.
    say(words.refused);
    setTimeout(connect, RETRY_MS);
  });
}

say(words.connecting);
connect();
