/** The captions page: follows one channel, shows its newest lines and says what goes wrong. */

import { applyLook, isPart } from "./look.js";
import { Rows } from "./rows.js";
import { say } from "./texts.js";

const PASSING_MS = 6000;
const AWAKE_MS = 3000;
const RETRY_MS = 5000;
const KEPT_FINALS = 20;

const body = document.body;
const look = body.dataset;
const holdMs = Number(look.hold) * 1000;
const finals = document.getElementById("finals");
const status = document.getElementById("status");
const rows = new Rows(body);

let lastFinal = 0;
let token = null;
let holdTimer = 0;
let statusTimer = 0;
let awakeTimer = 0;

function tell(sentence, { passing = false } = {}) {
  clearTimeout(statusTimer);
  if (status.textContent !== sentence) status.textContent = sentence;
  if (passing) statusTimer = setTimeout(() => tell(""), PASSING_MS);
}

function take(cue) {
  // Told again after a reconnection.
  if (cue.id <= lastFinal) return;
  if (cue.final) {
    lastFinal = cue.id;
    const said = document.createElement("p");
    said.textContent = cue.text.replaceAll("\n", " ");
    finals.append(said);
    while (finals.childElementCount > KEPT_FINALS) finals.firstElementChild.remove();
  }
  rows.show(cue);
  clearTimeout(holdTimer);
  if (holdMs > 0) holdTimer = setTimeout(() => rows.hide(), holdMs);
}

function read(take) {
  return (event) => {
    let data;
    try {
      data = JSON.parse(event.data);
    } catch {
      tell(say("broken"));
      return;
    }
    take(data);
  };
}

function changeState({ state, channel }) {
  if (channel !== token) {
    lastFinal = 0;
    rows.clear();
  }
  token = channel;
  look.state = state;
  if (state === "live") tell("");
  else tell(say(state, { name: look.channel }), { passing: state === "ended" });
}

function connect() {
  const source = new EventSource(`${look.channel}/events`);
  source.addEventListener("state", read(changeState));
  source.addEventListener(
    "cue",
    read((cue) => {
      if (cue.final || look.partials === "yes") take(cue);
    }),
  );
  source.addEventListener("missed", read((one) => tell(say("missed", one), { passing: true })));
  source.addEventListener("error", () => {
    look.state = "lost";
    if (source.readyState !== EventSource.CLOSED) {
      tell(say("lost"));
      return;
    }
    // An answer that is no stream: the browser does not come back by itself.
    tell(say("refused"));
    setTimeout(connect, RETRY_MS);
  });
}

/** The link to the page that shares these captions: seen while somebody moves the pointer. */
function offerShare() {
  const link = document.getElementById("share");
  link.href = `${look.channel}/share${location.search}`;
  link.textContent = say("share");
  link.hidden = false;
  const wake = () => {
    body.classList.add("awake");
    clearTimeout(awakeTimer);
    awakeTimer = setTimeout(() => body.classList.remove("awake"), AWAKE_MS);
  };
  for (const moved of ["pointermove", "pointerdown", "keydown"]) addEventListener(moved, wake);
}

applyLook(body);
if (look.status === "auto") look.status = isPart() ? "no" : "yes";
if (!isPart()) offerShare();
tell(say("connecting"));
connect();
