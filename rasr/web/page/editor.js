/** Corrects a sentence in its place: Enter keeps the new text, Escape the old one. */

/** Letters of a sentence that a person writes. */
const LONGEST = 20_000;

export class Editor {
  /**
   * @param {import("./sentence_list.js").SentenceList} list
   * @param {import("../shared/texts.js").Texts} texts
   * @param {(entry: object, text: string) => void} onChange
   */
  constructor(list, texts, onChange) {
    this.list = list;
    this.texts = texts;
    this.onChange = onChange;
    /** @type {{entry: object, field: HTMLTextAreaElement} | null} */
    this.open = null;
  }

  get isOpen() {
    return this.open !== null;
  }

  edit(entry) {
    if (this.open?.entry === entry) {
      return;
    }
    this.close(true);
    const field = document.createElement("textarea");
    field.rows = 1;
    field.value = entry.segment.result.text;
    field.maxLength = Math.max(LONGEST, field.value.length);
    field.setAttribute("aria-label", this.texts.say("correct_label"));
    field.addEventListener("input", () => fit(field));
    field.addEventListener("keydown", (event) => this.press(event));
    field.addEventListener("blur", () => this.close(true));
    this.open = { entry, field };
    entry.row.dataset.edited = "";
    entry.row.querySelector(".words").replaceChildren(field);
    fit(field);
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
  }

  press(event) {
    // The keys of a person who still chooses characters belong to the input method.
    if (event.isComposing) {
      return;
    }
    if (event.key === "Enter" || event.key === "Escape") {
      event.preventDefault();
      const { entry } = this.open;
      this.close(event.key === "Enter");
      this.list.focus(entry);
    }
    event.stopPropagation();
  }

  /** @param {boolean} isKept else the text stays as it was */
  close(isKept) {
    if (this.open === null) {
      return;
    }
    const { entry, field } = this.open;
    this.open = null;
    delete entry.row.dataset.edited;
    try {
      if (isKept && field.value !== entry.segment.result.text) {
        this.onChange(entry, field.value);
      }
    } finally {
      this.list.rewrite(entry);
    }
  }
}

/** As high as its text. */
function fit(field) {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}
