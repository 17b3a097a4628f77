// What the console makes of the server's answers, without a browser.
import assert from "node:assert/strict";
import test from "node:test";

import { Api, faultOf } from "../../rasr/web/shared/api.js";
import { alone, pathOf, ticks } from "../../rasr/web/console/chart.js";
import { difference } from "../../rasr/web/console/difference.js";
import { METRICS, called, rows, summed, timesOf, values } from "../../rasr/web/console/monitoring.js";
import { levelOf, monthOf, services } from "../../rasr/web/console/usage.js";
import { MANDARIN, isName, nameOfFile, review, wordsOf } from "../../rasr/web/console/vocabulary.js";
import { placeOf } from "../../rasr/web/console/places.js";
import { retryAfter } from "../../rasr/web/console/pane.js";
import { TEXTS } from "../../rasr/web/console/texts.js";
import { base64, wav } from "../../rasr/web/shared/wav.js";
import { duration } from "../../rasr/web/shared/durations.js";
import { unsaid } from "./unsaid.mjs";

const point = (timestamp, calls, delay = calls > 0 ? 100 : null, [f4, f5] = [0, 0]) => ({
  timestamp,
  successful_calls_of_service: calls,
  api_calls_with_4xx_response: f4,
  api_calls_with_5xx_response: f5,
  average_delay: delay,
});
const [CALLS, , , DELAY] = METRICS;

test("faults are told by what helps against them", () => {
  const kind = (status, document) => faultOf({ status, headers: new Headers({ "retry-after": "7" }) }, document).kind;
  assert.equal(kind(401, { error_code: "APIG.0301", error_msg: "Incorrect IAM authentication information" }), "signed_out");
  assert.equal(kind(500, { error_code: "SIS.0001", error_msg: "the accounts cannot be reached now" }), "down");
  assert.equal(kind(502, null), "down");
  assert.equal(kind(429, null), "busy");
  assert.equal(kind(403, { error_code: "APIG.0302", error_msg: "this user has 20 keys" }), "refused");
  assert.equal(kind(404, { error_code: "APIG.0101", error_msg: "nothing is served" }), "refused");
  const { kind: forbidden, values: told } = faultOf({ status: 403 }, { error_code: "APIG.0302", error_msg: "the policies of this user do not allow sis:usage:get" });
  assert.deepEqual([forbidden, told.right], ["forbidden", "sis:usage:get"]);
  const passing = [401, 403, 404, 429, 500].map((status) => faultOf({ status }, { error_msg: "do not allow x" }).passes);
  assert.deepEqual(passing, [false, false, false, true, true]);
});

test("a fault knows its field", () => {
  const field = (error_code, error_msg) => faultOf({ status: 400 }, { error_code, error_msg }).field;
  assert.equal(field("SIS.0032", "'description' is invalid: …"), "description");
  assert.equal(field("SIS.0203", "'contents[3]' is invalid: …"), "contents");
  assert.equal(field("SIS.0204", "there is a table of this name"), "name");
  assert.equal(field("SIS.0208", "there are 10 tables"), null);
});

test("a server that is away, one that hangs and a proxy without it are told apart", async () => {
  const asking = (fetch) => new Api({ held: null, fetch }).ask("keys");
  await assert.rejects(asking(async () => { throw new TypeError("Failed to fetch"); }), { kind: "gone" });
  await assert.rejects(asking(async () => { throw new DOMException("late", "TimeoutError"); }), { kind: "unanswered" });
  await assert.rejects(asking(async () => new Response("<html>", { status: 502 })), { kind: "down" });
  await assert.rejects(asking(async () => new Response("<html>", { status: 200 })), { kind: "down" });
  assert.equal(await asking(async () => new Response(null, { status: 204 })), null);
});

