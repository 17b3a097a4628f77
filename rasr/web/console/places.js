/** Parts of the console by their addresses. */

export const PARTS = ["overview", "keys", "words", "sessions"];

/** Where an address leads: `#words/ID` is the table ID of the part `words`. */
export function placeOf(hash) {
  const [name, ...rest] = hash.replace(/^#/, "").split("/");
  const detail = rest.join("/");
  try {
    return PARTS.includes(name) ? { name, detail: decodeURIComponent(detail) } : { name: PARTS[0], detail: "" };
  } catch {
    return { name, detail: "" };
  }
}
