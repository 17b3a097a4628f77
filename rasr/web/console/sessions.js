/** Who is connected now, and how they fare. What they say is not part of it. */

import { element } from "../shared/elements.js";
import { Pane } from "./pane.js";
import { beginning, table } from "./table.js";

const REFRESH_MS = 3000;
const STATES = ["idle", "silence", "speech", "finishing"];

export class Sessions {
  /** @param {import("./main.js").Parts} parts */
  constructor({ root, texts, account, api }) {
    this.texts = texts;
    this.pane = new Pane(root.querySelector("#sessions"), texts, account, {
      every: REFRESH_MS,
      load: async () => ({ at: Date.now(), ...(await api.ask("sessions")) }),
      draw: (data) => this.draw(data),
    });
  }

  get panes() {
    return [this.pane];
  }

  write() {
    this.pane.render();
  }

  draw({ at, sessions }) {
    const { texts } = this;
    const time = texts.date(at, { timeStyle: "medium" });
    const about = element("p", { className: "fine", textContent: texts.say(sessions.length === 0 ? "sessions_none" : "sessions_at", { time, count: sessions.length }) });
    if (sessions.length === 0) {
      this.pane.content.replaceChildren(about);
      return;
    }
    const columns = [
      { name: texts.say("session_number"), isNumber: true },
      { name: texts.say("session_state") },
      { name: texts.say("session_mode") },
      { name: texts.say("session_property") },
      { name: texts.say("session_age"), isNumber: true },
      { name: texts.say("session_audio"), isNumber: true },
      { name: texts.say("session_backlog"), isNumber: true },
      { name: texts.say("session_final"), isNumber: true },
      { name: texts.say("session_peer") },
    ];
    const { shown, rest } = beginning(sessions, texts);
    this.pane.content.replaceChildren(about, table(texts.say("sessions"), columns, shown.map((one) => this.row(one))), ...rest);
  }

  row(session) {
    const { texts } = this;
    const state = element("span", { className: "voice", textContent: STATES.includes(session.state) ? texts.say(`state_${session.state}`) : session.state });
    state.dataset.state = session.state;
    const number = (value, digits) => new Intl.NumberFormat(texts.locale, { maximumFractionDigits: digits }).format(value);
    const seconds = (value) => texts.say("seconds", { number: number(value, value < 10 ? 1 : 0) });
    // As the overview and `rasr top` have it: most finals come within a tenth of a second.
    const final = session.last_final_s === null ? "–" : texts.say("milliseconds", { number: number(1000 * session.last_final_s, 0) });
    return [String(session.id), state, session.mode, session.property || "–", duration(session.age_s), seconds(session.audio_s), seconds(session.backlog_s), final, session.peer];
  }
}

/** 0:07, 12:05 or 1:02:03 */
export function duration(seconds) {
  const whole = Math.floor(seconds);
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
