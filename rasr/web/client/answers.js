/** How long a question to a server is waited for: one that hangs keeps connections open and says nothing. */

/** An answer of HTTP, its body included. */
const ANSWER_MS = 10_000;

/** Options of `fetch`, which fails with a TimeoutError after that time. */
export function inTime(ms = ANSWER_MS) {
  return { signal: AbortSignal.timeout(ms) };
}

/** A signal that is aborted after a time, or with another one. @param {AbortSignal} [other] @returns {AbortSignal} */
export function within(ms, other) {
  const limit = AbortSignal.timeout(ms);
  if (other === undefined) {
    return limit;
  }
  // Not `AbortSignal.any`: browsers have it since 2024.
  const either = new AbortController();
  for (const signal of [limit, other]) {
    signal.addEventListener("abort", () => either.abort(signal.reason), { once: true });
    if (signal.aborted) {
      either.abort(signal.reason);
    }
  }
  return either.signal;
}

/**
 * The document that a server has at an address.
 *
 * @param {URL} address
 * @param {Record<string, string>} headers
 * @returns {Promise<any>}
 * @throws {Error} it does not answer, or refuses
 */
export async function documentAt(address, headers = {}) {
  const response = await fetch(address, { ...inTime(), headers });
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
