/**
 * Speech to text, and text to speech, with a rasr server, from any web page:
 *
 *     import { listen } from "http://127.0.0.1:8765/client/rasr.js";
 *
 * No dependencies. Types are in `rasr.d.ts` beside it, the protocol in docs/protocol.md.
 */

import { documentAt } from "./answers.js";
import { JobError, RecordingJobs } from "./jobs.js";
import { Microphone, MicrophoneError } from "./microphone.js";
import { Resampler } from "./resampler.js";
import { Session, rateOf } from "./session.js";
import { Speech } from "./speech.js";

export { JobError, Microphone, MicrophoneError, RecordingJobs, Resampler, Session, Speech, rateOf };

/**
 * Speak: the microphone to a server. Call it from a click.
 *
 * @param {string | URL} url of the server
 * @param {import("./rasr.js").ListenOptions} options
 */
export async function listen(url, { cleanUp, constraints, onChunk = () => {}, onGone, ...options }) {
  /** @type {Session | null} */
  let session = null;
  const microphone = await Microphone.open({
    rate: rateOf(options.property),
    cleanUp,
    constraints,
    onGone,
    onChunk(chunk, level) {
      onChunk(chunk, level);
      session?.send(chunk);
    },
  });
  try {
    session = new Session(url, options);
  } catch (error) {
    await microphone.close();
    throw error;
  }
  session.addEventListener("end", () => microphone.close());
  return {
    session,
    microphone,
    async stop() {
      await microphone.close();
      return session.end();
    },
  };
}

/**
 * Have a text spoken: sound and words come as events.
 *
 * @param {string | URL} url of the server
 * @param {string} text plain, or SSML
 * @param {import("./rasr.js").SpeechOptions} options
 */
export function speak(url, text, options = {}) {
  return new Speech(url, text, options);
}

/**
 * What a server offers for `property`.
 *
 * @param {string | URL} url of the server
 * @returns {Promise<import("./rasr.js").Offer[]>}
 */
export async function properties(url) {
  return (await documentAt(addressAt("/properties", url))).properties;
}

/**
 * Who can speak on a server, and who speaks for the official names: what `property` of `speak` may be.
 *
 * @param {string | URL} url of the server
 * @param {{project?: string, token?: string}} options
 * @returns {Promise<import("./rasr.js").Voices>}
 */
export async function voices(url, { project = "any", token } = {}) {
  const shown = token === undefined ? {} : { "x-auth-token": token };
  return documentAt(addressAt(`/v1/${encodeURIComponent(project)}/tts/voices`, url), shown);
}

function addressAt(path, url) {
  const address = new URL(path, url);
  address.protocol = address.protocol.replace("ws", "http");
  return address;
}
