/** What the captions look like, as the address of the page says. */

/**
 * Apply the look that stands in the data attributes of the body.
 * @param {HTMLElement} body
 */
export function applyLook(body) {
  const look = body.dataset;
  const style = document.documentElement.style;
  for (const name of ["size", "lines", "color", "box", "background"]) {
    style.setProperty(`--${name}`, look[name]);
  }
  style.setProperty("--edge", edgeOf(look.color));
}

/** "#fa0" → "ffaa00", "#fa08" → "ffaa0088", "#ffaa00" → "ffaa00". */
export function digitsOf(color) {
  const digits = color.slice(1);
  return digits.length < 6 ? [...digits].map((digit) => digit + digit).join("") : digits;
}

/** Dark around light letters, light around dark ones. */
function edgeOf(color) {
  if (color === "transparent") return "#000";
  const digits = digitsOf(color);
  const [red, green, blue] = [0, 2, 4].map((at) => parseInt(digits.slice(at, at + 2), 16));
  return 0.299 * red + 0.587 * green + 0.114 * blue < 110 ? "#fff" : "#000";
}

/** True where the page is part of somebody's picture: in OBS, which says so itself, or in a frame. */
export function isPart() {
  return "obsstudio" in window || window.top !== window;
}
