/** Who is connected now, and how they fare. What they say is not part of it. */

import { duration } from "../shared/durations.js";
import { element } from "../shared/elements.js";
import { Pane } from "./pane.js";
import { beginning, table } from "./table.js";

const REFRESH_MS = 3000;
const SERVER_STATES = ["ready", "full", "closing", "no worker"];
const STATES = ["idle", "silence", "speech", "finishing", "away"];

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

  draw({ at, sessions, live }) {
    const { texts } = this;
    const time = texts.date(at, { timeStyle: "medium" });
    const servers = this.servers(live);
    const [none, some] = servers.length === 0 ? ["sessions_none", "sessions_at"] : ["sessions_here_none", "sessions_here_at"];
    const about = element("p", { className: "fine", textContent: texts.say(sessions.length === 0 ? none : some, { time, count: sessions.length }) });
    if (sessions.length === 0) {
      this.pane.content.replaceChildren(...servers, about);
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
    this.pane.content.replaceChildren(...servers, about, table(texts.say("sessions"), columns, shown.map((one) => this.row(one))), ...rest);
  }

  /** All servers that are one, and their sum. Nothing where there is one alone, or, while they are brought up to date, where that is not told. */
  servers(live) {
    const { texts } = this;
    const list = live?.replicas ?? [];
    if (list.length < 2) {
      return [];
    }
    const columns = [
      { name: texts.say("server") },
      { name: texts.say("session_state") },
      { name: texts.say("server_rounds"), isNumber: true },
      { name: texts.say("server_load"), isNumber: true },
      { name: texts.say("server_connections"), isNumber: true },
      { name: texts.say("server_viewers"), isNumber: true },
    ];
    const count = texts.say("server_answering", { count: texts.number(live.total.replicas), all: texts.number(list.length) });
    const total = [texts.say("server_total"), count, ...this.numbers(live.total)];
    const rows = list.map((one) => [texts.say(one.this ? "server_this" : "server_other", { name: one.replica }), this.condition(one), ...this.numbers(one)]);
    return [table(texts.say("servers"), columns, [...rows, total])];
  }

  condition({ answers, silent_s, status }) {
    const { texts } = this;
    if (!answers) {
      return texts.say("server_silent", { number: texts.number(silent_s) });
    }
    return SERVER_STATES.includes(status) ? texts.say(`state_${status.replace(" ", "_")}`) : status;
  }

  numbers({ rounds, max_rounds, load, connections, viewers }) {
    const { texts } = this;
    const number = (value) => (value === undefined || value === null ? "–" : texts.number(value));
    const seats = typeof max_rounds === "number" ? texts.say("server_of", { used: number(rounds), of: number(max_rounds) }) : number(rounds);
    const share = typeof load === "number" ? texts.say("percent", { number: texts.number(100 * load) }) : "–";
    return [seats, share, number(connections), number(viewers)];
  }

  row(session) {
    const { texts } = this;
    const state = element("span", { className: "voice", textContent: STATES.includes(session.state) ? texts.say(`state_${session.state}`) : session.state });
    state.dataset.state = session.state;
    const seconds = (value) => texts.say("seconds", { number: texts.number(value, value < 10 ? 1 : 0) });
    // As the overview and `rasr top` have it: most finals come within a tenth of a second.
    const final = session.last_final_s === null ? "–" : texts.say("milliseconds", { number: texts.number(1000 * session.last_final_s) });
    return [String(session.id), state, session.mode, session.property || "–", duration(session.age_s), seconds(session.audio_s), seconds(session.backlog_s), final, session.peer];
  }
}
