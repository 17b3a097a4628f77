/** Buttons that copy, and say for a while whether they have. */

const TOLD_MS = 2000;

/** @param {HTMLButtonElement} button @param {import("./texts.js").Texts} texts @param {string} told key of its text */
export function tellCopied(button, texts, told) {
  button.textContent = texts.say(told);
  setTimeout(() => {
    button.textContent = texts.say("copy");
  }, TOLD_MS);
}

/**
 * A button that copies what is shown beside it.
 *
 * @param {import("./texts.js").Texts} texts
 * @param {() => string} content what is copied
 * @returns {HTMLButtonElement}
 */
export function copyButton(texts, content) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "small copy";
  button.textContent = texts.say("copy");
  button.addEventListener("click", async () => {
    let told = "copied";
    try {
      await navigator.clipboard.writeText(content());
    } catch {
      told = "copy_failed";
    }
    tellCopied(button, texts, told);
  });
  return button;
}
