// Signatures beside those of the official signer (its vectors are those of the server's own tests).
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import test from "node:test";

import { canSign, signed } from "../../rasr/web/shared/signing.js";

const KEY = { access: "AKEXAMPLE0000000000", secret: "SKexample0000000000000000000000000000000" };
const platform = { now: new Date("2026-01-02T03:04:05.678Z"), crypto: webcrypto };

async function signature(request) {
  const headers = await signed({ ...request, url: new URL(request.url) }, KEY, platform);
  assert.equal(headers["x-sdk-date"], "20260102T030405Z");
  return /^SDK-HMAC-SHA256 Access=AKEXAMPLE0000000000, SignedHeaders=(?<names>\S+), Signature=(?<text>[0-9a-f]{64})$/.exec(headers.authorization).groups;
}

test("a request without a body", async () => {
  const url = "http://127.0.0.1:9001/v1/0123456789abcdef0123456789abcdef/rasr/continue-stream";
  const { names, text } = await signature({ method: "GET", url });
  assert.equal(names, "host;x-sdk-date");
  assert.equal(text, "32f79578ce094204b751adc2cad47d9a857b06af4bc47315b15e45e9d9976424");
});

test("a request with a body and a header", async () => {
  const url = "https://sis.example.com/v1/0123456789abcdef0123456789abcdef/tts";
  const { names, text } = await signature({ method: "POST", url, headers: { "content-type": "application/json" }, body: '{"text": "hi"}' });
  assert.equal(names, "content-type;host;x-sdk-date");
  assert.equal(text, "7a4cc69eb2b0cbb6842c68ee417b9920a511561cfd96b9d6761c00a977ba097c");
});

test("a query with signs, blanks and Chinese, and a pair without a name", async () => {
  const url = "https://sis.example.com/v1/0123456789abcdef0123456789abcdef/asr/flash?&audio_format=wav&obs_object_key=data/a b中.wav&add_punc=yes";
  const { text } = await signature({ method: "POST", url, headers: { "content-type": "application/json" } });
  assert.equal(text, "320c8a11344ffaed1dd8e1ad69c862ac61032ed89f3d3d9972f0e3a0d5bad3e0");
});

test("a page of plain http on another machine cannot sign", () => {
  assert.equal(canSign({ crypto: {} }), false);
  assert.equal(canSign({ crypto: webcrypto }), true);
});
