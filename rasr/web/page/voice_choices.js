/** What a person chooses before a text is spoken, and what of it a server is asked for. */

/** How far a slider goes at a step. */
const SCALE = { kind: "number", min: -500, max: 500, step: 50, initial: 0 };

export const VOICE_FIELDS = [
  // Empty: whoever reads the text best.
  { name: "property", kind: "choice", initial: "", beside: true },
  { name: "speed", ...SCALE },
  { name: "pitch", ...SCALE },
  { name: "volume", kind: "number", min: 0, max: 100, step: 5, initial: 50 },
];
export const VOICE_KEY = "rasr.voice";

/** Samples a second of what is heard and saved. */
export const RATE = 16000;
export const BYTES_A_SECOND = 2 * RATE;

const CHINESE = /\p{Script=Han}/u;

/** The language in which a text is read, as a server decides it. @param {string} text */
export function languageOfText(text) {
  return CHINESE.test(text) ? "chinese" : "english";
}

/**
 * Who reads a text, where a person has chosen nobody: of the voices that speak its language the preferred one, and one
 * that is quick enough before one that is not.
 *
 * @param {string} text
 * @param {import("../client/rasr.js").Voice[]} voices the preferred ones first
 * @returns {string | undefined} its name; undefined: the server's default
 */
export function voiceFor(text, voices) {
  const language = languageOfText(text);
  const fitting = voices.filter(({ languages }) => languages.includes(language));
  return (fitting.find(({ real_time }) => real_time !== false) ?? fitting[0])?.name;
}

/**
 * Fields of `config`; what is as it is without them is left out.
 *
 * @param {{property: string, speed: number, pitch: number, volume: number}} values
 * @param {string} text
 * @param {import("../client/rasr.js").Voice[]} voices
 */
export function speechConfig({ property, ...manner }, text, voices) {
  const named = property || voiceFor(text, voices);
  const changed = VOICE_FIELDS.filter(({ name, initial }) => name in manner && manner[name] !== initial);
  return {
    ...(named === undefined ? {} : { property: named }),
    ...Object.fromEntries(changed.map(({ name }) => [name, manner[name]])),
    sample_rate: String(RATE),
  };
}
