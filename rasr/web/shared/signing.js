/**
 * `SDK-HMAC-SHA256`: a request is signed with an access key, as clients of SIS do (docs/accounts.md). Browsers sign
 * with what they have (Web Crypto), which they give to https: and localhost pages only.
 */

const ALGORITHM = "SDK-HMAC-SHA256";

/** Whether this page can sign. */
export function canSign(platform = globalThis) {
  return platform.crypto?.subtle !== undefined;
}

/**
 * The headers that a signed request is sent with; `Host`, which is signed too, the browser writes itself.
 *
 * @param {{method: string, url: URL, headers?: Record<string, string>, body?: string | Uint8Array}} request headers: more that are
 *   signed, by their names in small letters
 * @param {{access: string, secret: string}} key
 * @param {{now?: Date, crypto?: Crypto}} platform
 * @returns {Promise<Record<string, string>>}
 */
export async function signed({ method, url, headers = {}, body = "" }, { access, secret }, { now = new Date(), crypto = globalThis.crypto } = {}) {
  const { subtle } = crypto;
  const date = now.toISOString().replace(/[-:]|\.\d+/g, "");
  const sent = { ...headers, "x-sdk-date": date };
  const covered = { ...sent, host: url.host };
  const names = Object.keys(covered).sort();
  const request = [
    method,
    canonicalPath(url.pathname),
    canonicalQuery(url.search),
    names.map((name) => `${name}:${covered[name].trim()}\n`).join(""),
    names.join(";"),
    hex(await subtle.digest("SHA-256", typeof body === "string" ? bytes(body) : body)),
  ].join("\n");
  const text = [ALGORITHM, date, hex(await subtle.digest("SHA-256", bytes(request)))].join("\n");
  const key = await subtle.importKey("raw", bytes(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const signature = hex(await subtle.sign("HMAC", key, bytes(text)));
  return { ...sent, authorization: `${ALGORITHM} Access=${access}, SignedHeaders=${names.join(";")}, Signature=${signature}` };
}

function canonicalPath(path) {
  const text = decodeURIComponent(path).split("/").map(encoded).join("/");
  return text.endsWith("/") ? text : `${text}/`;
}

function canonicalQuery(search) {
  const pairs = search.replace(/^\?/, "").split("&").map((part) => {
    const [name, ...value] = part.split("=");
    return [name, value.join("=")].map(decodeURIComponent);
  });
  const sorted = pairs.filter(([name]) => name !== "").sort(([a, x], [b, y]) => compare(a, b) || compare(x, y));
  return sorted.map((pair) => pair.map(encoded).join("=")).join("&");
}

function compare(a, b) {
  return Number(a > b) - Number(a < b);
}

function encoded(text) {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

function bytes(text) {
  return new TextEncoder().encode(text);
}

function hex(buffer) {
  return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
