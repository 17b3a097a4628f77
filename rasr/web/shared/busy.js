/** Buttons while what they began goes on: pressed again they do nothing, and keep the focus; and what failed of it. */

/**
 * @param {HTMLButtonElement} button
 * @param {() => Promise<void>} work
 */
export async function whileBusy(button, work) {
  if (button.getAttribute("aria-disabled") === "true") {
    return;
  }
  // Not `disabled`: that would take the focus away from who has just pressed it.
  button.setAttribute("aria-disabled", "true");
  try {
    await work();
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

/** Show a fault at its place; null: there is none. @param {HTMLElement} place @param {string | null} text */
export function tellFault(place, text) {
  place.hidden = text === null;
  if (place.textContent !== (text ?? "")) {
    place.textContent = text ?? "";
  }
}
