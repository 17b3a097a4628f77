/** What a person chooses before speaking: the fields, their defaults, and START's config of them. */

/** `initial` is where the page begins; the protocol itself has partials and punctuation off. */
export const FIELDS = [
  { name: "property", kind: "choice", initial: "" },
  { name: "mode", kind: "choice", initial: "continue", options: ["continue", "sentence", "short"] },
  { name: "vad_tail", kind: "number", initial: 500, min: 0, max: 3000, step: 50 },
  { name: "vad_head", kind: "number", initial: 10000, min: 0, max: 60000, step: 500 },
  { name: "max_seconds", kind: "number", initial: 30, min: 1, max: 60, step: 1 },
  { name: "interim_results", kind: "switch", initial: true },
  { name: "digit_norm", kind: "switch", initial: true },
  { name: "add_punc", kind: "switch", initial: true },
  { name: "user_words", kind: "lines", initial: "" },
  { name: "captions", kind: "switch", initial: false },
  { name: "caption_channel", kind: "name", initial: "stage", pattern: /^[A-Za-z0-9_-]{1,64}$/ },
];

const KEY = "rasr.choices";

export const initialChoices = () => Object.fromEntries(FIELDS.map(({ name, initial }) => [name, initial]));

/** The choices that `storage` has, as far as they are still allowed. */
export function loadChoices(storage) {
  const choices = initialChoices();
  let stored = {};
  try {
    stored = JSON.parse(storage.getItem(KEY)) ?? {};
  } catch {
    // Nothing, or nothing of ours, is kept there.
  }
  for (const field of FIELDS) {
    if (isAllowed(field, stored[field.name])) {
      choices[field.name] = stored[field.name];
    }
  }
  return choices;
}

export function saveChoices(storage, choices) {
  try {
    storage.setItem(KEY, JSON.stringify(choices));
  } catch {
    // A browser that keeps nothing for pages: the choices last as long as the page.
  }
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

/** The property to begin with: the one that was chosen, else one of the page's own language. */
export function chooseProperty(chosen, offers, pageLanguage) {
  const names = offers.map(({ property }) => property);
  if (names.includes(chosen)) {
    return chosen;
  }
  const spoken = pageLanguage === "zh" ? "chinese" : "english";
  return offers.find(({ language }) => language === spoken)?.property ?? names[0] ?? "english_16k_common";
}

/** Options of the client's Session. */
export function sessionOptions(choices, { hotWords }) {
  const { user_words, captions, caption_channel, ...options } = choices;
  const words = user_words.split(/[\n,，、;；]/).map((word) => word.trim()).filter(Boolean);
  return {
    ...options,
    need_word_info: true,
    word_confidence: true,
    ...(hotWords && words.length > 0 ? { user_words: words } : {}),
    ...(captions ? { caption_channel } : {}),
  };
}
