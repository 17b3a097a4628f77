// What the page makes of sound and text, without a browser.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";

import { Choices, FIELDS, initialChoices, sessionOptions } from "../../rasr/web/page/choices.js";
import { clock, write } from "../../rasr/web/page/exports.js";
import { Offers } from "../../rasr/web/page/languages.js";
import { faultOf } from "../../rasr/web/page/notices.js";
import { Round } from "../../rasr/web/page/rounds.js";
import { nameOf } from "../../rasr/web/shared/language_names.js";
import { PageStorage } from "../../rasr/web/shared/storage.js";
import { Take } from "../../rasr/web/page/take.js";
import { TEXTS } from "../../rasr/web/page/texts.js";
import { Texts, preferred } from "../../rasr/web/shared/texts.js";
import "./custom_event.mjs";
import { unsaid } from "./unsaid.mjs";

const segment = (start_time, end_time, text) => ({ start_time, end_time, is_final: true, result: { text, score: 0.5 } });
const offer = (property, model = "m") => ({ property, language: property.split("_")[0], model, sample_rate: 16000, hot_words: true });
const takes = (...segments) => [{ name: "a", segments }];

test("text is a sentence a line, and json has the segments of each take", async () => {
  const said = takes(segment(0, 1500, "a <b> & c\n\nd"), segment(2000, 2000, "e --> f"), segment(3000, 4000, " "));
  assert.equal((await write("txt", said)).content, "a <b> & c d\ne --> f\n");
  assert.deepEqual(JSON.parse((await write("json", takes(segment(5, 6, "x")))).content), {
    recordings: [{ name: "a", segments: [{ start_time: 5, end_time: 6, text: "x", score: 0.5 }] }],
  });
});

test("subtitles are asked for with every segment and word, and no more", async (t) => {
  const asked = [];
  t.mock.method(globalThis, "fetch", async (url, { method, body }) => {
    asked.push({ url, method, ...JSON.parse(body) });
    return new Response("what the server wrote");
  });
  const first = segment(0, 1500, "one");
  const word = { word: "one", start_time: 10, end_time: 900 };
  first.result.word_info = [{ ...word, confidence: 0.9 }];
  assert.deepEqual(await write("srt", takes(first, segment(2000, 3000, "two"))), {
    extension: "srt",
    type: "application/x-subrip;charset=utf-8",
    content: "what the server wrote",
  });
  const segments = [
    { start_time: 0, end_time: 1500, text: "one", word_info: [word] },
    { start_time: 2000, end_time: 3000, text: "two" },
  ];
  assert.deepEqual(asked, [{ url: "/subtitles/srt", method: "POST", segments }]);
});

test("a server that writes no subtitles is a fault, and not a file", async (t) => {
  t.mock.method(globalThis, "fetch", async () => new Response("too long", { status: 413 }));
  await assert.rejects(write("vtt", takes(segment(0, 1, "x"))), /too long/);
});

test("times are short for a person", () => {
  assert.deepEqual([0, 65_432, 3_725_000, -4].map(clock), ["0:00.0", "1:05.4", "1:02:05.0", "0:00.0"]);
});

test("a take gives back any piece of its sound, over the borders of chunks", () => {
  const take = new Take("a", 1000);
  let next = 0;
  for (const length of [7, 1, 30, 12]) {
    take.hear(Int16Array.from({ length }, () => next++), 0);
  }
  assert.deepEqual([...take.cut(5, 12)], [5, 6, 7, 8, 9, 10, 11]);
  assert.deepEqual([...take.cut(-10, 3)], [0, 1, 2]);
  assert.deepEqual([...take.cut(48, 90)], [48, 49]);
  assert.equal(take.cut(60, 90).length, 0);
});

test("a take keeps the last hour", () => {
  const take = new Take("a", 1);
  for (let i = 0; i < 40; i += 1) {
    take.hear(new Int16Array(100).fill(i), 0);
  }
  assert.equal(take.cut(0, 399_000).length, 0);
  assert.deepEqual([...new Set(take.cut(400_000, 500_000))], [4]);
});

test("latency is counted from the chunk that was held up least", () => {
  const take = new Take("a", 1000);
  take.hear(new Int16Array(100), 5130);
  take.hear(new Int16Array(100), 5210);
  take.hear(new Int16Array(100), 5350);
  assert.equal(take.ageOf(200, 5600), 5600 - 5010 - 200);
});