test("what is asked is of the project, and a body is JSON", async () => {
  const asked = [];
  const fetch = async (path, { method, body }) => {
    asked.push([path, method, body]);
    return new Response("{}");
  };
  await new Api({ held: null, fetch }).ask("keys");
  await new Api({ held: { project: { id: "a/b" } }, fetch }).ask("keys", { method: "POST", document: { description: "x" } });
  assert.deepEqual(asked, [["/v1/any/keys", "GET", undefined], ["/v1/a%2Fb/keys", "POST", '{"description":"x"}']]);
});

test("a day has steps of half an hour, a week those of three", () => {
  const now = Date.UTC(2026, 10, 29, 12, 2);
  assert.deepEqual(timesOf("day", now), { from: Date.UTC(2026, 10, 28, 12, 30), to: Date.UTC(2026, 10, 29, 12, 30), period: 300, step: 1_800_000 });
  assert.deepEqual(timesOf("week", now), { from: Date.UTC(2026, 10, 22, 15), to: Date.UTC(2026, 10, 29, 15), period: 3600, step: 10_800_000 });
});

test("what the console asks itself, and what nobody called, is not shown", () => {
  const document = {
    interfaces: [
      { interface: "sessions", datapoints: [point(0, 1)] },
      { interface: "vocabularies", datapoints: [] },
      { interface: "real-time-continue", datapoints: [point(600_000, 2), point(0, 1)] },
    ],
  };
  assert.deepEqual(called(document), [{ name: "real-time-continue", points: [point(0, 1), point(600_000, 2)] }]);
});

test("steps without calls have none, and no delay", () => {
  const times = { from: 0, to: 1_200_000, step: 300_000 };
  const points = [point(-300_000, 9), point(300_000, 2, 80), point(900_000, 0, null, [1, 0]), point(1_200_000, 9)];
  assert.deepEqual(values(points, CALLS, times), [0, 2, 0, 0]);
  assert.deepEqual(values(points, DELAY, times), [null, 80, null, null]);
  assert.deepEqual(values([point(0, 1, 100), point(150_000, 3, 500)], CALLS, times), [4, 0, 0, 0]);
  assert.deepEqual(values([point(0, 1, 100), point(150_000, 3, 500)], DELAY, times), [400, null, null, null]);
  assert.deepEqual(values(points, "api_calls_with_4xx_response", times), [0, 0, 0, 1]);
});

test("a mean of means counts each call", () => {
  assert.equal(summed([point(0, 1, 100), point(1, 3, 500), point(2, 0, null, [2, 1])])[DELAY], 400);
  assert.equal(summed([point(2, 0, null, [2, 1])])[DELAY], null);
  assert.equal(summed([point(2, 0, null, [2, 1]), point(3, 0, null, [1, 0])]).api_calls_with_4xx_response, 3);
});

test("rows are hours or days of the reader's clock, the newest first", () => {
  const at = (hour, minute) => new Date(2026, 10, 29, hour, minute).getTime();
  const interfaces = [
    { name: "b", points: [point(at(9, 0), 1), point(at(9, 55), 1), point(at(11, 5), 4)] },
    { name: "a", points: [point(at(9, 30), 2)] },
  ];
  const brief = (span) => rows(interfaces, span).map((row) => [new Date(row.at).getHours(), row.name, row[CALLS]]);
  assert.deepEqual(brief("day"), [[11, "b", 4], [9, "a", 2], [9, "b", 2]]);
  assert.deepEqual(brief("week"), [[0, "a", 2], [0, "b", 6]]);
});

test("scales end at round numbers", () => {
  assert.deepEqual(ticks(0), [0, 1]);
  assert.deepEqual(ticks(1), [0, 0.5, 1]);
  assert.deepEqual(ticks(7), [0, 2, 4, 6, 8]);
  assert.deepEqual(ticks(0.3), [0, 0.1, 0.2, 0.3]);
  assert.deepEqual(ticks(1234), [0, 500, 1000, 1500]);
  for (const value of [0.01, 1, 3, 9.99, 10, 11, 99, 101, 54_321]) {
    const steps = ticks(value);
    assert.ok(steps.at(-1) >= value && steps.at(-2) < value && steps.length <= 6, `${value}: ${steps}`);
  }
});

