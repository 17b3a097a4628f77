// Jobs on recordings, against a server that a test plays.
import assert from "node:assert/strict";
import test from "node:test";

import { JobError, RecordingJobs } from "../../rasr/web/client/jobs.js";

/** Answers in order; a function among them answers for itself. */
function server(...answers) {
  const asked = [];
  const waits = [];
  let now = 0;
  const platform = {
    performance: { now: () => now },
    setTimeout: (call, ms) => {
      waits.push(ms);
      now += ms;
      call();
    },
    fetch: async (url, { method, headers, body }) => {
      asked.push({ method, url, headers, body });
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      return typeof answer === "function" ? answer() : answer.clone();
    },
  };
  return { asked, waits, platform };
}

const json = (document, status = 200) => new Response(JSON.stringify(document), { status });
const gone = () => Promise.reject(new TypeError("nobody"));
const MIB = 1 << 20;
const UPLOAD = json({ upload_id: "u1", data_url: "upload:u1", most_part_bytes: 4 * MIB }, 201);

test("a file is sent in parts, and a job begins with it", async () => {
  const taken = () => new Response(null, { status: 204 });
  const { asked, platform } = server(UPLOAD, taken, taken, taken, json({ job_id: "j1" }));
  const jobs = new RecordingJobs("http://host:1/", { project: "my calls", token: "abc" }, platform);
  const content = Uint8Array.from({ length: 2 * MIB + 5 }, (_, i) => i % 251);
  const shares = [];
  const config = { property: "english_16k_common", add_punc: true, digit_norm: false, vad_tail: 700 };
  assert.equal(await jobs.submit(new Blob([content]), config, { onProgress: (share) => shares.push(share) }), "j1");
  const base = "http://host:1/v1/my%20calls/asr/transcriber";
  assert.deepEqual(asked.map(({ method, url }) => [method, url]), [
    ["POST", `${base}/uploads`],
    ["PUT", `${base}/uploads/u1/0`],
    ["PUT", `${base}/uploads/u1/1`],
    ["PUT", `${base}/uploads/u1/2`],
    ["POST", `${base}/jobs`],
  ]);
  assert.ok(asked.every(({ headers }) => headers["x-auth-token"] === "abc"));
  assert.deepEqual(Buffer.concat(asked.slice(1, 4).map(({ body }) => body)), Buffer.from(content));
  assert.deepEqual(JSON.parse(asked[4].body), {
    config: { property: "english_16k_common", add_punc: "yes", digit_norm: "no", vad_tail: 700 },
    data_url: "upload:u1",
  });
  assert.deepEqual([shares.length, shares.at(-1)], [3, 1]);
});

test("parts are as small as the server wants them", async () => {
  const upload = json({ upload_id: "u", data_url: "upload:u", most_part_bytes: 2 }, 201);
  const { asked, platform } = server(upload, json({ job_id: "j" }));
  await new RecordingJobs("http://host/", {}, platform).submit(new Blob(["12345"]), { property: "p" });
  assert.deepEqual(asked.slice(1, -1).map(({ body }) => Buffer.from(body).toString()), ["12", "34", "5"]);
});

test("a server that is gone for a while is asked again, and then given up", async () => {
  const busy = json({ error_code: "SIS.0303", error_msg: "stopping" }, 503);
  const there = server(gone, gone, () => busy, json({ count: 0, jobs: [] }));
  assert.deepEqual(await new RecordingJobs("http://host/", {}, there.platform).list(), { count: 0, jobs: [] });
  assert.deepEqual(there.waits, [500, 1000, 2000]);
  const away = server(gone);
  await assert.rejects(new RecordingJobs("http://host/", {}, away.platform).list(), TypeError);
  assert.ok(away.waits.reduce((sum, ms) => sum + ms, 0) <= 60_000);
  assert.ok(away.asked.length > 5);
});

test("what the server refuses is told in its words, once", async () => {
  const { asked, platform } = server(json({ error_code: "SIS.0031", error_msg: "no store" }, 400));
  const jobs = new RecordingJobs("http://host/", {}, platform);
  await assert.rejects(jobs.submit(new Blob(["x"]), { property: "p" }), (error) => {
    assert.ok(error instanceof JobError);
    assert.deepEqual([error.error_code, error.message, error.status], ["SIS.0031", "no store", 400]);
    return true;
  });
  assert.equal(asked.length, 1);
  const page = server(new Response("<html>", { status: 502 }));
  await assert.rejects(new RecordingJobs("http://host/", {}, page.platform).show("a/b"), /jobs\/a%2Fb answered 502/);
});

test("a job that has failed is an answer", async () => {
  const failed = { status: "ERROR", error_code: "SIS.30006", error_msg: "no audio", create_time: "2026-01-01T00:00:00.000Z" };
  const { platform } = server(json(failed, 400));
  assert.deepEqual(await new RecordingJobs("http://host/", {}, platform).show("j"), failed);
});

test("who gives up sends no more", async () => {
  const giving = new AbortController();
  const stop = () => {
    giving.abort();
    return new Response(null, { status: 204 });
  };
  const { asked, platform } = server(UPLOAD, stop, gone);
  const jobs = new RecordingJobs("http://host/", {}, platform);
  const file = new Blob([new Uint8Array(3 * MIB)]);
  await assert.rejects(jobs.submit(file, { property: "p" }, { signal: giving.signal }), { name: "AbortError" });
  assert.deepEqual(asked.map(({ method }) => method), ["POST", "PUT", "PUT", "DELETE"]);
});

test("what was sent for a job that is not taken is forgotten", async () => {
  const taken = () => new Response(null, { status: 204 });
  const refused = json({ error_code: "SIS.0031", error_msg: "no such model" }, 400);
  const { asked, platform } = server(UPLOAD, taken, refused, gone);
  const jobs = new RecordingJobs("http://host/", {}, platform);
  await assert.rejects(jobs.submit(new Blob(["x"]), { property: "p" }), { error_code: "SIS.0031" });
  const { method, url } = asked.at(-1);
  assert.deepEqual([asked.length, method, url], [4, "DELETE", "http://host/v1/any/asr/transcriber/uploads/u1"]);
});

test("a fetch of one's own shows who asks", async () => {
  const asked = [];
  const fetch = async (url, { method }) => {
    asked.push([method, url]);
    return new Response(null, { status: 204 });
  };
  await new RecordingJobs("https://host/", { fetch }).forget("j");
  assert.deepEqual(asked, [["DELETE", "https://host/v1/any/asr/transcriber/jobs/j"]]);
});
