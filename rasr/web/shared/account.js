/**
 * Who uses the page, where the server asks: a token for a name and a password, as docs/accounts.md has
 * it, or an access key that signs each request. Both are kept in memory; a token by choice also by
 * this tab, until that is closed.
 */

import { inTime } from "../client/answers.js";
import { canSign, signed } from "./signing.js";

const TOKENS = "/v3/auth/tokens";
const TAB_KEY = "rasr.sign_in";

/** The project of an address, encoded; where nobody is asked who he is, anybody can name any. */
export function projectOf(held) {
  return encodeURIComponent(held?.project.id ?? "any");
}

/** Why there is no token: the name of a text, and the values in it. */
export class SignInFault extends Error {
  constructor(name, values = {}) {
    super(name);
    this.name = name;
    this.values = values;
  }
}

/** Ends a session, with its code, that asked for a ticket. */
export class TicketRefused extends Error {
  constructor(error_code, message) {
    super(message);
    this.error_code = error_code;
  }
}

/** Tells "change" when somebody has signed in or out, or the server wants something else. */
export class Account extends EventTarget {
  /**
   * @param {string} server its address
   * @param {import("./storage.js").PageStorage} tab this tab's storage
   */
  constructor(server, tab) {
    super();
    this.server = server;
    this.tab = tab;
    /** What the server wants: "none", "password" or "token", which pages cannot have. */
    this.wanted = "none";
    /**
     * A token, or a key; whose it is, and for which project.
     * @type {{token?: string, key?: {access: string, secret: string}, user: string, domain: string, project: {id: string, name: string}, until: number} | null}
     */
    this.held = this.remembered();
    /**
     * Asks a person, and says whether he signed in; the page sets it.
     * @type {(reason: "needed" | "expired") => Promise<boolean>}
     */
    this.ask = async () => false;
  }

  /** What the server wants has become known. */
  want(wanted) {
    this.wanted = wanted;
    this.dispatchEvent(new Event("change"));
  }

  /**
   * The project that a program of this person would name.
   * @returns {string | null} null: the server asks nobody
   */
  get projectOfPrograms() {
    const isAsked = this.held !== null || this.wanted !== "none";
    return isAsked ? (this.held?.project.id ?? "YOUR_PROJECT_ID") : null;
  }

  /** What a session shows: nothing where nobody is asked. */
  get credentials() {
    return this.held === null ? {} : { project: this.held.project.id, ticket: () => this.ticket() };
  }

  /** @returns {Promise<boolean>} whether a session can be asked for: nobody is asked, or has signed in */
  async ready() {
    if (this.wanted !== "password") {
      return this.wanted === "none";
    }
    if (this.held === null) {
      return this.ask("needed");
    }
    return Date.now() < this.held.until || this.ask("expired");
  }

  /**
   * @param {{user: string, password: string, domain: string, project: string, stays: boolean}} said
   * @throws {SignInFault}
   */
  async signIn({ user, password, domain, project, stays }) {
    const identity = { methods: ["password"], password: { user: { name: user, password, domain: { name: domain } } } };
    const scope = project === "" ? {} : { scope: { project: { name: project } } };
    const answer = await this.post(TOKENS, { "content-type": "application/json" }, { auth: { identity, ...scope } });
    if (answer.status !== 201) {
      throw await faultOf(answer);
    }
    const { token } = await answer.json();
    this.held = {
      token: answer.headers.get("x-subject-token"),
      user: token.user.name,
      domain: token.user.domain.name,
      project: { id: token.project.id, name: token.project.name },
      until: Date.parse(token.expires_at),
    };
    this.remember(stays);
    this.dispatchEvent(new Event("change"));
  }

  /** Whether this page can sign with a key: on plain http of another machine browsers give nothing to do so. */
  get canSign() {
    return canSign();
  }

  /**
   * Sign each request with a key. A request that changes nothing shows whether it is good.
   * @param {{access: string, secret: string, project: string}} said project: its id
   * @throws {SignInFault}
   */
  async signInWithKey({ access, secret, project }) {
    const held = { key: { access, secret }, user: access, domain: "", project: { id: project, name: project }, until: Infinity };
    const path = `/v1/${encodeURIComponent(project)}/keys`;
    let answer;
    try {
      answer = await fetch(path, { ...inTime(), headers: await this.credentialsOf(held, path, {}), cache: "no-store" });
    } catch {
      throw new SignInFault("sign_in_gone");
    }
    // Who may not list keys is known all the same, and accounts may be kept elsewhere.
    if (!answer.ok && answer.status !== 403 && answer.status !== 404) {
      throw await faultOfKey(answer);
    }
    this.held = held;
    this.remember(false);
    this.dispatchEvent(new Event("change"));
  }

