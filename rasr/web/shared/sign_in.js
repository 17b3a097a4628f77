/** The dialog that asks who uses the page, and the line that says who does. */

import { SignInFault } from "./account.js";
import { tellFault, whileBusy } from "./busy.js";

/** What the commands of the server call it where nothing else is said. */
const DEFAULT_DOMAIN = "default";
/** So many wrong passwords in a row lock a user: docs/accounts.md. */
const WRONG_UNTIL_LOCKED = 5;
/** Faults that the domain or the project may be the reason of. */
const OF_THE_PLACE = new Set(["sign_in_wrong", "sign_in_which", "sign_in_no_project"]);

export class SignIn {
  /**
   * @param {Document} root
   * @param {import("./texts.js").Texts} texts
   * @param {import("./account.js").Account} account
   * @param {{onSignOut: () => Promise<void>}} calls
   */
  constructor(root, texts, account, { onSignOut }) {
    Object.assign(this, { texts, account });
    const find = (selector) => root.querySelector(selector);
    this.dialog = find("#sign-in");
    this.form = find("#sign-in-form");
    this.title = find("#sign-in-title");
    this.why = find("#sign-in-why");
    this.fault = find("#sign-in-fault");
    this.more = find("#sign-in-more");
    this.button = find("#sign-in-send");
    this.who = find("#who");
    this.whoName = find("#who-name");
    this.opener = find("#sign-in-open");
    this.leaver = find("#sign-out");
    const field = (name) => find(`#sign-in-${name}`);
    this.fields = { user: field("user"), password: field("password"), domain: field("domain"), project: field("project") };
    this.keyFields = { access: field("access"), secret: field("secret"), project: field("project-id") };
    this.stays = field("stays");
    this.kinds = [...this.form.elements.kind];
    this.groups = { password: [field("by-password"), this.more, field("staying")], key: [field("by-key")] };
    for (const one of this.kinds) {
      one.addEventListener("change", () => {
        this.tell(null);
        this.renderKind();
      });
    }
    /** "needed" or "expired". */
    this.reason = "needed";
    /** What is said below the fields: the name of its text, and the values in it. */
    this.told = null;
    /** Wrong passwords in a row, and whose. */
    this.wrong = { whose: "", times: 0 };
    /** @type {Promise<boolean> | null} one question at a time */
    this.question = null;
    this.answer = () => {};
    account.ask = (reason) => this.ask(reason);
    account.addEventListener("change", () => this.render());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void whileBusy(this.button, () => this.send());
    });
    find("#sign-in-cancel").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("close", () => this.closed());
    this.opener.addEventListener("click", () => void this.ask("needed"));
    this.leaver.addEventListener("click", () => void onSignOut());
  }

  /** @returns {Promise<boolean>} whether somebody has signed in */
  ask(reason) {
    if (this.question === null) {
      const { held } = this.account;
      this.reason = reason;
      this.tell(null);
      const { user, domain, project } = this.fields;
      const key = this.keyFields;
      const isExpired = reason === "expired";
      domain.value ||= DEFAULT_DOMAIN;
      if (isExpired) {
        this.kinds.find(({ value }) => value === (held.key === undefined ? "password" : "key")).checked = true;
        // What was begun in a project goes on there.
        [domain.value, project.value] = held.key === undefined ? [held.domain, held.project.name] : [domain.value, project.value];
        key.project.value = held.project.id;
      }
      if (held?.key === undefined) {
        user.value ||= held?.user ?? "";
      } else {
        key.access.value = held.key.access;
      }
      for (const field of [domain, project, key.project, ...this.kinds.filter(({ checked }) => !checked)]) {
        field[field.type === "radio" ? "disabled" : "readOnly"] = isExpired;
      }
      this.stays.checked = false;
      this.question = new Promise((resolve) => {
        this.answer = resolve;
      });
      this.render();
      this.dialog.showModal();
      this.focusFirst();
    }
    return this.question;
  }

  /** "password" or "key" */
  get kind() {
    return this.kinds.find(({ checked }) => checked).value;
  }

  focusFirst() {
    const { user, password } = this.fields;
    const { access, secret } = this.keyFields;
    const [name, proof] = this.kind === "key" ? [access, secret] : [user, password];
    (name.value === "" ? name : proof).focus();
  }

  async send() {
    if (this.kind === "key" && !this.account.canSign) {
      this.tell(["sign_in_cannot_sign"]);
      return;
    }
    const fields = this.kind === "key" ? this.keyFields : { user: this.fields.user, password: this.fields.password, domain: this.fields.domain };
    const missing = Object.values(fields).find(({ value }) => value.trim() === "");
    if (missing !== undefined) {
      this.more.open ||= missing === this.fields.domain;
      this.tell([this.kind === "key" ? "sign_in_key_missing" : "sign_in_missing"]);
      missing.focus();
      return;
    }
    try {
      await this.signIn();
      this.wrong.times = 0;
      this.answer(true);
      this.dialog.close();
    } catch (error) {
      if (!(error instanceof SignInFault)) {
        throw error;
      }
      this.refused(error);
    }
  }

  signIn() {
    if (this.kind === "key") {
      const { access, secret, project } = this.keyFields;
      return this.account.signInWithKey({ access: access.value.trim(), secret: secret.value.trim(), project: project.value.trim() });
    }
    const { user, password, domain, project } = this.fields;
    return this.account.signIn({
      user: user.value.trim(),
      password: password.value,
      domain: domain.value.trim(),
      project: project.value.trim(),
      stays: this.stays.checked,
    });
  }

  refused({ name, values }) {
    if (this.kind === "key") {
      this.tell([name, values]);
      const { secret, project } = this.keyFields;
      (name === "sign_in_key_project" && !project.readOnly ? project : secret).focus();
      return;
    }
    const { user, password, domain, project } = this.fields;
    const whose = `${domain.value}/${user.value}`;
    if (name === "sign_in_wrong") {
      this.wrong = { whose, times: this.wrong.whose === whose ? this.wrong.times + 1 : 1 };
    }
    // The server does not say that a user is locked: that would tell whoever guesses that there is one.
    const isLocked = name === "sign_in_wrong" && this.wrong.times >= WRONG_UNTIL_LOCKED;
    this.tell([isLocked ? "sign_in_locked" : name, values]);
    this.more.open ||= OF_THE_PLACE.has(name);
    if (name === "sign_in_which" || name === "sign_in_no_project") {
      project.focus();
    } else {
      password.focus();
      password.select();
    }
  }

  closed() {
    // Nothing of it stays in the page.
    this.fields.password.value = this.keyFields.secret.value = "";
    this.question = null;
    this.answer(false);
  }

  tell(told) {
    this.told = told;
    this.write();
  }

  write() {
    tellFault(this.fault, this.told === null ? null : this.texts.say(...this.told));
  }

  renderKind() {
    for (const [kind, groups] of Object.entries(this.groups)) {
      for (const group of groups) {
        group.hidden = kind !== this.kind;
      }
    }
    if (this.kind === "key" && !this.account.canSign) {
      this.tell(["sign_in_cannot_sign"]);
    }
  }

  /** Who is signed in, and the texts of the dialog. */
  render() {
    const { held, wanted } = this.account;
    this.who.hidden = held === null && wanted !== "password";
    this.opener.hidden = held !== null;
    this.leaver.hidden = held === null;
    this.whoName.textContent =
      held === null ? "" : this.texts.say("signed_in_as", { user: held.user, project: held.project.name });
    this.why.textContent = this.texts.say(`sign_in_${this.reason}`);
    this.renderKind();
    this.write();
  }
}
