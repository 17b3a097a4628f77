/** What a click, a double click or a key does to a sentence. */

/**
 * @param {import("./sentence_list.js").SentenceList} list
 * @param {import("./playback.js").Playback} playback
 * @param {import("./editor.js").Editor} editor
 */
export function listenTo(list, playback, editor) {
  const edit = (entry) => {
    playback.stop();
    list.choose(entry);
    editor.edit(entry);
  };
  list.place.addEventListener("click", ({ target }) => {
    const entry = list.entryOf(target);
    // A text that is being marked, to be copied, is not played.
    if (entry === undefined || target.closest("textarea") !== null || !getSelection().isCollapsed) {
      return;
    }
    const word = target.closest("data");
    if (target.closest(".edit") !== null) {
      edit(entry);
    } else if (word === null) {
      list.chooseWord(entry, null);
      playback.toggle(entry);
    } else {
      list.choose(entry);
      playback.playWord(entry, Number(word.value));
    }
  });
  list.place.addEventListener("dblclick", ({ target }) => {
    const entry = list.entryOf(target);
    if (entry !== undefined && target.closest("button, textarea") === null) {
      edit(entry);
    }
  });
  list.place.addEventListener("keydown", (event) => {
    const entry = list.entryOf(event.target);
    const steps = {
      ArrowDown: () => list.move(1),
      ArrowUp: () => list.move(-1),
      ArrowRight: () => list.moveWord(1),
      ArrowLeft: () => list.moveWord(-1),
      Home: () => list.move(-Infinity),
      End: () => list.move(Infinity),
      " ": () => playback.toggle(entry),
      Enter: () => edit(entry),
      F2: () => edit(entry),
    };
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
    if (entry !== undefined && event.target === entry.row && isPlain && event.key in steps) {
      event.preventDefault();
      steps[event.key]();
    }
  });
}
