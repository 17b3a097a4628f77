/** The dialog of past sessions: what this browser keeps, and what is done with it. */

import { closeBeside, element } from "../shared/elements.js";
import { LEAST_MB, MOST_MB, isMegabytes } from "./keeper.js";
import { SaveMenu } from "./save_menu.js";
import { Forgotten, SessionStore } from "./session_store.js";

const MB = 1_000_000;

export class SessionList {
  /**
   * @param {Document} root
   * @param {import("../shared/texts.js").Texts} texts
   * @param {import("./keeper.js").Keeper} keeper
   * @param {{open: (kept: object) => void, save: (kind: string, takes: object[]) => void, follow: () => void}} page
   */
  constructor(root, texts, keeper, page) {
    this.texts = texts;
    this.keeper = keeper;
    this.page = page;
    const find = (id) => root.querySelector(`#${id}`);
    this.dialog = find("kept");
    this.place = find("kept-sessions");
    this.none = find("kept-none");
    this.size = find("kept-size");
    this.fault = find("keep-fault");
    this.text = find("keep-text");
    this.sound = find("keep-sound");
    this.bound = find("keep-mb");
    this.boundFault = find("keep-mb-fault");
    this.forgetAll = find("forget-all");
    find("past").addEventListener("click", () => this.open());
    this.text.addEventListener("change", () => void this.choose({ text: this.text.checked }));
    this.sound.addEventListener("change", () => void this.choose({ sound: this.sound.checked }));
    this.bound.addEventListener("change", () => this.chooseBound());
    this.forgetAll.addEventListener("click", () =>
      this.ask(this.forgetAll, "forget_all_question", async () => (await this.keeper.store()).forgetAll()),
    );
    closeBeside(this.dialog);
  }

  open() {
    this.dialog.showModal();
    this.write();
    void this.render();
  }

  /** Show the choices. */
  write() {
    const { text, sound, megabytes } = this.keeper.choice;
    this.text.checked = text;
    this.sound.checked = sound;
    this.sound.disabled = !text;
    Object.assign(this.bound, { value: megabytes, min: LEAST_MB, max: MOST_MB, disabled: !(text && sound) });
    this.boundFault.hidden = true;
  }

  async choose(changed) {
    this.fault.hidden = true;
    this.keeper.choose(changed);
    if (this.keeper.choice.text) {
      try {
        await this.keeper.store();
        // So that the browser does not tidy them away; it may say no.
        void navigator.storage?.persist?.();
        this.page.follow();
        await this.keeper.work;
      } catch {
        this.keeper.choose({ text: false });
        this.say("keep_unavailable");
      }
    }
    this.write();
    await this.render();
  }

  chooseBound() {
    const megabytes = this.bound.valueAsNumber;
    const fits = isMegabytes(megabytes);
    this.boundFault.hidden = fits;
    this.bound.setAttribute("aria-invalid", String(!fits));
    if (fits) {
      this.keeper.choose({ megabytes });
    } else {
      this.boundFault.textContent = this.texts.say("not_a_number", { min: LEAST_MB, max: MOST_MB });
    }
  }

  async render() {
    let sessions = [];
    let bytes = 0;
    try {
      if (await SessionStore.exists()) {
        const store = await this.keeper.store();
        [sessions, bytes] = [await store.list(), await store.soundBytes()];
      }
    } catch {
      this.say("keep_unavailable");
    }
    this.place.replaceChildren(...sessions.map((session) => this.row(session)));
    this.none.hidden = sessions.length > 0;
    this.forgetAll.hidden = sessions.length === 0;
    this.size.hidden = bytes === 0;
    this.size.textContent = this.texts.say("kept_size", { megabytes: (bytes / MB).toFixed(1) });
  }

  row(session) {
    const row = element("li", {});
    const name = element("strong", { textContent: session.name || session.opening });
    const date = this.texts.date(session.startedAt, { dateStyle: "medium", timeStyle: "short" });
    const traits = [date, this.texts.say("kept_sentences", { count: session.sentences })];
    if (session.id === this.keeper.page.session?.id) {
      traits.push(this.texts.say("kept_here"));
    }
    const about = element("p", { className: "fine", textContent: traits.join(" · ") });
    const tools = element("div", { className: "tools" });
    row.append(name, about, tools);
    const add = (key, call) => {
      const button = element("button", { type: "button", className: "small", textContent: this.texts.say(key) });
      button.setAttribute("aria-label", this.texts.say("of_session", { action: button.textContent, name: name.textContent }));
      button.addEventListener("click", () => call(button));
      tools.append(button);
      return button;
    };
    add("open_session", () => void this.load(session, (kept) => {
      this.dialog.close();
      this.page.open(kept);
    }));
    add("rename", () => this.rename(session, name));
    const menu = element("div", { className: "menu-place" });
    const save = add("save", () => {});
    save.replaceWith(menu);
    menu.append(save);
    new SaveMenu(save, this.texts, (kind) => void this.load(session, ({ takes }) => this.page.save(kind, takes)));
    add("forget", (button) =>
      this.ask(button, "forget_question", async () => (await this.keeper.store()).forget(session.id)),
    );
    return row;
  }

  async load({ id }, use) {
    let kept;
    try {
      kept = await (await this.keeper.store()).load(id);
    } catch (error) {
      // Another tab may have forgotten it: the list shows what is left.
      if (!(error instanceof Forgotten)) {
        this.say("keep_unavailable");
      }
      await this.render();
      return;
    }
    use(kept);
  }

  rename(session, name) {
    const field = element("input", { type: "text", value: name.textContent, maxLength: 200 });
    field.setAttribute("aria-label", this.texts.say("session_name"));
    const row = name.parentElement;
    let isOver = false;
    const keep = async (isKept) => {
      // A field that goes away loses the focus, and is asked once more.
      if (isOver) {
        return;
      }
      isOver = true;
      field.replaceWith(name);
      if (isKept && field.value.trim() !== "") {
        await (await this.keeper.store()).rename(session.id, field.value.trim()).catch(() => {});
        await this.render();
      } else {
        row.querySelector("button").focus();
      }
    };
    field.addEventListener("keydown", (event) => {
      if ((event.key === "Enter" || event.key === "Escape") && !event.isComposing) {
        // Neither sends the form nor closes the dialog.
        event.preventDefault();
        event.stopPropagation();
        void keep(event.key === "Enter");
      }
    });
    field.addEventListener("blur", () => void keep(true));
    name.replaceWith(field);
    field.focus();
    field.select();
  }

  /** Ask in the place of a button; what is forgotten does not come back. */
  ask(button, key, forget) {
    const box = element("div", { className: "question" });
    box.setAttribute("role", "group");
    const question = element("p", { textContent: this.texts.say(key), id: "question" });
    box.setAttribute("aria-labelledby", question.id);
    const yes = element("button", { type: "button", className: "small danger", textContent: this.texts.say("forget") });
    const no = element("button", { type: "button", className: "small", textContent: this.texts.say("keep_it") });
    yes.addEventListener("click", async () => {
      await forget().catch(() => this.say("keep_failed"));
      this.keeper.check();
      box.replaceWith(button);
      await this.render();
      this.dialog.querySelector("button").focus();
    });
    no.addEventListener("click", () => {
      box.replaceWith(button);
      button.focus();
    });
    box.append(question, yes, no);
    button.replaceWith(box);
    no.focus();
  }

  say(key) {
    this.fault.textContent = this.texts.say(key);
    this.fault.hidden = false;
  }
}
