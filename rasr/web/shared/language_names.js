/** Languages: how properties name them, and how a person does. */

/** Names that no code of two letters has. */
const LONGER_CODES = { cantonese: "yue" };

let codes = null;

/** @returns {string | undefined} "en" of "english" */
function codeOf(language) {
  if (codes === null) {
    const letters = [..."abcdefghijklmnopqrstuvwxyz"];
    const names = new Intl.DisplayNames(["en"], { type: "language", fallback: "none" });
    const pairs = letters.flatMap((first) => letters.map((second) => first + second));
    codes = { ...Object.fromEntries(pairs.map((code) => [names.of(code)?.toLowerCase(), code])), ...LONGER_CODES };
  }
  return codes[language];
}

/**
 * @param {string} language as a property begins, such as "english"
 * @param {string} page language of the page
 */
export function nameOf(language, page) {
  const code = codeOf(language);
  return code === undefined
    ? language.charAt(0).toUpperCase() + language.slice(1)
    : new Intl.DisplayNames([page], { type: "language" }).of(code);
}

/** The language that a property begins with. */
export function languageOf(property) {
  return property.split("_")[0];
}