test("a line is interrupted where there is nothing, and what stands alone is a dot", () => {
  const draw = (list) => pathOf(list, (at) => at * 10, (value) => value);
  assert.equal(draw([1, 2, null, 3, null, 4, 5]), "M0.0 1.0L10.0 2.0M50.0 4.0L60.0 5.0");
  assert.deepEqual(alone([1, 2, null, 3, null, 4, 5]), [3]);
  assert.deepEqual([alone([0]), alone([null, 1]), alone([1, null]), alone([null])], [[0], [1], [0], []]);
  assert.equal(draw([null, null]), "");
});

test("months are those of the server", () => {
  const now = Date.UTC(2026, 0, 31, 23, 59);
  assert.deepEqual(monthOf(now), { at: Date.UTC(2026, 0, 1), from: "2026-01-01", to: "2026-01-31" });
  assert.deepEqual(monthOf(now, 2), { at: Date.UTC(2025, 10, 1), from: "2025-11-01", to: "2025-11-30" });
});

test("what was used stands beside what bounds it", () => {
  const row = { day: "2026-11-01", service: "real-time", access_id: "AK", calls: 1, amount: 30, unit: "seconds", audio_ms: 29_500 };
  const found = services({
    usage: [row, { ...row, amount: 12 }, { ...row, service: "one-sentence", amount: 1, unit: "calls" }],
    packages: [{ id: "p", service: "real-time", unit: "seconds", amount: 100, used: 42, starts_at: "a", ends_at: "b" }],
    quotas: [{ service: "flash", unit: "seconds", per_month: 10, used: 0 }],
    on_demand: [{ service: "one-sentence", unit: "calls", amount: 1 }],
  });
  assert.deepEqual(found.map(({ service, unit, amount, onDemand }) => [service, unit, amount, onDemand]), [
    ["flash", "seconds", 0, 0],
    ["one-sentence", "calls", 1, 1],
    ["real-time", "seconds", 42, 0],
  ]);
  assert.deepEqual(found[2].bounds, [{ kind: "package", id: "p", used: 42, of: 100, starts_at: "a", ends_at: "b" }]);
  assert.deepEqual([79, 80, 99, 100, 120].map((used) => levelOf(used, 100)), ["ok", "nearly", "nearly", "over", "over"]);
  assert.equal(levelOf(0, 0), "over");
});

test("a package that has not begun is told apart", () => {
  const bought = { id: "p", service: "flash", unit: "seconds", amount: 1, used: 0, starts_at: "2027-01-01T00:00:00Z", ends_at: "2027-07-01T00:00:00Z" };
  const kinds = (now) => services({ usage: [], packages: [bought], quotas: [], on_demand: [] }, now)[0].bounds.map(({ kind }) => kind);
  assert.deepEqual(kinds(Date.UTC(2026, 11, 31)), ["later"]);
  assert.deepEqual(kinds(Date.UTC(2027, 0, 1)), ["package"]);
});

test("words stand one a line, each once", () => {
  assert.deepEqual(wordsOf("\ufeff华为\r\n  华为 \n\nGauss\rHarmony"), ["华为", "Gauss", "Harmony"]);
  assert.deepEqual(review("华为\n华为\n\n", MANDARIN), { count: 1, repeated: 1, faults: [] });
});

test("a word that the server would refuse is found at its line", () => {
  const faults = (text, language) => review(text, language).faults.map(({ line, why, most }) => [line, why, most]);
  assert.deepEqual(faults("华为\n\n5G\nHarmony OS", MANDARIN), [[3, "signs", 32], [4, "signs", 32]]);
  // Three bytes a character: ten fit, eleven do not.
  assert.deepEqual(faults(`${"华".repeat(10)}\n${"华".repeat(11)}`, MANDARIN), [[2, "long", 32]]);
  assert.deepEqual(faults(`${"a".repeat(32)}\n${"a".repeat(33)}`, MANDARIN), [[2, "long", 32]]);
  assert.deepEqual(faults(`Harmony OS\nO'Brien\nMüller-Lüdenscheidt\n5G\n${"a".repeat(65)}`, "english"), [[4, "signs", 64], [5, "long", 64]]);
});

