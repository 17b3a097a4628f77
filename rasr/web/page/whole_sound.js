/** The sound of a text as a whole, by POST: to be saved, or heard where it cannot be while it is made. */

import { projectOf } from "../shared/account.js";

/** The server does not speak the text: `fault` as the websocket would tell it. */
export class NotSpoken extends Error {
  /** @param {{error_code: string, error_msg: string}} fault */
  constructor(fault) {
    super(fault.error_msg);
    this.fault = fault;
  }
}

/**
 * @param {import("../shared/account.js").Account} account
 * @param {string} text
 * @param {object} config
 * @param {AbortSignal} signal
 * @param {(bytes: number) => void} onBytes how much has come so far
 * @returns {Promise<Blob>}
 * @throws {NotSpoken} it is not spoken
 * @throws {Error} there is no answer, or its end is missing
 */
export async function wholeSound(account, text, config, signal, onBytes = () => {}) {
  const answer = await account.fetch(`/v1/${projectOf(account.held)}/tts`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    // As a stream a text may be as long as in real time.
    body: JSON.stringify({ text, config: { ...config, stream: "yes" } }),
    signal,
  });
  if (!answer.ok) {
    const found = await answer.json().catch(() => ({}));
    throw new NotSpoken({ error_code: found.error_code ?? String(answer.status), error_msg: found.error_msg ?? `HTTP ${answer.status}` });
  }
  const parts = [];
  let bytes = 0;
  const reader = answer.body.getReader();
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
    parts.push(value);
    bytes += value.length;
    onBytes(bytes);
  }
  return new Blob(parts);
}
