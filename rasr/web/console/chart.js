/** Lines over time, as SVG. What is drawn stands in a table beside it, for those who do not see it. */

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 150;
/** Room for the numbers at the left, the times below, and half a number above. */
const LEFT = 46;
const BELOW = 22;
const ABOVE = 10;
const RIGHT = 8;
/** Between two times below, px: as much as a time takes, and air. */
const TIME_PX = 84;

/** A round number that is not below `value`, and steps from 0 to it. @returns {number[]} */
export function ticks(value) {
  if (value <= 0) {
    return [0, 1];
  }
  const size = 10 ** Math.floor(Math.log10(value));
  const step = [0.2, 0.5, 1, 2, 5, 10].map((one) => one * size).find((one) => value / one <= 4);
  const count = Math.ceil(value / step - 1e-9);
  // Without the small errors that sums of fractions have.
  return Array.from({ length: count + 1 }, (_, at) => Number((at * step).toPrecision(12)));
}

/**
 * The path through values; a step without a value interrupts it, and one that stands alone is left out: see `alone`.
 *
 * @param {(number | null)[]} values
 * @param {(at: number) => number} x
 * @param {(value: number) => number} y
 */
export function pathOf(values, x, y) {
  let path = "";
  values.forEach((value, at) => {
    if (value !== null && !isAlone(values, at)) {
      path += `${(values[at - 1] ?? null) === null ? "M" : "L"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    }
  });
  return path;
}

/** The steps whose values have none beside them: they are drawn as dots. @param {(number | null)[]} values */
export function alone(values) {
  return [...values.keys()].filter((at) => values[at] !== null && isAlone(values, at));
}

function isAlone(values, at) {
  return (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null;
}

/**
 * @typedef {object} Drawing
 * @property {string} label what it shows, in a sentence
 * @property {{values: (number | null)[], line: number}[]} lines each with the number of its look
 * @property {{from: number, to: number, step: number}} times
 * @property {(value: number) => string} number how a value is written
 * @property {(at: number, isDay: boolean) => string} time
 */

export class Chart {
  /** @param {HTMLElement} place @param {(at: number | null) => void} onPoint is told the step under the pointer */
  constructor(place, onPoint) {
    this.place = place;
    this.onPoint = onPoint;
    /** @type {Drawing | null} */
    this.drawing = null;
    this.svg = make("svg", { role: "img", height: HEIGHT, width: "100%" });
    place.append(this.svg);
    this.svg.addEventListener("pointermove", (event) => this.point(event));
    this.svg.addEventListener("pointerleave", () => this.point(null));
    new ResizeObserver(() => this.render()).observe(place);
  }

  /** @param {Drawing} drawing */
  draw(drawing) {
    this.drawing = drawing;
    this.render();
  }

  get width() {
    return Math.max(this.place.clientWidth, LEFT + TIME_PX);
  }

  render() {
    if (this.drawing === null || this.place.clientWidth === 0) {
      return;
    }
    const { label, lines, number } = this.drawing;
    const { width } = this;
    const steps = ticks(Math.max(0, ...lines.flatMap(({ values }) => values.map((value) => value ?? 0))));
    const top = steps.at(-1);
    const y = (value) => HEIGHT - BELOW - (value / top) * (HEIGHT - BELOW - ABOVE);
    this.svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    this.svg.setAttribute("aria-label", label);
    const rules = steps.flatMap((step) => [
      make("line", { class: "rule", x1: LEFT, x2: width - RIGHT, y1: y(step), y2: y(step) }),
      make("text", { class: "scale", x: LEFT - 6, y: y(step) + 4, "text-anchor": "end" }, number(step)),
    ]);
    const paths = lines.map(({ values, line }) =>
      make("path", { class: `line line-${line}`, d: pathOf(values, (at) => this.x(at), y) }),
    );
    const dots = lines.flatMap(({ values, line }) =>
      alone(values).map((at) => make("circle", { class: `line line-${line} dot`, cx: this.x(at), cy: y(values[at]), r: 1.5 })),
    );
    this.cursor = make("line", { class: "cursor", y1: ABOVE, y2: HEIGHT - BELOW, visibility: "hidden" });
    this.svg.replaceChildren(...rules, ...this.timesBelow(), this.cursor, ...paths, ...dots);
  }

  /** The middle of a step. */
  x(at) {
    return LEFT + ((at + 0.5) / this.count) * (this.width - LEFT - RIGHT);
  }

  get count() {
    const { from, to, step } = this.drawing.times;
    return Math.round((to - from) / step);
  }

  timesBelow() {
    const { times, time } = this.drawing;
    const isDay = times.to - times.from > 2 * 86_400_000;
    const room = Math.max(1, Math.floor((this.width - LEFT - RIGHT) / TIME_PX));
    const units = isDay ? [1, 2, 4] : [3, 6, 12];
    const hours = isDay ? 24 : 1;
    const length = (times.to - times.from) / 3_600_000;
    const every = units.map((one) => one * hours).find((one) => length / one <= room) ?? units.at(-1) * hours;
    const marks = [];
    const at = new Date(times.from);
    at.setHours(0, 0, 0, 0);
    while (at.getTime() < times.to) {
      const x = LEFT + ((at.getTime() - times.from) / (times.to - times.from)) * (this.width - LEFT - RIGHT);
      if (at.getTime() >= times.from && x < this.width - RIGHT - 18) {
        marks.push(
          make("line", { class: "rule", x1: x, x2: x, y1: HEIGHT - BELOW, y2: HEIGHT - BELOW + 4 }),
          make("text", { class: "scale", x, y: HEIGHT - 5, "text-anchor": "middle" }, time(at.getTime(), isDay)),
        );
      }
      at.setHours(at.getHours() + every);
    }
    return marks;
  }

  point(event) {
    if (this.drawing === null || this.cursor === undefined) {
      return;
    }
    let at = null;
    if (event !== null) {
      const { left, width } = this.svg.getBoundingClientRect();
      const x = ((event.clientX - left) / width) * this.width;
      at = Math.floor(((x - LEFT) / (this.width - LEFT - RIGHT)) * this.count);
      at = at >= 0 && at < this.count ? at : null;
    }
    this.cursor.setAttribute("visibility", at === null ? "hidden" : "visible");
    if (at !== null) {
      this.cursor.setAttribute("x1", this.x(at));
      this.cursor.setAttribute("x2", this.x(at));
    }
    this.onPoint(at);
  }
}

/** A sample of a line, for a legend. */
export function sample(line) {
  const svg = make("svg", { class: "sample", width: 28, height: 10, viewBox: "0 0 28 10", "aria-hidden": "true" });
  svg.append(make("path", { class: `line line-${line}`, d: "M1 5H27" }));
  return svg;
}

function make(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  if (text !== undefined) {
    made.textContent = text;
  }
  return made;
}
