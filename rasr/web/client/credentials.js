/**
 * The address of a websocket, and credentials at its handshake, where a page can set no header: a token among the
 * subprotocols, or a ticket in the address; and what a server says that wants some: docs/accounts.md.
 */

import { inTime } from "./answers.js";

/** Chosen by the server; a subprotocol that says something is not sent back. */
const CHOSEN = "sis";
const TOKEN_PREFIX = "sis.token.";

/**
 * The address of a websocket.
 * @param {string | URL} url of the server
 * @param {string} project `{project_id}` of the address
 * @param {string} path within the project
 */
export function socketAddress(url, project, path) {
  const address = new URL(`/v1/${encodeURIComponent(project)}/${path}`, url);
  address.protocol = address.protocol.replace("http", "ws");
  return address.href;
}

/** The subprotocols that carry a token; none without one. */
export function protocolsOf(token) {
  return token === undefined ? [] : [CHOSEN, TOKEN_PREFIX + token];
}

/**
 * The address with a ticket, which opens one websocket.
 * @param {string} address
 * @param {() => string | Promise<string>} ticket
 */
export async function withTicket(address, ticket) {
  const ticketed = new URL(address);
  ticketed.searchParams.set("ticket", await ticket());
  return ticketed.href;
}

/**
 * Why a handshake was refused, which browsers do not tell: the server is asked once more, without a
 * websocket, whether it wants credentials.
 * @param {string} address of the websocket
 * @param {{token?: string, ticket?: Function}} shown who shows something is told too little by a question without it
 * @param {{fetch?: typeof fetch}} platform
 * @returns {Promise<{error_code: string, error_msg: string}>}
 */
export async function whyUnreachable(address, { token, ticket }, platform) {
  const refusal = token === undefined && ticket === undefined ? await refusalAt(address, platform) : null;
  return refusal ?? { error_code: "UNREACHABLE", error_msg: `no server answers at ${address}` };
}

/** Null where the server does not say that it wants credentials. */
async function refusalAt(address, platform) {
  try {
    const answer = await platform.fetch(address.replace(/^ws/, "http"), { cache: "no-store", ...inTime() });
    return answer.status === 401 ? await answer.json() : null;
  } catch {
    return null;
  }
}
