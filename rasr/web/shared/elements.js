/** Small things that several parts of the page make of elements. */

/** @param {string} tag @param {object} properties of the new element */
export function element(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}

/** Let a dialog be closed by a click beside it. @param {HTMLDialogElement} dialog */
export function closeBeside(dialog) {
  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog) {
      dialog.close();
    }
  });
}
