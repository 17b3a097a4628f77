/** Who says a sentence, where the server has told speakers apart. */

/** Speakers with a colour of their own; a later one has the colour of an earlier one. */
export const COLOURS = 6;

/**
 * @param {object} segment
 * @param {import("../shared/texts.js").Texts} texts
 * @returns {{number: number, name: string} | null} null: nobody told speakers apart
 */
export function speakerOf({ result }, texts) {
  const { role, speaker } = result.analysis_info ?? {};
  if (role !== undefined) {
    const isAgent = role === "AGENT";
    return { number: isAgent ? 0 : 1, name: texts.say(isAgent ? "speaker_agent" : "speaker_customer") };
  }
  return speaker === undefined ? null : { number: speaker, name: texts.say("speaker_number", { number: speaker + 1 }) };
}

/**
 * The name of a speaker in his colour.
 * @param {{number: number, name: string}} speaker
 */
export function speakerSign({ number, name }) {
  const sign = document.createElement("span");
  sign.className = "speaker";
  sign.dataset.speaker = number % COLOURS;
  sign.textContent = name;
  return sign;
}
