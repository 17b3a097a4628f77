/** The box of captions: the newest lines of the cues, in which nothing that was read jumps. */

const SEPARATE = /\p{Script=Han}|[^\s\p{Script=Han}]+/gu;
const LATIN = /[\u0021-\u024f]/u;

/**
 * The words of a cue in order; a Chinese character is one. `text` has the space before it, `breaks`
 * says that a line of the server begins with it, `open` that it may still change.
 * @param {string} text lines with a line break between them
 * @param {number} stable so many characters at its beginning will hardly change
 */
function wordsOf(text, stable) {
  const words = [];
  let last = 0;
  let characters = 0;
  for (const found of text.matchAll(SEPARATE)) {
    // Between words there is white space alone.
    const gap = text.slice(last, found.index);
    const breaks = gap.includes("\n");
    // Where the page is too narrow for the server's lines, Latin words need a space there too.
    const latin = breaks && LATIN.test(text[last - 1]) && LATIN.test(found[0][0]);
    last = found.index + found[0].length;
    characters += [...gap, ...found[0]].length;
    const space = latin || (gap !== "" && !breaks) ? " " : "";
    words.push({ text: space + found[0], breaks, open: characters > stable });
  }
  return words;
}

/**
 * Cues roll up: what is there moves when a line begins below it, and in no other case, whatever
 * becomes of the sentence that is being spoken.
 */
export class Rows {
  /** @param {HTMLElement} root has #captions, in it #box, #window and #rows */
  constructor(root) {
    this.captions = root.querySelector("#captions");
    this.window = root.querySelector("#window");
    this.rows = root.querySelector("#rows");
    this.tallest = 0;
    // Lines are broken anew then.
    addEventListener("resize", () => this.measure(0));
  }

  /** Take a new cue, or the new state of one. */
  show({ id, text, final, stable = Infinity }) {
    if (this.captions.classList.contains("quiet")) this.forgetBefore(id);
    this.captions.classList.remove("quiet");
    const cue = this.cueOf(id);
    cue.dataset.final = final;
    write(cue, wordsOf(text, stable));
    this.measure(this.tallest);
    this.trim();
  }

  /** Hide everything, until there is something new. */
  hide() {
    this.captions.classList.add("quiet");
  }

  /** Forget everything. */
  clear() {
    this.rows.replaceChildren();
    this.measure(0);
  }

  /** Look how tall the cues are, at least `least`: lines that are not needed any more stay empty. */
  measure(least) {
    this.rows.style.minHeight = `${least}px`;
    this.tallest = heightOf(this.rows);
    this.rows.style.minHeight = `${this.tallest}px`;
    this.captions.classList.toggle("filled", this.rows.textContent !== "");
  }

  /** What was hidden does not come back above what is new. */
  forgetBefore(id) {
    for (const cue of [...this.rows.children]) {
      if (Number(cue.dataset.cue) < id) cue.remove();
    }
    this.measure(0);
  }

  /** Forget cues that have rolled out of sight. */
  trim() {
    let first = this.rows.firstElementChild;
    while (first !== this.rows.lastElementChild && first.dataset.final === "true") {
      const height = heightOf(first);
      if (this.tallest - height < this.window.clientHeight) return;
      first.remove();
      this.measure(this.tallest - height);
      first = this.rows.firstElementChild;
    }
  }

  cueOf(id) {
    const after = [...this.rows.children].find((cue) => Number(cue.dataset.cue) >= id) ?? null;
    if (after !== null && Number(after.dataset.cue) === id) return after;
    const cue = document.createElement("p");
    cue.dataset.cue = id;
    this.rows.insertBefore(cue, after);
    return cue;
  }
}

function heightOf(element) {
  return element.getBoundingClientRect().height;
}

/** Words that stay the same stay the same elements: only new ones fade in. */
function write(cue, words) {
  words.forEach((word, at) => {
    let element = cue.children[at];
    if (element?.textContent !== word.text) {
      const written = document.createElement("span");
      written.textContent = word.text;
      if (element === undefined) cue.append(written);
      else element.replaceWith(written);
      element = written;
    }
    element.classList.toggle("breaks", word.breaks);
    element.classList.toggle("open", word.open);
  });
  while (cue.childElementCount > words.length) cue.lastElementChild.remove();
}
