/** The messages as they go over the wire, both ways: a pane for programmers, open while one speaks. */

import { copyButton } from "../shared/copying.js";
import { element } from "../shared/elements.js";

/** So many are kept, the oldest given up first. */
const KEPT = 500;

export class Messages {
  /** @param {Document} root @param {import("../shared/texts.js").Texts} texts */
  constructor(root, texts) {
    this.texts = texts;
    this.pane = root.querySelector("#messages");
    this.list = root.querySelector("#message-list");
    this.pauser = root.querySelector("#messages-pause");
    this.opener = root.querySelector("#messages-open");
    /** @type {{at: number, sent: boolean, text?: string, bytes?: number, count?: number}[]} */
    this.kept = [];
    this.paused = false;
    this.opener.addEventListener("click", () => this.show(this.pane.hidden));
    root.querySelector("#messages-close").addEventListener("click", () => this.show(false));
    root.querySelector("#messages-clear").addEventListener("click", () => {
      this.kept = [];
      this.list.replaceChildren();
    });
    this.pauser.addEventListener("click", () => {
      this.paused = !this.paused;
      this.render();
    });
    this.copyPlace = root.querySelector("#messages-copy");
    this.pane.addEventListener("keydown", ({ key }) => {
      if (key === "Escape") {
        this.show(false);
      }
    });
  }

  show(open) {
    this.pane.hidden = !open;
    this.opener.setAttribute("aria-expanded", String(open));
    this.render();
    (open ? this.pane : this.opener).focus();
  }

  /** @param {import("../client/rasr.js").Session | import("../client/rasr.js").Speech} session whose messages are kept from now on */
  follow(session) {
    session.addEventListener("message", ({ detail }) => this.keep(detail));
  }

  keep({ sent, text, bytes }) {
    const last = this.kept.at(-1);
    if (bytes !== undefined && last?.bytes !== undefined) {
      // Ten a second would leave no room for anything else.
      last.bytes += bytes;
      last.count += 1;
    } else {
      this.kept.push({ at: Date.now(), sent, text, bytes, count: 1 });
      this.kept.splice(0, this.kept.length - KEPT);
    }
    if (!this.pane.hidden && !this.paused) {
      this.write(last !== undefined && last === this.kept.at(-1));
    }
  }

  /** Show the newest, in place of the last line or below it. */
  write(again) {
    const isAtEnd = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 40;
    const line = this.line(this.kept.at(-1));
    if (again && this.list.lastElementChild !== null) {
      this.list.lastElementChild.replaceWith(line);
    } else {
      this.list.append(line);
    }
    while (this.list.childElementCount > KEPT) {
      this.list.firstElementChild.remove();
    }
    if (isAtEnd) {
      this.list.scrollTop = this.list.scrollHeight;
    }
  }

  render() {
    this.pauser.textContent = this.texts.say(this.paused ? "messages_go_on" : "messages_pause");
    this.copyPlace.replaceChildren(copyButton(this.texts, () => this.plain()));
    if (!this.pane.hidden && !this.paused) {
      this.list.replaceChildren(...this.kept.map((one) => this.line(one)));
      this.list.scrollTop = this.list.scrollHeight;
    }
  }

  line(message) {
    const line = element("li", { className: message.sent ? "sent" : "received" });
    const [time, way, content] = this.parts(message).map((text) => element("span", { textContent: text }));
    time.className = "fine";
    line.append(time, " ", way, " ", content);
    return line;
  }

  parts({ at, sent, text, bytes, count }) {
    const content = text ?? this.texts.say("messages_audio", { count, bytes });
    return [new Date(at).toISOString().slice(11, 23), sent ? "→" : "←", content];
  }

  plain() {
    return this.kept.map((one) => `${this.parts(one).join(" ")}\n`).join("");
  }
}