  /** @returns {Promise<boolean>} whether the server knows of it; here token and key are forgotten in any case */
  async signOut() {
    const { token } = this.held;
    this.held = null;
    this.remember(false);
    this.dispatchEvent(new Event("change"));
    if (token === undefined) {
      return true;
    }
    try {
      const headers = { "x-auth-token": token, "x-subject-token": token };
      const answer = await fetch(new URL(TOKENS, this.server), { method: "DELETE", headers, ...inTime() });
      // A token that is over needs no end.
      return answer.ok || answer.status === 401;
    } catch {
      return false;
    }
  }

  /** `fetch` with the token or a signature; where it is good no more a person is asked, and it is tried once more. */
  async fetch(path, options = {}) {
    const send = async () => {
      const credentials = this.held === null ? {} : await this.credentialsOf(this.held, path, options);
      return fetch(path, { ...inTime(), ...options, headers: { ...options.headers, ...credentials } });
    };
    const shown = this.held;
    const answer = await send();
    if (answer.status !== 401) {
      return answer;
    }
    // Somebody else may have asked meanwhile.
    const isNew = this.held !== null && this.held !== shown;
    return isNew || (await this.ask(shown === null ? "needed" : "expired")) ? send() : answer;
  }

  /** The headers that show who asks. */
  async credentialsOf({ token, key }, path, { method = "GET", body = "" }) {
    if (key === undefined) {
      return { "x-auth-token": token };
    }
    // Two requests that are the same within a second would have one signature, which is good once.
    const nonce = { "x-sdk-nonce": crypto.getRandomValues(new Uint32Array(2)).join("-") };
    return signed({ method, url: new URL(path, this.server), headers: nonce, body }, key);
  }

  /**
   * For one websocket.
   * @throws {TicketRefused} there is none, and waiting does not help
   */
  async ticket() {
    const path = () => `/v1/${projectOf(this.held)}/tickets`;
    const answer = await this.fetch(path(), { method: "POST" });
    if (answer.status === 201) {
      return (await answer.json()).ticket;
    }
    const { error_code, error_msg } = await answer.json();
    if (answer.status === 401 || answer.status === 403) {
      throw new TicketRefused(error_code, error_msg);
    }
    throw new Error(error_msg);
  }

  /**
   * Why this user's websocket was refused, which browsers do not tell.
   * @returns {Promise<{error_code: string, error_msg: string} | null>} null: not for his rights
   */
  async refusalAt(address) {
    if (this.held === null) {
      return null;
    }
    try {
      const answer = await this.fetch(address.replace(/^ws/, "http"), { cache: "no-store" });
      return answer.status === 403 ? await answer.json() : null;
    } catch {
      return null;
    }
  }

  async post(path, headers, document) {
    try {
      const body = JSON.stringify(document);
      return await fetch(new URL(path, this.server), { method: "POST", headers, body, ...inTime() });
    } catch {
      throw new SignInFault("sign_in_gone");
    }
  }

  remembered() {
    try {
      const held = JSON.parse(this.tab.getItem(TAB_KEY));
      const isWhole = [held?.token, held?.user, held?.domain, held?.project?.id].every((one) => typeof one === "string");
      return isWhole && Date.now() < held.until ? held : null;
    } catch {
      return null;
    }
  }

  remember(stays) {
    this.tab.removeItem(TAB_KEY);
    if (stays) {
      this.tab.setItem(TAB_KEY, JSON.stringify(this.held));
    }
  }
}

async function faultOf(answer) {
  const message = (await answer.json().catch(() => null))?.error?.message ?? "";
  const isProject = message.startsWith("auth.scope.project");
  switch (answer.status) {
    case 400:
      return new SignInFault(isProject ? "sign_in_which" : "sign_in_failed", { message });
    case 401:
      return new SignInFault("sign_in_wrong");
    case 403:
      return new SignInFault("sign_in_forbidden", { message });
    case 404:
      return new SignInFault(isProject ? "sign_in_no_project" : "sign_in_failed", { message });
    case 429:
      return new SignInFault("sign_in_wait", { seconds: answer.headers.get("retry-after") ?? "10" });
    default:
      return new SignInFault("sign_in_failed", { message: message || String(answer.status) });
  }
}

async function faultOfKey(answer) {
  const { error_code, error_msg = "" } = (await answer.json().catch(() => null)) ?? {};
  if (answer.status === 401) {
    const isOld = error_msg.includes("signature expired");
    return new SignInFault(error_code === "SIS.0101" ? "sign_in_key_project" : isOld ? "sign_in_clock" : "sign_in_key_wrong");
  }
  if (answer.status === 429) {
    return new SignInFault("sign_in_wait", { seconds: answer.headers.get("retry-after") ?? "10" });
  }
  return new SignInFault("sign_in_failed", { message: error_msg || String(answer.status) });
}
