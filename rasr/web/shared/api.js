/** Questions to the server about the project, and what is told where it does not answer them. */

import { inTime } from "../client/answers.js";
import { projectOf } from "./account.js";
import { tellFault } from "./busy.js";

/**
 * Why there is no answer: `kind` names its texts.
 *
 * "gone", "unanswered" and "down" pass by themselves, when the server is back; "busy" too. "signed_out" needs
 * somebody to sign in, "forbidden" a right, whose name is `values.right`. "refused" is told as the server says it.
 */
export class ApiFault extends Error {
  constructor(kind, values = {}) {
    super(kind);
    this.name = "ApiFault";
    this.kind = kind;
    this.values = values;
  }

  /** Whether the same question may be answered soon. */
  get passes() {
    return ["gone", "unanswered", "down", "busy"].includes(this.kind);
  }

  /** The field that the server complains of; null where it names none. */
  get field() {
    const named = /^'(\w+)/.exec(this.values.message ?? "")?.[1];
    return named ?? { "SIS.0203": "contents", "SIS.0204": "name", "SIS.0205": "language" }[this.values.code] ?? null;
  }
}

/** @param {{status: number, headers?: {get(name: string): string | null}}} answer @param {any} document its body, if it is JSON */
export function faultOf({ status, headers }, document) {
  const code = document?.error_code ?? String(status);
  const message = document?.error_msg ?? "";
  const values = { code, message, request: document?.request_id ?? headers?.get("x-request-id") ?? "" };
  if (status === 401) {
    return new ApiFault("signed_out", values);
  }
  const right = status === 403 ? /do not allow (\S+)/.exec(message)?.[1] : undefined;
  if (right !== undefined) {
    return new ApiFault("forbidden", { ...values, right });
  }
  if (status === 429) {
    return new ApiFault("busy", { ...values, seconds: headers?.get("retry-after") ?? "5" });
  }
  if (status >= 500) {
    return new ApiFault("down", { ...values, message: message || code });
  }
  return new ApiFault("refused", { ...values, message: message || code });
}

/**
 * Tell at a place why a question was not answered.
 * @param {HTMLElement} place
 * @param {import("./texts.js").Texts} texts
 * @param {unknown} error what `ask` threw; anything but an ApiFault is a fault of ours, and thrown on
 */
export function tellApiFault(place, texts, error) {
  if (!(error instanceof ApiFault)) {
    throw error;
  }
  tellFault(place, texts.say(`fault_${error.kind}`, error.values));
}

export class Api {
  /** @param {import("./account.js").Account} account */
  constructor(account) {
    this.account = account;
  }

  /**
   * What the server says of the project.
   *
   * @param {string} path below the project's own, such as "keys"
   * @param {{method?: string, document?: object, ms?: number}} question ms: so long the answer is waited for
   * @returns {Promise<any>} null where the answer is empty
   * @throws {ApiFault}
   */
  async ask(path, { method = "GET", document, ms } = {}) {
    const sent = document === undefined ? {} : { body: JSON.stringify(document), headers: { "content-type": "application/json" } };
    let answer;
    let text;
    try {
      answer = await this.account.fetch(`/v1/${projectOf(this.account.held)}/${path}`, { method, cache: "no-store", ...sent, ...(ms === undefined ? {} : inTime(ms)) });
      text = await answer.text();
    } catch (error) {
      throw new ApiFault(error.name === "TimeoutError" ? "unanswered" : "gone");
    }
    const found = parsed(text);
    if (!answer.ok) {
      throw faultOf(answer, found);
    }
    if (text !== "" && found === null) {
      // A proxy that answers in place of the server.
      throw new ApiFault("down", { code: String(answer.status), message: String(answer.status), request: "" });
    }
    return found;
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