test("choices are kept as far as they are allowed", () => {
  const kept = new Map();
  const storage = new PageStorage(() => ({ getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) }));
  const values = () => new Choices(new PageStorage(() => storage)).values;
  assert.deepEqual(values(), initialChoices());
  const choices = new Choices(storage);
  choices.suppose({ property: "english_16k_common" });
  assert.deepEqual([choices.values.property, kept.size], ["english_16k_common", 0]);
  choices.change({ mode: "short" });
  choices.change({ vad_tail: 700, max_seconds: 99, add_punc: 1, caption_channel: "a b" });
  assert.deepEqual(values(), { ...initialChoices(), mode: "short", vad_tail: 700 });
  choices.reset();
  assert.deepEqual(choices.values, { ...initialChoices(), property: "english_16k_common", mode: "short" });
  assert.deepEqual([...kept.values()], ['{"mode":"short"}']);
  assert.deepEqual(new Choices(new PageStorage(() => ({ getItem: () => "no JSON" }))).values, initialChoices());
});

test("a browser that keeps nothing for pages leaves the choices to the page", () => {
  const refuse = () => {
    throw new Error("blocked");
  };
  for (const open of [refuse, () => null, () => ({ getItem: () => null, setItem: refuse }), () => ({ getItem: refuse, setItem: refuse })]) {
    const storage = new PageStorage(open);
    assert.equal(storage.getItem("a"), null);
    storage.setItem("a", "b");
    assert.equal(storage.getItem("a"), "b");
  }
});

test("hot words and the channel are asked for where they are wanted", () => {
  const choices = { ...initialChoices(), user_words: "华为， Thornvik\n\n Doctor Kaelith " };
  assert.deepEqual(sessionOptions(choices, { hotWords: true }).user_words, ["华为", "Thornvik", "Doctor Kaelith"]);
  assert.equal("user_words" in sessionOptions(choices, { hotWords: false }), false);
  assert.equal("caption_channel" in sessionOptions(choices, { hotWords: true }), false);
  assert.equal(sessionOptions({ ...choices, captions: true }, { hotWords: true }).caption_channel, "stage");
});

test("the language of the page is the first to be offered for speech", () => {
  const offers = new Offers();
  offers.properties = ["chinese_16k_common", "english_8k_common", "english_16k_common"].map(offer);
  assert.equal(offers.choose("", "en"), "english_16k_common");
  assert.equal(offers.choose("", "zh"), "chinese_16k_common");
  assert.equal(offers.choose("chinese_16k_common", "en"), "chinese_16k_common");
  offers.properties.splice(1);
  assert.equal(offers.choose("german_16k_common", "en"), "chinese_16k_common");
  assert.equal(new Offers().choose("", "en"), "english_16k_common");
});

test("a person is told of a language that is not served, and of a model that is a makeshift", () => {
  const offers = new Offers();
  offers.properties = [offer("english_16k_common", "pocketsphinx")];
  assert.deepEqual(offers.advice("english_16k_common", "zh"), []);
  const command = (language) => `rasr setup ${language}`;
  offers.languages = [
    { language: "english", served: true, model: "pocketsphinx", recommended: "moonshine-tiny-en", download_mb: 52, command: command("english") },
    { language: "chinese", served: false, model: "x-asr-480ms", download_mb: null, command: command("chinese") },
  ];
  const makeshift = { model: "pocketsphinx", better: "moonshine-tiny-en", size: " (52 MB)" };
  assert.deepEqual(offers.advice("english_16k_common", "zh"), [
    { name: "unserved", values: { language: "中文", better: "x-asr-480ms", size: "" }, command: "rasr setup chinese" },
    { name: "makeshift", values: { ...makeshift, language: "英语" }, command: "rasr setup english" },
  ]);
  offers.properties = [offer("english_16k_common", "moonshine-tiny-en")];
  assert.deepEqual(offers.advice("english_16k_common", "en"), []);
});

