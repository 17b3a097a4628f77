// What the page makes of recordings and of the text that a server has of them, without a browser.
import assert from "node:assert/strict";
import test from "node:test";

import { initialChoices } from "../../rasr/web/page/choices.js";
import { placeMarks } from "../../rasr/web/page/marks.js";
import { jobConfig } from "../../rasr/web/page/recordings/config.js";
import { RecordingPlayback } from "../../rasr/web/page/recordings/recording_playback.js";
import { speakersOf } from "../../rasr/web/page/recordings/sound_bar.js";
import { speakerOf } from "../../rasr/web/page/speakers.js";
import { TEXTS } from "../../rasr/web/page/texts.js";
import { Texts } from "../../rasr/web/shared/texts.js";

const ENGLISH = new Texts(TEXTS, "en");
const marks = (text, ...found) => placeMarks({ text, marks: found.map(([name, words]) => ({ name, text: words })) });

test("a job is asked for what live speech is, but for what is of live speech alone", () => {
  const choices = { ...initialChoices(), property: "english_16k_common", captions: true, clean_up: true, user_words: "Thornvik" };
  assert.deepEqual(jobConfig(choices, { hotWords: true }, "none"), {
    property: "english_16k_common",
    add_punc: true,
    digit_norm: true,
    vad_tail: 500,
    max_seconds: 30,
    need_word_info: true,
    word_confidence: true,
    user_words: ["Thornvik"],
  });
});

test("speakers are told apart in the words of SIS", () => {
  const asked = (speakers) => jobConfig(initialChoices(), { hotWords: true }, speakers).need_analysis_info;
  const analysis = { diarization: true, emotion: false, speed: false };
  assert.deepEqual(asked("left"), { ...analysis, channel: "LEFT_AGENT" });
  assert.deepEqual(asked("right"), { ...analysis, channel: "RIGHT_AGENT" });
  assert.deepEqual(asked("voices"), { ...analysis, channel: "MONO" });
});

test("a speaker is called by his role, or by his number", () => {
  const named = (analysis_info) => speakerOf({ result: { text: "", analysis_info } }, ENGLISH);
  assert.deepEqual(named({ role: "AGENT", speaker: 1 }), { number: 0, name: "Agent" });
  assert.deepEqual(named({ role: "USER" }), { number: 1, name: "Customer" });
  assert.deepEqual(named({ speaker: 0 }), { number: 0, name: "Speaker 1" });
  assert.deepEqual([named({ emotion: "ANGRY" }), named(undefined)], [null, null]);
});

test("places that a review marks are found in the text, the same words one after the other", () => {
  const found = marks("A refund? No Refund, call 555.", ["complaints", "refund"], ["complaints", "refund"], ["private", "555"]);
  assert.deepEqual(found.map(({ start, end }) => [start, end]), [[2, 8], [13, 19], [26, 29]]);
  assert.deepEqual(marks("a refund", ["one", "refund"], ["two", "refund"]).map(({ start }) => start), [2, 2]);
});

test("what a person has corrected away is not marked", () => {
  assert.deepEqual(marks("A re-fund.", ["complaints", "refund"]), []);
  assert.deepEqual(placeMarks({ text: "no review" }), []);
  assert.deepEqual(marks("İ refund", ["complaints", "refund"]).map(({ start }) => start), [2], "a letter whose small form is longer");
});

test("each part of the bar is his who speaks there, nobody's, or unknown", () => {
  const speech = [{ from: 0, to: 2000, speaker: 0 }, { from: 5000, to: 6900, speaker: 1 }, { from: 9000, to: 12_000, speaker: -1 }];
  assert.deepEqual(speakersOf(speech, 10_000, 10), [0, 0, 0, null, null, 1, 1, null, null, -1]);
});

test("the sentence that is heard is found, and none in a pause", () => {
  const audio = { addEventListener: () => {}, currentTime: 0 };
  const entries = [[0, 1000], [1200, 2000], [9000, 9500]].map(([start_time, end_time]) => ({ segment: { start_time, end_time } }));
  const playback = new RecordingPlayback(audio, { entries }, () => {});
  const at = (ms) => entries.indexOf(playback.entryAt(ms));
  assert.deepEqual([0, 1100, 1199, 1200, 2150, 2151, 8999, 9000, 20_000].map(at), [0, 0, -1, 1, 1, -1, -1, 2, -1]);
});

test("where two speak at once the one that was clicked is followed to his end", () => {
  const audio = { addEventListener: () => {}, currentTime: 0 };
  const entries = [[0, 9000], [2000, 3000]].map(([start_time, end_time]) => ({ segment: { start_time, end_time, result: { text: "" } } }));
  const playback = new RecordingPlayback(audio, { entries, showPlaying: () => {} }, () => {});
  const at = (ms) => entries.indexOf(playback.entryAt(ms));
  assert.deepEqual([1000, 2500, 5000].map(at), [0, 1, 0], "nobody has clicked");
  playback.begin(entries[0]);
  assert.deepEqual([2500, 8000, 9200].map(at), [0, 0, -1]);
  playback.begin(entries[1]);
  assert.deepEqual([2500, 5000].map(at), [1, 0]);
});

test("the margin before a word is not of the word before", () => {
  const audio = { addEventListener: () => {}, currentTime: 0 };
  const playback = new RecordingPlayback(audio, { entries: [] }, () => {});
  playback.goTo(2000, 150);
  assert.deepEqual([audio.currentTime, playback.ms], [1.85, 2000]);
  audio.currentTime = 2.5;
  assert.equal(playback.ms, 2500);
  // Somebody has gone back meanwhile.
  audio.currentTime = 0.3;
  assert.equal(playback.ms, 300);
});