test("a table has the name of its file, as far as it may", () => {
  assert.deepEqual(["words.txt", "my words 2.txt", "词表.txt", `${"a".repeat(40)}.csv`].map(nameOfFile), ["words", "my-words-2", "", "a".repeat(32)]);
  assert.deepEqual(["a", "a_b-c#1", "", "a b", "词", "a".repeat(33)].map(isName), [true, true, false, false, false, false]);
});

test("two texts differ in words, or in characters", () => {
  const shown = ({ before, after }) => [before, after].map((list) => list.map(({ text, isSame }) => (isSame ? text : `[${text}]`)).join(""));
  assert.deepEqual(shown(difference("call doctor ramirez today", "call Doctor Ramírez today")), ["call[ doctor ramirez] today", "call[ Doctor Ramírez] today"]);
  assert.deepEqual(shown(difference("打开红蒙系统", "打开鸿蒙系统")), ["打开[红]蒙系统", "打开[鸿]蒙系统"]);
  assert.deepEqual(shown(difference("", "new")), ["", "[new]"]);
  assert.deepEqual(shown(difference("same", " same ")), ["same", "same"]);
});

test("sound is a WAV file, and that is text", () => {
  const file = wav([Int16Array.of(1, -2), Int16Array.of(3)], 16000);
  assert.equal(file.length, 50);
  assert.equal(Buffer.from(file.subarray(0, 4)).toString(), "RIFF");
  assert.deepEqual([...new Int16Array(file.buffer, 44)], [1, -2, 3]);
  const long = Uint8Array.from({ length: 100_001 }, (_, i) => i);
  assert.equal(base64(long), Buffer.from(long).toString("base64"));
});

test("an address leads to a part, and to what is in it", () => {
  assert.deepEqual(placeOf(""), { name: "overview", detail: "" });
  assert.deepEqual(placeOf("#keys"), { name: "keys", detail: "" });
  assert.deepEqual(placeOf("#words/a%2Fb/c"), { name: "words", detail: "a/b/c" });
  assert.deepEqual(placeOf("#words/%"), { name: "words", detail: "" });
  assert.deepEqual(placeOf("#elsewhere/x"), { name: "overview", detail: "" });
});

test("a server that is away is asked less and less often, and at last twice a minute", () => {
  assert.deepEqual([1, 2, 3, 4, 5, 50].map(retryAfter), [2000, 4000, 8000, 16_000, 30_000, 30_000]);
});

test("times of a session are short", () => {
  assert.deepEqual([0, 65.9, 3725].map(duration), ["0:00", "1:05", "1:02:05"]);
});

test("both languages have every text of the console, with the same values in it", () => {
  const values = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
  assert.deepEqual(Object.keys(TEXTS.zh), Object.keys(TEXTS.en));
  for (const key of Object.keys(TEXTS.en)) {
    assert.deepEqual(values(TEXTS.zh[key]), values(TEXTS.en[key]), key);
  }
});

test("no text is left that the console does not say", async () => {
  // A fault of a pane has its cure; so has what stands in the way, and the microphone.
  const stems = [/_do$/, /(?<=^(fault|standing|metric|interface|service|state|bound|word|trial|denied|theme|sign_in))_.*$/];
  assert.deepEqual(await unsaid(TEXTS.en, ["console.html", "shared/sign_in.html", "client/microphone.js"], ["console", "shared"], stems), []);
});

test("a line does not end between a number and its unit", () => {
  const apart = Object.values(TEXTS).flatMap((texts) => Object.values(texts).filter((text) => text.includes("{number} ")));
  assert.deepEqual(apart, []);
});