test("one sentence may be mistaken for another language, two in a row are not", () => {
  const session = new EventTarget();
  const told = [];
  const page = new Proxy({}, { get: (_, name) => (...values) => name === "otherLanguage" && told.push(...values) });
  const traits = { mode: "continue", property: "english_16k_common", isLive: false, doing: ["reading"] };
  new Round(session, new Take("a", 16000, 0), page, traits);
  const hear = (language) => {
    const detail = { ...segment(0, 1000, "a"), result: { text: "a", score: 1, language } };
    session.dispatchEvent(new CustomEvent("result", { detail }));
  };
  ["chinese", "english", "chinese", undefined, "chinese"].forEach(hear);
  assert.deepEqual(told, []);
  ["chinese", "chinese"].forEach(hear);
  assert.deepEqual(told, ["chinese"]);
});

test("languages have the names that people give them", () => {
  const names = (page) => ["english", "chinese", "cantonese", "german", "sichuan"].map((one) => nameOf(one, page));
  assert.deepEqual(names("en"), ["English", "Chinese", "Cantonese", "German", "Sichuan"]);
  assert.deepEqual(names("zh").slice(0, 4), ["英语", "中文", "粤语", "德语"]);
});

test("both languages have every text, with the same values in it", () => {
  const values = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
  assert.deepEqual(Object.keys(TEXTS.zh), Object.keys(TEXTS.en));
  for (const key of Object.keys(TEXTS.en)) {
    assert.deepEqual(values(TEXTS.zh[key]), values(TEXTS.en[key]), key);
  }
  for (const { name, beside } of FIELDS) {
    assert.ok(name in TEXTS.en && (beside || `${name}_help` in TEXTS.en), name);
  }
});

test("no text stands there twice", async () => {
  for (const name of ["english", "chinese"]) {
    const folders = ["page", "shared"].map((folder) => readFile(new URL(`../../rasr/web/${folder}/${name}.js`, import.meta.url), "utf8"));
    const keys = (await Promise.all(folders)).flatMap((source) => [...source.matchAll(/^ {2}(\w+):/gm)].map(([, key]) => key));
    assert.equal(keys.length, Object.keys(TEXTS.en).length, name);
  }
});

test("no text is left that the page does not say", async () => {
  // A field has its help, a fault its cure, a choice its options, a kind of file its name and its help.
  const stems = [/_(help|do|[a-z]+)$/, /_[a-z]+_help$/];
  assert.deepEqual(await unsaid(TEXTS.en, ["index.html", "page/text_save.html", "page/text_find.html", "page/text_search.html", "shared/sign_in.html", "client/microphone.js"], ["page", "page/recordings", "shared"], stems), []);
});

test("only a channel that somebody else has is told as one", () => {
  const fault = (error_msg) => faultOf({ error_code: "SIS.0032", error_msg });
  const taken = "'caption_channel' is invalid: it is 'hall_2', to which another round is publishing; allowed: …";
  assert.deepEqual(fault(taken), { name: "channel_taken", values: { channel: "hall_2" } });
  const other = "'vad_tail' is invalid: …";
  assert.deepEqual(fault(other), { name: "refused", values: { message: other } });
});

test("every fault that a server or a microphone can have says what to do", () => {
  const codes = ["UNREACHABLE", "APIG.0301", "LOST", "CLOSED", "SIS.0031", "SIS.0032", "SIS.0201", "SIS.0301", "SIS.0304", "SIS.0305", "SIS.0309", "SIS.0312", "SIS.0100"];
  const names = codes.map((error_code) => faultOf({ error_code, error_msg: "m" }).name);
  for (const name of [...names, "denied", "denied_once", "denied_system", "insecure", "unsupported", "missing", "busy", "soundless", "taken", "dropped", "uncopied", "unsaved", "unreadable", "too_large", "channel_taken", "no_words", "silent", "limit", "queued", "no_speech", "warning_file", "away", "away_file", "unserved", "makeshift", "sample_unserved", "heard_other"]) {
    assert.ok(name in TEXTS.en && `${name}_do` in TEXTS.en, name);
  }
});

test("the page speaks what its reader prefers", () => {
  assert.equal(preferred(["fr-FR", "zh-Hans-CN", "en"]), "zh");
  assert.equal(preferred(["de"]), "en");
  assert.equal(new Texts(TEXTS, "en").say("waiting", { seconds: 3 }), "The network stalls: 3 s of speech wait.");
});
