/** The microphone: chunks of 100 ms at the rate that is asked for. */

import { answered } from "./answers.js";

/**
 * Why there is no sound: `reason` is "insecure", "unsupported", "unreachable" (the server that has
 * this module), "denied", "missing", "busy" or "soundless" (the browser's sound does not start).
 */
export class MicrophoneError extends Error {
  constructor(reason, message, cause) {
    super(message, { cause });
    this.name = "MicrophoneError";
    this.reason = reason;
  }
}

const REASONS = {
  NotAllowedError: ["denied", "the microphone was not allowed"],
  SecurityError: ["denied", "the microphone was not allowed"],
  NotFoundError: ["missing", "there is no microphone"],
  OverconstrainedError: ["missing", "there is no such microphone"],
  NotReadableError: ["busy", "the microphone cannot be read: another program may have it"],
  AbortError: ["busy", "the microphone could not be started"],
};

/** Firefox without a loudspeaker never starts sound, and says nothing of it. */
const SOUND_STARTS_MS = 5000;

export class Microphone {
  /**
   * Ask for the microphone and begin to listen. Call it from a click: browsers start no sound
   * otherwise.
   *
   * @param {object} options
   * @param {number} options.rate Hz of the chunks
   * @param {(chunk: Int16Array, level: number) => void} options.onChunk level: RMS, 0 to 1
   * @param {() => void} [options.onGone] the microphone was taken away
   * @param {boolean} [options.cleanUp] the browser takes echo and noise out of the sound and evens its
   *   loudness: good for ears, but it distorts speech for a recogniser
   * @param {MediaTrackConstraints} [options.constraints]
   * @returns {Promise<Microphone>}
   */
  static async open({ rate, onChunk, onGone = () => {}, cleanUp = false, constraints = {} }) {
    if (!globalThis.isSecureContext) {
      throw new MicrophoneError("insecure", "browsers give the microphone to https: and localhost pages only");
    }
    if (!navigator.mediaDevices?.getUserMedia || !globalThis.AudioWorkletNode) {
      throw new MicrophoneError("unsupported", "this browser has no microphone for web pages");
    }
    const context = new AudioContext({ latencyHint: "interactive" });
    // First what takes time, so that not a word is missed once there is sound.
    const worklet = new URL("./capture.worklet.js", import.meta.url);
    try {
      await answered(context.audioWorklet.addModule(worklet));
    } catch (error) {
      await context.close();
      throw new MicrophoneError("unreachable", `${worklet} cannot be loaded`, error);
    }
    let stream = null;
    try {
      const processing = { echoCancellation: cleanUp, noiseSuppression: cleanUp, autoGainControl: cleanUp };
      stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, ...processing, ...constraints } });
      await started(context);
    } catch (error) {
      stream?.getTracks().forEach((track) => track.stop());
      await context.close();
      if (error instanceof MicrophoneError) {
        throw error;
      }
      const [reason, message] = REASONS[error.name] ?? ["unsupported", error.message];
      throw new MicrophoneError(reason, message, error);
    }
    return new Microphone(context, stream, { rate, onChunk, onGone });
  }

  constructor(context, stream, { rate, onChunk, onGone }) {
    this.context = context;
    this.stream = stream;
    this.closing = null;
    this.node = new AudioWorkletNode(context, "rasr-capture", {
      numberOfInputs: 1,
      numberOfOutputs: 1,
      processorOptions: { rate },
    });
    this.done = new Promise((resolve) => {
      this.node.port.onmessage = ({ data }) => (data.done ? resolve() : onChunk(data.chunk, data.level));
    });
    // A node is run for what it is connected to; what comes out of this one is silence.
    context.createMediaStreamSource(stream).connect(this.node).connect(context.destination);
    stream.getAudioTracks()[0].addEventListener("ended", onGone);
  }

  /** Stop listening. The last chunk, which may be short, has been given when this resolves. */
  close() {
    this.closing ??= this.finish();
    return this.closing;
  }

  async finish() {
    this.node.port.postMessage("finish");
    await this.done;
    this.stream.getTracks().forEach((track) => track.stop());
    await this.context.close();
  }
}

async function started(context) {
  let timer = null;
  const late = new Promise((_, reject) => {
    const error = new MicrophoneError("soundless", "the browser's sound does not start: it needs a loudspeaker, and a click");
    timer = setTimeout(reject, SOUND_STARTS_MS, error);
  });
  try {
    await Promise.race([context.resume(), late]);
  } finally {
    clearTimeout(timer);
  }
}
