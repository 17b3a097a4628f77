/** The keys of whoever has signed in: he sees, makes and revokes them. */

import { tellFault, whileBusy } from "../shared/busy.js";
import { copyButton } from "../shared/copying.js";
import { element } from "../shared/elements.js";
import { tellApiFault } from "../shared/api.js";
import { Pane } from "./pane.js";
import { table } from "./table.js";

/** Days for which a key may be made here; 0: until it is revoked. */
const LIVES = [90, 30, 365, 0];
const DAY_MS = 86_400_000;

export class Keys {
  /** @param {import("./main.js").Parts} parts */
  constructor({ root, texts, account, api, question }) {
    Object.assign(this, { texts, account, api, question });
    const find = (name) => root.querySelector(`#key-${name}`);
    this.form = find("form");
    this.description = find("description");
    this.expires = find("expires");
    this.fault = find("fault");
    this.button = find("create");
    this.signed = find("signed");
    this.made = root.querySelector("#made");
    this.pane = new Pane(root.querySelector("#keys"), texts, account, {
      load: async () => (account.held === null ? { keys: [] } : api.ask("keys")),
      draw: (data) => this.draw(data),
    });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void whileBusy(this.button, () => this.create());
    });
    this.made.addEventListener("close", () => {
      // A secret that nobody has copied would be lost: Escape does not close it, however often it is pressed.
      if (this.made.returnValue !== "saved") {
        this.made.showModal();
        return;
      }
      for (const code of this.made.querySelectorAll("code")) {
        code.textContent = "";
      }
    });
  }

  get panes() {
    return [this.pane];
  }

  write() {
    const { texts, account } = this;
    const isSigned = account.held?.key !== undefined;
    this.form.hidden = isSigned || account.held === null;
    this.signed.hidden = !isSigned;
    const at = Math.max(0, this.expires.selectedIndex);
    const name = (days) => (days === 0 ? texts.say("key_for_ever") : texts.say("key_days", { days }));
    this.expires.replaceChildren(...LIVES.map((days) => element("option", { value: days, textContent: name(days) })));
    this.expires.selectedIndex = at;
    this.pane.render();
  }

  async create() {
    tellFault(this.fault, null);
    const days = Number(this.expires.value);
    const document = { description: this.description.value.trim(), ...(days === 0 ? {} : { expires_in_days: days }) };
    try {
      this.showSecret(await this.api.ask("keys", { method: "POST", document }));
      this.description.value = "";
    } catch (error) {
      this.tell(error);
      return;
    }
    await this.pane.reload();
  }

  /** This once. */
  showSecret({ access_id, secret }) {
    const { texts } = this;
    const values = { access: access_id, secret, project: this.account.held.project.id };
    for (const [name, value] of Object.entries(values)) {
      this.made.querySelector(`#made-${name}`).textContent = value;
      const button = copyButton(texts, () => this.made.querySelector(`#made-${name}`).textContent);
      this.made.querySelector(`#made-${name}-copy`).replaceChildren(button);
    }
    this.made.returnValue = "";
    this.made.showModal();
  }

  async revoke({ access_id, description }) {
    const { texts } = this;
    const name = description === "" ? access_id : `${description} (${access_id})`;
    const isSure = await this.question.ask({
      title: texts.say("key_revoke_question"),
      text: texts.say("key_revoke_text", { name }),
      yes: texts.say("key_revoke"),
    });
    if (!isSure) {
      return;
    }
    tellFault(this.fault, null);
    try {
      await this.api.ask(`keys/${encodeURIComponent(access_id)}`, { method: "DELETE" });
    } catch (error) {
      this.tell(error);
      return;
    }
    await this.pane.reload();
  }

  tell(error) {
    tellApiFault(this.fault, this.texts, error);
    this.fault.scrollIntoView({ block: "nearest" });
  }

  draw({ keys }) {
    const { texts } = this;
    if (keys.length === 0) {
      this.pane.content.replaceChildren(element("p", { className: "fine", textContent: texts.say(this.account.held === null ? "keys_open" : "keys_none") }));
      return;
    }
    const columns = [
      { name: texts.say("key_id") },
      { name: texts.say("key_description") },
      { name: texts.say("key_created") },
      { name: texts.say("key_expires") },
      { name: texts.say("key_state") },
      { name: "" },
    ];
    const rows = keys.map((key) => [
      element("code", { textContent: key.access_id }),
      key.description === "" ? "–" : key.description,
      this.date(key.created_at),
      key.expires_at === null ? texts.say("key_for_ever") : this.date(key.expires_at),
      this.state(key),
      this.buttonOf(key),
    ]);
    this.pane.content.replaceChildren(table(texts.say("keys"), columns, rows));
  }

  state(key) {
    const { texts } = this;
    if (key.revoked_at !== null) {
      return texts.say("key_revoked", { when: this.date(key.revoked_at) });
    }
    if (!key.counts) {
      return texts.say("key_expired");
    }
    const isSoon = key.expires_at !== null && Date.parse(key.expires_at) - Date.now() < 7 * DAY_MS;
    return texts.say(isSoon ? "key_expires_soon" : "key_counts");
  }

  buttonOf(key) {
    const { texts, account } = this;
    if (!key.counts || account.held?.key !== undefined) {
      return "";
    }
    const button = element("button", { type: "button", className: "small danger", textContent: texts.say("key_revoke") });
    button.setAttribute("aria-label", texts.say("key_revoke_one", { id: key.access_id }));
    button.addEventListener("click", () => void this.revoke(key));
    return button;
  }

  date(text) {
    return this.texts.date(new Date(text), { dateStyle: "medium" });
  }
}
