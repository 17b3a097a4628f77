/** Why there is no microphone: the names of texts. */

import { MicrophoneError } from "../client/microphone.js";

/** @returns {{name: string, values?: object}} */
export function faultOfMicrophone(error) {
  if (!(error instanceof MicrophoneError)) {
    return { name: "failed", values: { message: error.message } };
  }
  switch (error.reason) {
    case "unreachable":
      return { name: error.cause?.name === "TimeoutError" ? "unanswered" : "gone" };
    case "denied":
      return { name: deniedBy(error.cause?.message ?? "") };
    default:
      return { name: error.reason, values: { port: location.port || "8765" } };
  }
}

/** Chromium says in its message who has refused; each has another cure. */
function deniedBy(message) {
  if (/by system/i.test(message)) {
    return "denied_system";
  }
  return /dismissed/i.test(message) ? "denied_once" : "denied";
}
