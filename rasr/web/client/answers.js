/** How long a question to a server is waited for: one that hangs keeps connections open and says nothing. */

/** An answer of HTTP, its body included. */
const ANSWER_MS = 10_000;

/** Options of `fetch`, which fails with a TimeoutError after that time. */
export function inTime(ms = ANSWER_MS) {
  return { signal: AbortSignal.timeout(ms) };
}

/**
 * The document that a server has at an address.
 *
 * @param {URL} address
 * @returns {Promise<any>}
 * @throws {Error} it does not answer, or refuses
 */
export async function documentAt(address) {
  const response = await fetch(address, inTime());
  if (!response.ok) {
    throw new Error(`${address} answered ${response.status}`);
  }
  return response.json();
}

/** What a browser fetches by itself: as `promise`, or a TimeoutError. */
export function answered(promise) {
  const { signal } = inTime();
  const late = new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  return Promise.race([promise, late]);
}
