/** One table of hot words, to be changed and tried. What is typed is kept until it is saved, wherever one goes meanwhile. */

import { tellFault, whileBusy } from "../shared/busy.js";
import { element } from "../shared/elements.js";
import { tellApiFault } from "../shared/api.js";
import { Pane } from "./pane.js";
import { Trial } from "./trial.js";
import { MANDARIN, MOST_WORDS, isName, languageName, review, wordsOf } from "./vocabulary.js";

const FIELDS = ["name", "language", "description", "contents"];
/** Of a table that is not there yet. */
const NEW = "";
/** So many lines that are wrong are told; the others are counted. */
const FAULTS = 5;

export class Editor {
  /**
   * @param {import("./main.js").Parts} parts
   * @param {object} calls
   * @param {() => void} calls.changed a table was changed
   * @param {(vocabulary: object) => Promise<boolean>} calls.remove
   * @param {(vocabulary: object) => void} calls.save as a file
   */
  constructor(parts, { changed, remove, save }) {
    const { root, texts, account, api, offers } = parts;
    Object.assign(this, { texts, api, offers, changed, remove });
    const find = (name) => root.querySelector(`#word-${name}`);
    this.title = root.querySelector("#editor-title");
    this.form = find("form");
    this.fields = Object.fromEntries(FIELDS.map((name) => [name, find(name)]));
    this.faults = Object.fromEntries(FIELDS.map((name) => [name, find(`${name}-fault`)]));
    this.help = find("contents-help");
    this.count = find("count");
    this.fault = find("fault");
    this.told = find("saved");
    this.saver = find("save");
    this.exporter = find("export");
    this.deleter = find("delete");
    this.trial = new Trial(parts);
    /** Id → what is typed and not saved. @type {Map<string, object>} */
    this.drafts = new Map();
    this.id = NEW;
    this.pane = new Pane(root.querySelector("#vocabulary"), texts, account, {
      load: async () => (this.id === NEW ? emptyTable() : api.ask(`asr/vocabularies/${encodeURIComponent(this.id)}`)),
      draw: (data) => this.draw(data),
      clear: () => this.clear(),
    });
    this.form.addEventListener("input", () => this.typed());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void whileBusy(this.saver, () => this.save());
    });
    this.exporter.addEventListener("click", () => save({ name: this.fields.name.value.trim() || "words", contents: wordsOf(this.fields.contents.value) }));
    this.deleter.addEventListener("click", () => void whileBusy(this.deleter, () => this.delete()));
    addEventListener("beforeunload", (event) => {
      if (this.drafts.size > 0) {
        event.preventDefault();
      }
    });
  }

  /** @param {string | null} id null: a new one */
  show(id) {
    const wanted = id ?? NEW;
    if (wanted !== this.id || this.pane.data === null) {
      this.id = wanted;
      this.pane.reset();
      this.clearFaults();
      this.tell("");
    }
    this.write();
  }

  /** A new table with something in it. */
  begin(values) {
    this.drafts.set(NEW, { ...emptyTable(), language: this.languages[0], ...values });
    this.drawn = null;
  }

  reset() {
    this.drafts.clear();
    this.pane.reset();
    this.trial.reset();
  }

  write() {
    const { texts } = this;
    this.title.textContent = this.id === NEW ? texts.say("word_new") : (this.pane.data?.name ?? "");
    this.writeLanguages(this.fields.language.value);
    this.pane.render();
    this.typed(false);
    this.trial.write();
  }

  /** That of SIS, and those that are recognised here. */
  get languages() {
    const others = this.offers.properties.map(({ language }) => language).filter((language) => language !== "chinese");
    const all = [...new Set([MANDARIN, ...others])];
    const speaks = this.offers.properties.some(({ language }) => language === "chinese");
    return speaks ? all : [...all.slice(1), MANDARIN];
  }

  writeLanguages(chosen) {
    const known = this.languages;
    const all = chosen === "" || known.includes(chosen) ? known : [chosen, ...known];
    this.fields.language.replaceChildren(...all.map((language) => element("option", { value: language, textContent: languageName(language, this.texts) })));
    this.fields.language.value = chosen === "" ? all[0] : chosen;
  }

  /** Once for each answer: what is typed since is not written over. */
  draw(data) {
    if (this.drawn === data) {
      return;
    }
    this.drawn = data;
    const { name, language, description, contents } = this.drafts.get(this.id) ?? data;
    this.fields.name.value = name;
    this.writeLanguages(language);
    this.fields.description.value = description ?? "";
    this.fields.contents.value = contents.join("\n");
    this.title.textContent = this.id === NEW ? this.texts.say("word_new") : data.name;
    this.deleter.hidden = this.id === NEW;
    this.trial.of(this.id === NEW ? null : data);
    this.typed(false);
  }

  clear() {
    this.drawn = null;
    for (const name of ["name", "description", "contents"]) {
      this.fields[name].value = "";
    }
  }

  get values() {
    const { name, language, description, contents } = this.fields;
    return { name: name.value.trim(), language: language.value, description: description.value.trim(), contents: wordsOf(contents.value) };
  }

  /** @param {boolean} [isNew] somebody has just typed */
  typed(isNew = true) {
    const { texts, fields } = this;
    const { count, repeated, faults } = review(fields.contents.value, fields.language.value);
    const isMandarin = fields.language.value === MANDARIN;
    this.help.textContent = texts.say(isMandarin ? "word_contents_help" : "word_contents_help_other");
    const counted = texts.say("word_count", { count, most: MOST_WORDS });
    this.count.textContent = repeated > 0 ? `${counted} ${texts.say("word_repeated", { count: repeated })}` : counted;
    this.count.classList.toggle("fault", count > MOST_WORDS);
    const shown = faults.slice(0, FAULTS).map(({ line, word, why, most }) => texts.say(`word_${why}`, { line, word: word.slice(0, 40), most }));
    this.list("contents", faults.length > FAULTS ? [...shown, texts.say("word_more", { count: faults.length - FAULTS })] : shown);
    if (isNew) {
      this.drafts.set(this.id, this.values);
      this.tell("word_unsaved");
      tellFault(this.fault, null);
      for (const name of ["name", "language", "description"]) {
        this.list(name, []);
      }
    }
  }

  tell(key) {
    this.told.textContent = key === "" ? "" : this.texts.say(key);
  }

  clearFaults() {
    tellFault(this.fault, null);
    FIELDS.forEach((name) => this.list(name, []));
  }

  /** What is wrong with a field. @param {string[]} sentences */
  list(name, sentences) {
    const place = this.faults[name];
    place.hidden = sentences.length === 0;
    this.fields[name].setAttribute("aria-invalid", String(sentences.length > 0));
    if (name === "contents") {
      place.replaceChildren(...sentences.map((text) => element("li", { textContent: text })));
    } else {
      place.textContent = sentences[0] ?? "";
    }
  }

  async save() {
    const { values, texts } = this;
    const { count, faults } = review(this.fields.contents.value, values.language);
    tellFault(this.fault, null);
    if (!isName(values.name)) {
      this.list("name", [texts.say("word_name_help")]);
      this.fields.name.focus();
      return;
    }
    if (count === 0) {
      this.list("contents", [texts.say("word_none")]);
    }
    if (count === 0 || count > MOST_WORDS || faults.length > 0) {
      // What else is wrong was told while it was typed.
      this.fields.contents.focus();
      return;
    }
    this.tell("word_saving");
    const id = this.id;
    const isNew = id === NEW;
    try {
      const path = isNew ? "asr/vocabularies" : `asr/vocabularies/${encodeURIComponent(id)}`;
      const { vocabulary_id } = await this.api.ask(path, { method: isNew ? "POST" : "PUT", document: values });
      this.keep(id, vocabulary_id, values);
      this.changed();
      if (this.id !== id) {
        return;
      }
      if (isNew) {
        // The address of the new one takes the place of the form for new ones.
        this.id = vocabulary_id;
        history.replaceState(null, "", `#words/${encodeURIComponent(vocabulary_id)}`);
      }
      await this.pane.reload();
      this.tell(this.drafts.has(this.id) ? "word_unsaved" : "word_saved");
    } catch (error) {
      this.tell("word_unsaved");
      this.refused(error);
    }
  }

  /** These values are saved. What was typed since then is not. */
  keep(id, savedId, values) {
    const draft = this.drafts.get(id);
    this.drafts.delete(id);
    if (draft !== undefined && JSON.stringify(draft) !== JSON.stringify(values)) {
      this.drafts.set(savedId, draft);
    }
  }

  refused(error) {
    const field = error.kind === "refused" && FIELDS.includes(error.field) ? error.field : null;
    if (field === null) {
      tellApiFault(this.fault, this.texts, error);
    } else {
      this.list(field, [error.values.message]);
      this.fields[field].focus();
    }
  }

  async delete() {
    try {
      if (await this.remove({ vocabulary_id: this.id, name: this.pane.data.name })) {
        this.drafts.delete(this.id);
        this.changed();
        location.hash = "#words";
      }
    } catch (error) {
      this.refused(error);
    }
  }
}

function emptyTable() {
  return { name: "", language: "", description: "", contents: [] };
}
