/** The list of recordings: each with how far it is, and what can be done with it. */

import { duration } from "../../shared/durations.js";
import { element } from "../../shared/elements.js";

/**
 * @typedef {object} Item
 * @property {string} key
 * @property {string | null} job its id; null: it is still to be sent
 * @property {string} name of the file; "" where this browser does not know it
 * @property {"queued" | "sending" | "waiting" | "working" | "finished" | "failed"} state
 * @property {number} share that is done, 0 to 1
 * @property {object} told what the server says of the job, or of why there is none
 */

export class RecordingRows {
  /**
   * @param {HTMLElement} place
   * @param {import("../../shared/texts.js").Texts} texts
   * @param {{open: (item: Item) => void, forget: (item: Item) => Promise<void>}} actions
   */
  constructor(place, texts, actions) {
    this.place = place;
    this.texts = texts;
    this.actions = actions;
    /** @type {Map<string, Row>} */
    this.rows = new Map();
  }

  /** @param {Item[]} items in their order; rows that stay are the same elements, so that nobody loses his place */
  render(items) {
    const keys = new Set(items.map(({ key }) => key));
    for (const [key, row] of this.rows) {
      if (!keys.has(key)) {
        this.rows.delete(key);
        row.leave();
      }
    }
    let before = null;
    for (const item of items) {
      const row = this.rows.get(item.key) ?? new Row(this.texts, this.actions);
      this.rows.set(item.key, row);
      row.write(item);
      const place = before === null ? this.place.firstElementChild : before.nextElementSibling;
      if (place !== row.element) {
        this.place.insertBefore(row.element, place);
      }
      before = row.element;
    }
  }

  /** All texts anew, in another language. */
  write() {
    this.rows.forEach((row) => row.write(row.item));
  }

  /** @param {string} key of the row whose button gets the focus */
  focus(key) {
    this.rows.get(key)?.open.focus();
  }
}

class Row {
  constructor(texts, actions) {
    this.texts = texts;
    this.actions = actions;
    /** @type {Item} */
    this.item = null;
    this.element = element("li", {});
    this.name = element("strong", {});
    this.about = element("p", { className: "fine" });
    this.bar = element("progress", { max: 1, hidden: true });
    this.tools = element("div", { className: "tools" });
    this.open = this.button("", () => actions.open(this.item));
    this.away = this.button("danger", () => this.ask());
    this.element.append(this.name, this.about, this.bar, this.tools);
  }

  button(look, call) {
    const button = element("button", { type: "button", className: `small ${look}` });
    button.addEventListener("click", call);
    this.tools.append(button);
    return button;
  }

  write(item) {
    this.item = item;
    const { texts } = this;
    const { name, state, share } = item;
    const shown = nameOf(item, texts);
    put(this.name, shown);
    put(this.about, describe(item, texts));
    this.about.className = state === "failed" ? "fault" : "fine";
    this.element.dataset.state = state;
    this.bar.hidden = !["sending", "working"].includes(state);
    this.bar.value = share;
    this.bar.setAttribute("aria-label", texts.say("of_session", { action: texts.say("recording_progress"), name: shown }));
    const canSend = state === "failed" && item.job === null;
    this.open.hidden = state !== "finished" && !canSend;
    const isOver = state === "finished" || state === "failed";
    this.label(this.open, canSend ? "recording_again" : "open_session", shown);
    this.label(this.away, isOver ? "forget" : "recording_cancel", shown);
    this.element.classList.toggle("unnamed", name === "");
  }

  label(button, key, name) {
    const text = this.texts.say(key);
    put(button, text);
    button.setAttribute("aria-label", this.texts.say("of_session", { action: text, name }));
  }

  /** What the server has is gone for good: that is asked first, in the place of the buttons. */
  ask() {
    const { item, texts } = this;
    if (item.job === null) {
      void this.actions.forget(item);
      return;
    }
    const isOpen = item.state === "waiting" || item.state === "working";
    const question = texts.say(isOpen ? "recording_cancel_question" : "recording_forget_question");
    const box = element("div", { className: "question" });
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", question);
    const yes = element("button", { type: "button", className: "small danger", textContent: this.away.textContent });
    const no = element("button", { type: "button", className: "small", textContent: texts.say("keep_it") });
    const back = () => {
      box.replaceWith(this.tools);
      this.away.focus();
    };
    yes.addEventListener("click", () => void this.actions.forget(this.item).then(() => box.isConnected && back()));
    no.addEventListener("click", back);
    box.append(element("p", { textContent: question }), yes, no);
    this.tools.replaceWith(box);
    no.focus();
  }

  /** The focus goes on to the next row, or to the one before. */
  leave() {
    const hadFocus = this.element.contains(document.activeElement);
    const next = this.element.nextElementSibling ?? this.element.previousElementSibling;
    this.element.remove();
    if (hadFocus) {
      next?.querySelector("button:not([hidden])")?.focus();
    }
  }
}

/** How a recording is called: without the name of its file, by when it was sent. */
export function nameOf({ name, told }, texts) {
  return name || texts.say("recording_of", { date: moment(told.create_time, texts) });
}

function describe({ state, share, told }, texts) {
  const percent = texts.number(100 * share);
  switch (state) {
    case "queued":
      return texts.say("recording_queued");
    case "sending":
      return texts.say("recording_sending", { percent });
    case "waiting":
      return told.queue_position > 0 ? texts.say("recording_waiting", { count: told.queue_position }) : texts.say("recording_waits");
    case "working":
      return told.expected_end_time === undefined
        ? texts.say("recording_working", { percent })
        : texts.say("recording_expected", { percent, date: moment(told.expected_end_time, texts) });
    case "failed":
      return told.error_msg;
    default:
      return texts.say("recording_finished", {
        length: duration(told.audio_duration / 1000),
        created: moment(told.create_time, texts),
        expires: moment(told.expire_time, texts),
      });
  }
}

function moment(text, texts) {
  const date = new Date(text);
  const isToday = date.toDateString() === new Date().toDateString();
  return texts.date(date, isToday ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" });
}

/** What is the same is not written again: nothing is read out twice, and no selection is lost. */
function put(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}
