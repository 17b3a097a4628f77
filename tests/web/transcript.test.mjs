// What the page makes of a transcript, without a browser.
import assert from "node:assert/strict";
import test from "node:test";

import { corrected } from "../../rasr/web/page/correction.js";
import { write } from "../../rasr/web/page/exports.js";
import { findAll, fold } from "../../rasr/web/page/search.js";
import { placeWords, splitWords } from "../../rasr/web/page/words.js";
import { zip } from "../../rasr/web/page/zip.js";

const word = (word, start_time, end_time, more = {}) => ({ word, start_time, end_time, ...more });
const spoken = (text, ...word_info) => ({ start_time: 0, end_time: 9000, is_final: true, result: { text, score: 0.9, word_info } });
const words = ({ result }) => result.word_info.map(({ word, start_time, end_time }) => [word, start_time, end_time]);
const HELLO = spoken("Hello dear world.", word("Hello", 0, 400, { confidence: 0.9 }), word("dear", 400, 700), word("world.", 1000, 1600));

test("words are found in their text, whatever its case", () => {
  const found = placeWords({ text: "“Hello”, dear dear World!", word_info: [word("hello", 0, 1), word("dear", 1, 2), word("dear", 2, 3, { confidence: 0.2 }), word("world", 3, 4)] });
  assert.deepEqual(found.map(({ start, end }) => [start, end]), [[1, 6], [9, 13], [14, 18], [19, 24]]);
  assert.deepEqual(found.map(({ isUnsure }) => isUnsure), [false, false, true, false]);
});

test("a word that is not in the text moves no other", () => {
  const found = placeWords({ text: "one two three", word_info: [word("one", 0, 1), word("zwei", 1, 2), word("three", 2, 3)] });
  assert.deepEqual(found.map(({ index, start }) => [index, start]), [[0, 0], [2, 8]]);
  assert.deepEqual(placeWords({ text: "no words" }), []);
});

test("Chinese is split into characters, and marks stay with them", () => {
  assert.deepEqual(splitWords("你好，“世界”！ OK then, 5月"), ["你", "好，“", "世", "界”！", "OK", "then,", "5", "月"]);
});

test("a word that is corrected has the time of the one in its place, and the others keep theirs", () => {
  const fixed = corrected(HELLO, "Hello  deer\nworld.");
  assert.equal(fixed.result.text, "Hello deer world.");
  assert.deepEqual(words(fixed), [["Hello", 0, 400], ["deer", 400, 700], ["world.", 1000, 1600]]);
  assert.deepEqual(fixed.result.word_info.map(({ score, confidence }) => [score, confidence]), [[undefined, 0.9], [0, undefined], [undefined, undefined]]);
  assert.deepEqual(fixed.original, HELLO.result);
});

test("several words share the time of one, by their letters, and one has the time of several", () => {
  assert.deepEqual(words(corrected(HELLO, "Hello my friend world.")), [["Hello", 0, 400], ["my", 400, 475], ["friend", 475, 700], ["world.", 1000, 1600]]);
  assert.deepEqual(words(corrected(HELLO, "Goodbye world.")), [["Goodbye", 0, 700], ["world.", 1000, 1600]]);
});

test("a word that is put in takes the pause, or a share of the word before it", () => {
  assert.deepEqual(words(corrected(HELLO, "Hello dear old world."))[2], ["old", 700, 1000]);
  assert.deepEqual(words(corrected(HELLO, "Hello my dear world.")).slice(0, 3), [["Hello", 0, 286], ["my", 286, 400], ["dear", 400, 700]]);
  assert.deepEqual(words(corrected(HELLO, "Oh hello dear world."))[0], ["Oh", 0, 0]);
  assert.deepEqual(words(corrected(HELLO, "Hello dear world. Bye")).slice(2), [["world.", 1000, 1375], ["Bye", 1375, 1600]]);
});

test("case and marks change no time, and what is taken out takes its time along", () => {
  assert.equal("confidence" in corrected(HELLO, "hello dear world.").result.word_info[0], false, "a person has looked at it");
  assert.deepEqual(words(corrected(HELLO, "hello, DEAR world")), [["hello,", 0, 400], ["DEAR", 400, 700], ["world", 1000, 1600]]);
  assert.deepEqual(words(corrected(HELLO, "world.")), [["world.", 1000, 1600]]);
  assert.deepEqual(corrected(HELLO, " ").result.word_info, []);
});

test("Chinese characters are corrected one by one", () => {
  const said = spoken("今天天汽好。", ...[..."今天天汽好"].map((one, i) => word(one, 100 * i, 100 * i + 100)));
  assert.deepEqual(words(corrected(said, "今天天气很好。")).slice(2), [["天", 200, 300], ["气", 300, 350], ["很", 350, 400], ["好。", 400, 500]]);
});

test("an entry of several words is taken apart", () => {
  const said = spoken("It is $5 million now", word("It", 0, 1), word("is", 1, 2), word("$5 million", 100, 900), word("now", 900, 1000));
  assert.deepEqual(words(corrected(said, "It is $6 million now")).slice(2), [["$6", 100, 200], ["million", 200, 900], ["now", 900, 1000]]);
});

test("what was recognised comes back when it is written again, and a second correction starts from it", () => {
  const once = corrected(HELLO, "Hello cheap world.");
  const twice = corrected(once, "Hello dear worlds.");
  assert.deepEqual(words(twice), [["Hello", 0, 400], ["dear", 400, 700], ["worlds.", 1000, 1600]]);
  assert.deepEqual(twice.original, HELLO.result);
  assert.deepEqual(corrected(twice, "Hello dear world."), HELLO);
});

