/** What a person chooses before speaking: the fields, their defaults, and START's config of them. */

/**
 * `initial` is where the page begins; the protocol itself has partials and punctuation off. The
 * order is that of use. `beside`: chosen beside the button; `advanced`: rarely of use.
 */
export const FIELDS = [
  { name: "property", kind: "choice", initial: "", beside: true },
  { name: "mode", kind: "choice", initial: "continue", options: ["continue", "sentence", "short"], beside: true },
  { name: "interim_results", kind: "switch", initial: true },
  { name: "add_punc", kind: "switch", initial: true },
  { name: "digit_norm", kind: "switch", initial: true },
  { name: "user_words", kind: "lines", initial: "" },
  { name: "captions", kind: "switch", initial: false },
  { name: "caption_channel", kind: "name", initial: "stage", pattern: /^[A-Za-z0-9_-]{1,64}$/ },
  { name: "vad_tail", kind: "number", initial: 500, min: 0, max: 3000, step: 50, advanced: true },
  { name: "max_seconds", kind: "number", initial: 30, min: 1, max: 60, step: 1, advanced: true },
  { name: "vad_head", kind: "number", initial: 10000, min: 0, max: 60000, step: 500, advanced: true },
  { name: "clean_up", kind: "switch", initial: false, advanced: true },
];

const KEY = "rasr.choices";

export const initialChoices = (fields = FIELDS) => Object.fromEntries(fields.map(({ name, initial }) => [name, initial]));

/** The choices of a person, kept by the browser; "change" is told when one has changed. */
export class Choices extends EventTarget {
  /** @param {import("../shared/storage.js").PageStorage} storage @param {object[]} fields what there is to choose @param {string} key under which it is kept */
  constructor(storage, fields = FIELDS, key = KEY) {
    super();
    this.storage = storage;
    this.fields = fields;
    this.key = key;
    /** What a person has chosen: nothing else is kept. */
    this.chosen = loadChoices(storage, fields, key);
    this.values = { ...initialChoices(fields), ...this.chosen };
  }

  /** A person chooses. */
  change(changed) {
    this.chosen = { ...this.chosen, ...changed };
    this.storage.setItem(this.key, JSON.stringify(this.chosen));
    this.suppose(changed);
  }

  /** Values for this visit that nobody has chosen. */
  suppose(changed) {
    this.values = { ...this.values, ...changed };
    this.dispatchEvent(new Event("change"));
  }

  /** Back to the defaults of all that is not chosen beside the button. */
  reset() {
    const others = this.fields.filter(({ beside }) => !beside);
    this.chosen = Object.fromEntries(Object.entries(this.chosen).filter(([name]) => !others.some((one) => one.name === name)));
    this.change({});
    this.suppose(Object.fromEntries(others.map(({ name, initial }) => [name, initial])));
  }
}

/** The choices that `storage` has, as far as they are still allowed. */
function loadChoices(storage, fields, key) {
  const choices = {};
  let stored = {};
  try {
    stored = JSON.parse(storage.getItem(key)) ?? {};
  } catch {
    // Nothing, or nothing of ours, is kept there.
  }
  for (const field of fields) {
    if (isAllowed(field, stored[field.name])) {
      choices[field.name] = stored[field.name];
    }
  }
  return choices;
}

export function isAllowed({ kind, min, max, options, pattern }, value) {
  switch (kind) {
    case "number":
      return Number.isInteger(value) && value >= min && value <= max;
    case "switch":
      return typeof value === "boolean";
    case "choice":
      return typeof value === "string" && (options === undefined || options.includes(value));
    case "name":
      return typeof value === "string" && pattern.test(value);
    default:
      return typeof value === "string";
  }
}

/** Options of the client's `listen`, and of its Session. */
export function sessionOptions(choices, { hotWords }) {
  const { user_words, captions, caption_channel, clean_up, ...options } = choices;
  const words = user_words.split(/[\n,，、;；]/).map((word) => word.trim()).filter(Boolean);
  return {
    ...options,
    need_word_info: true,
    word_confidence: true,
    ...(hotWords && words.length > 0 ? { user_words: words } : {}),
    ...(captions ? { caption_channel } : {}),
    ...(clean_up ? { cleanUp: true } : {}),
  };
}
