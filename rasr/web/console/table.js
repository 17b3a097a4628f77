/** Tables that are tables on a desk, and cards on a phone; to a screen reader they are tables everywhere. */

import { element } from "../shared/elements.js";

/** Rows: with thousands of them a page answers nobody. */
export const MOST_ROWS = 200;

/**
 * What is shown of a list that may be long, and a sentence for the rest.
 *
 * @template T
 * @param {T[]} list
 * @param {import("../shared/texts.js").Texts} texts
 * @returns {{shown: T[], rest: HTMLElement[]}}
 */
export function beginning(list, texts) {
  const shown = list.slice(0, MOST_ROWS);
  const count = list.length - shown.length;
  return { shown, rest: count === 0 ? [] : [element("p", { className: "fine", textContent: texts.say("rows_more", { count: texts.number(count) }) })] };
}

/**
 * @param {string} caption
 * @param {{name: string, isNumber?: boolean}[]} columns a name that is empty is of buttons
 * @param {(string | Node)[][]} rows
 */
export function table(caption, columns, rows) {
  const whole = element("table", { className: "cards" });
  // Where CSS makes blocks of its parts, a browser forgets what they are.
  whole.setAttribute("role", "table");
  whole.append(element("caption", { className: "unseen", textContent: caption }));
  const head = part("thead", "rowgroup");
  head.append(line(columns.map(({ name }) => [name]), columns, "th"));
  const body = part("tbody", "rowgroup");
  body.append(...rows.map((cells) => line(cells.map((cell) => [cell]), columns, "td")));
  whole.append(head, body);
  return whole;
}

function line(cells, columns, tag) {
  const row = part("tr", "row");
  cells.forEach((content, at) => {
    const { name, isNumber } = columns[at];
    const cell = part(tag, tag === "th" ? "columnheader" : "cell");
    if (tag === "th") {
      cell.scope = "col";
    } else {
      cell.dataset.name = name;
    }
    cell.classList.toggle("number", isNumber === true);
    cell.append(...content);
    row.append(cell);
  });
  return row;
}

function part(tag, role) {
  const made = document.createElement(tag);
  made.setAttribute("role", role);
  return made;
}