test("a sentence without words is corrected without", () => {
  const fixed = corrected({ start_time: 0, end_time: 5, result: { text: "a", score: 0 } }, "b");
  assert.deepEqual(fixed.result, { text: "b", score: 0 });
});

test("a sentence is corrected to a very long one", () => {
  const words = 200_000;
  for (const text of ["a ".repeat(words), `Hello dear world. ${"a ".repeat(words)}`, `${"a ".repeat(words)} Hello dear world.`]) {
    assert.ok(corrected(HELLO, text).result.word_info.length >= words);
  }
});

test("a search marks the whole of a letter that it is in", () => {
  const found = (text, query) => findAll(fold(text), query).map(({ start, end }) => text.slice(start, end));
  assert.deepEqual(found("a ﬁne day", "f"), ["ﬁ"]);
  assert.deepEqual(found("a ﬁne day", "in"), ["ﬁn"]);
  assert.deepEqual(found("a ﬁne day", "day"), ["day"]);
  assert.deepEqual(found("aİb", "i"), ["İ"]);
  assert.deepEqual(found("aİb", "b"), ["b"]);
  assert.deepEqual(found("oﬀ", "f"), ["ﬀ"], "once");
});

const takes = (...names) => names.map((name) => ({ name, segments: [HELLO] }));
const HEADS = { start: "Start", end: "End", recording: "Recording", speaker: "Speaker", text: "Text", score: "Score" };

test("every file has the corrected text, and json what was recognised too", async () => {
  const said = [{ name: "a", segments: [corrected(HELLO, "Hello deer world.")] }];
  for (const kind of ["txt", "csv"]) {
    const { content } = await write(kind, said, HEADS);
    assert.ok(content.includes("Hello deer world.") && !content.includes("dear"), kind);
  }
  const [segment] = JSON.parse((await write("json", said, HEADS)).content).recordings[0].segments;
  assert.equal(segment.text, "Hello deer world.");
  assert.equal(segment.original.text, "Hello dear world.");
  assert.equal(segment.original.word_info[1].word, "dear");
});

test("several recordings are told apart in the text", async () => {
  assert.equal((await write("txt", takes("a.wav", "b.wav"), HEADS)).content, "a.wav\n\nHello dear world.\n\nb.wav\n\nHello dear world.\n");
});

test("a table has a row for each sentence, and no cell of it is a formula", async () => {
  const evil = ["=1+1", "+49 30", "-2", "@me", "  =1", "\t=1", "＝1", 'He said "no", twice'];
  const said = [{ name: "=a.wav", segments: evil.map((text) => ({ start_time: 3_723_004, end_time: 3_724_000, result: { text, score: 0.25 } })) }];
  const { content } = await write("csv", said, HEADS);
  const [head, first, ...others] = content.split("\r\n");
  assert.equal(head, '\ufeff"Start","End","Recording","Text","Score"');
  assert.equal(first, `"1:02:03.004","1:02:04.000","'=a.wav","'=1+1","0.25"`);
  assert.deepEqual(others.slice(0, 5).map((line) => line.split(",")[3][1]), ["'", "'", "'", "'", "'"]);
  assert.equal(others[6].split('Recording')[0].endsWith(`"He said ""no"", twice","0.25"`), true);
});

test("who says a sentence stands before it, and in a column of its own", async () => {
  const one = (text, role) => ({ start_time: 0, end_time: 1000, result: { text, score: 0.5, ...(role && { role }) } });
  const said = [{ name: "a.wav", segments: [one("Hello.", "=Agent"), one(""), one("Hm.")] }];
  const speaker = ({ result }) => result.role ?? null;
  assert.equal((await write("txt", said, HEADS, speaker)).content, "=Agent: Hello.\nHm.\n");
  const [head, first, second] = (await write("csv", said, HEADS, speaker)).content.split("\r\n");
  assert.equal(head, '\ufeff"Start","End","Recording","Speaker","Text","Score"');
  assert.equal(first, `"0:00:00.000","0:00:01.000","a.wav","'=Agent","Hello.","0.5"`);
  assert.equal(second, '"0:00:00.000","0:00:01.000","a.wav","","Hm.","0.5"');
});

test("no cell is a formula where another sign stands between cells", async () => {
  const evil = ["x;=HYPERLINK(1)", "x; -2", 'x;"=1', "x;＝1", "x;y"];
  const said = [{ name: "a\t=1", segments: evil.map((text) => ({ start_time: 0, end_time: 1, result: { text, score: 1 } })) }];
  const lines = (await write("csv", said, HEADS)).content.split("\r\n").slice(1, -1);
  assert.deepEqual(lines.map((line) => line.split('","')[3]), ["x;'=HYPERLINK(1)", "x;' -2", `x;'""=1`, "x;'＝1", "x;y"]);
  assert.equal(lines[0].split('","')[2], "a\t'=1");
});

test("subtitles of several recordings are one file for each, in a zip", async (t) => {
  const asked = [];
  t.mock.method(globalThis, "fetch", async (url, { body }) => {
    asked.push(JSON.parse(body).segments[0].start_time);
    return new Response(`${url} ${asked.length}`);
  });
  const file = await write("srt", takes("talk.mp3", "talk.wav", "../x"), HEADS);
  const content = Buffer.from(file.content).toString("latin1");
  assert.equal(file.extension, "zip");
  assert.deepEqual(asked, [0, 0, 0]);
  for (const name of ["talk.srt", "talk-2.srt", ".._x.srt", "/subtitles/srt 3"]) {
    assert.ok(content.includes(name), name);
  }
});

test("a zip says the sum of each of its files", () => {
  const archive = zip([{ name: "a", content: "123456789" }]);
  assert.equal(new DataView(archive.buffer).getUint32(14, true), 0xcbf43926);
});
