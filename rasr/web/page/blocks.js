/**
 * Rows in blocks, of which only those near the window are elements. A block that is far away is one
 * empty element of the same height, so that ten hours of sentences cost a page as little as ten
 * minutes.
 */

/** Rows of a block. */
const ROWS = 25;
/** How far beyond the window blocks are elements: its own height, so that the next Tab has a place to go. */
const MARGIN = "100% 0px";
/**
 * So many new blocks are elements before the browser has said where they are. It does not say so in a
 * tab that nobody looks at.
 */
const FRESH = 4;
/** Of a row that has never been measured, px. */
const ROW_HEIGHT = 46;

/**
 * @typedef {object} Block
 * @property {HTMLElement} element
 * @property {object[]} entries
 * @property {boolean} isShown
 */

export class Blocks {
  /**
   * @param {(entry: object) => HTMLElement} makeRow
   * @param {(entry: object) => boolean} isHeld the row stays an element, wherever it is
   */
  constructor(makeRow, isHeld) {
    this.makeRow = makeRow;
    this.isHeld = isHeld;
    /** @type {Map<Element, Block>} */
    this.blocks = new Map();
    /** Blocks that are far away and could not be emptied. @type {Set<Block>} */
    this.late = new Set();
    /** Blocks of which the browser has not said yet where they are. @type {Block[]} */
    this.fresh = [];
    this.observer = new IntersectionObserver((seen) => this.look(seen), { rootMargin: MARGIN });
    window.addEventListener("beforeprint", () => this.blocks.forEach((block) => this.show(block)));
    window.addEventListener("afterprint", () => this.lookAgain());
  }

  /**
   * Put an entry at the end of `place`; its `block` is set, and its `row` while it is an element.
   * @param {boolean} isNear a new block is an element at once; else when the window comes near it
   */
  add(place, entry, isNear) {
    let block = this.blocks.get(place.lastElementChild);
    if (block === undefined || block.entries.length >= ROWS) {
      block = { element: document.createElement("div"), entries: [], isShown: isNear };
      block.element.className = "block";
      place.append(block.element);
      this.blocks.set(block.element, block);
      this.observer.observe(block.element);
      if (isNear) {
        this.fresh.push(block);
        this.settle();
      }
    }
    block.entries.push(entry);
    entry.block = block;
    entry.row = null;
    if (block.isShown) {
      entry.row = this.makeRow(entry);
      block.element.append(entry.row);
    } else {
      this.stretch(block, block.entries.length * ROW_HEIGHT);
    }
  }

  /** Empty the blocks that are not the newest, if the browser does not say where they are. */
  settle() {
    while (this.fresh.length > FRESH) {
      const block = this.fresh.shift();
      this.hide(block, block.entries.length * ROW_HEIGHT);
    }
  }

  clear() {
    this.fresh = [];
    this.observer.disconnect();
    this.blocks.clear();
    this.late.clear();
  }

  /** Make the row of an entry anew, if it is an element. */
  refresh(entry) {
    if (entry.row !== null) {
      const row = this.makeRow(entry);
      entry.row.replaceWith(row);
      entry.row = row;
    }
  }

  /** @returns {object[]} entries that are elements now */
  get shown() {
    return [...this.blocks.values()].filter(({ isShown }) => isShown).flatMap(({ entries }) => entries);
  }

  show(block) {
    if (!block.isShown) {
      block.isShown = true;
      this.stretch(block, null);
      for (const entry of block.entries) {
        entry.row = this.makeRow(entry);
      }
      block.element.replaceChildren(...block.entries.map(({ row }) => row));
    }
  }

  hide(block, height) {
    if (!block.isShown) {
      return;
    }
    if (block.entries.some(this.isHeld)) {
      this.late.add(block);
      return;
    }
    this.late.delete(block);
    block.isShown = false;
    block.element.replaceChildren();
    this.stretch(block, height);
    for (const entry of block.entries) {
      entry.row = null;
    }
  }

  look(seen) {
    // What was held when it left may be free now.
    const late = [...this.late];
    const targets = new Set(seen.map(({ target }) => target));
    this.fresh = this.fresh.filter(({ element }) => !targets.has(element));
    for (const { target, isIntersecting, boundingClientRect } of seen) {
      const block = this.blocks.get(target);
      if (block === undefined) {
        continue;
      }
      if (isIntersecting) {
        this.late.delete(block);
        this.show(block);
      } else {
        this.hide(block, boundingClientRect.height);
      }
    }
    for (const block of late) {
      if (this.late.has(block)) {
        this.hide(block, block.element.offsetHeight);
      }
    }
  }

  lookAgain() {
    this.observer.disconnect();
    for (const element of this.blocks.keys()) {
      this.observer.observe(element);
    }
  }

  stretch({ element }, height) {
    element.style.height = height === null ? "" : `${height}px`;
  }
}
