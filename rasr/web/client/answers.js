/** How long a question to a server is waited for: one that hangs keeps connections open and says nothing. */

/** An answer of HTTP, its body included. */
const ANSWER_MS = 10_000;

/** Options of `fetch`, which fails with a TimeoutError after that time. */
export function inTime(ms = ANSWER_MS) {
  return { signal: AbortSignal.timeout(ms) };
}

/** What a browser fetches by itself: as `promise`, or a TimeoutError. */
export function answered(promise) {
  const { signal } = inTime();
  const late = new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  return Promise.race([promise, late]);
}
