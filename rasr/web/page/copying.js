/** A button that copies what is shown beside it. */

const TOLD_MS = 2000;

/**
 * @param {import("./texts.js").Texts} texts
 * @param {() => string} content what is copied
 * @returns {HTMLButtonElement}
 */
export function copyButton(texts, content) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "small copy";
  button.textContent = texts.say("copy_it");
  button.addEventListener("click", async () => {
    let told = "copied_it";
    try {
      await navigator.clipboard.writeText(content());
    } catch {
      told = "copy_failed";
    }
    button.textContent = texts.say(told);
    setTimeout(() => {
      button.textContent = texts.say("copy_it");
    }, TOLD_MS);
  });
  return button;
}
