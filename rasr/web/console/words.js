/** The project's tables of hot words: the list, and one of them in the editor. */

import { tellFault } from "../shared/busy.js";
import { download } from "../shared/downloading.js";
import { element } from "../shared/elements.js";
import { tellApiFault } from "../shared/api.js";
import { Editor } from "./editor.js";
import { Pane } from "./pane.js";
import { table } from "./table.js";
import { languageName, nameOfFile, wordsOf } from "./vocabulary.js";

/** More than a project may have. */
const LIMIT = 100;
/** Of a file of words: 1024 of them take a tenth. */
const MOST_BYTES = 1 << 20;

export class Words {
  /** @param {import("./main.js").Parts} parts */
  constructor(parts) {
    const { root, texts, account, api, question } = parts;
    Object.assign(this, { texts, api, question });
    const find = (selector) => root.querySelector(selector);
    /** The id of the table that is open; "" for the list. */
    this.detail = "";
    this.list = find("#word-list");
    this.place = find("#word-editor");
    this.fault = find("#words-fault");
    this.pane = new Pane(find("#vocabularies"), texts, account, {
      load: () => api.ask(`asr/vocabularies?limit=${LIMIT}`),
      draw: (data) => this.draw(data),
    });
    this.editor = new Editor(parts, {
      changed: () => this.pane.reset(),
      remove: (vocabulary) => this.remove(vocabulary),
      save: (vocabulary) => this.download(vocabulary),
    });
    const file = find("#word-file");
    find("#word-import").addEventListener("click", () => file.click());
    file.addEventListener("change", () => {
      const [chosen] = file.files;
      file.value = "";
      void this.import(chosen);
    });
  }

  get panes() {
    return this.detail === "" ? [this.pane] : [this.editor.pane];
  }

  /** The table that the address names is shown; the list where it names none. */
  show(detail) {
    this.detail = detail;
    this.list.hidden = detail !== "";
    this.place.hidden = detail === "";
    if (detail !== "") {
      this.editor.show(detail === "new" ? null : detail);
    }
  }

  write() {
    this.pane.render();
    this.editor.write();
  }

  reset() {
    this.pane.reset();
    this.editor.reset();
  }

  draw({ result }) {
    const { texts } = this;
    if (result.length === 0) {
      this.pane.content.replaceChildren(element("p", { className: "fine", textContent: texts.say("words_none") }));
      return;
    }
    const columns = [{ name: texts.say("word_name") }, { name: texts.say("word_language") }, { name: texts.say("word_description") }, { name: texts.say("word_id") }, { name: "" }];
    const rows = result.map((vocabulary) => {
      const { vocabulary_id: id, name, language, description } = vocabulary;
      const link = element("a", { href: `#words/${encodeURIComponent(id)}`, textContent: name });
      const buttons = element("span", { className: "row-buttons" });
      buttons.append(
        this.button("word_export", "word_export_one", name, () => this.export(vocabulary)),
        this.button("word_delete", "word_delete_one", name, () => this.removeListed(vocabulary)),
      );
      buttons.lastChild.classList.add("danger");
      return [link, languageName(language, texts), description || "–", element("code", { textContent: id }), buttons];
    });
    this.pane.content.replaceChildren(table(texts.say("words"), columns, rows));
  }

  button(key, label, name, work) {
    const button = element("button", { type: "button", className: "small", textContent: this.texts.say(key) });
    button.setAttribute("aria-label", this.texts.say(label, { name }));
    button.addEventListener("click", () => void work());
    return button;
  }

  /** A file of words becomes a new table in the editor; it is kept once that is saved. */
  async import(file) {
    tellFault(this.fault, null);
    if (file.size > MOST_BYTES) {
      tellFault(this.fault, this.texts.say("word_file_large", { name: file.name }));
      return;
    }
    const words = wordsOf(await file.text());
    if (words.length === 0 || words.some((word) => word.includes("\u0000"))) {
      tellFault(this.fault, this.texts.say("word_file_empty", { name: file.name }));
      return;
    }
    this.editor.begin({ name: nameOfFile(file.name), contents: words });
    location.hash = "#words/new";
  }

  async export({ vocabulary_id: id }) {
    try {
      this.download(await this.api.ask(`asr/vocabularies/${encodeURIComponent(id)}`));
    } catch (error) {
      tellApiFault(this.fault, this.texts, error);
    }
  }

  download({ name, contents }) {
    download({ extension: "txt", type: "text/plain;charset=utf-8", content: contents.map((word) => `${word}\n`).join("") }, name);
  }

  async removeListed(vocabulary) {
    tellFault(this.fault, null);
    try {
      if (await this.remove(vocabulary)) {
        await this.pane.reload();
      }
    } catch (error) {
      tellApiFault(this.fault, this.texts, error);
    }
  }

  /** @returns {Promise<boolean>} false: it is kept @throws {ApiFault} */
  async remove({ vocabulary_id: id, name }) {
    const { texts } = this;
    const isSure = await this.question.ask({
      title: texts.say("word_delete_question"),
      text: texts.say("word_delete_text", { name }),
      yes: texts.say("word_delete"),
    });
    if (isSure) {
      await this.api.ask(`asr/vocabularies/${encodeURIComponent(id)}`, { method: "DELETE" });
    }
    return isSure;
  }
}
