/**
 * Jobs on recordings: a file is sent to a server, which makes text of it while whoever sent it does something
 * else. The calls are those of docs/recordings.md.
 */

import { within } from "./answers.js";

/** A piece of a file that is sent at once; a server may want smaller ones. */
const PART_BYTES = 1 << 20;
/** For the answer to one piece, on a slow network. */
const PART_MS = 120_000;
/** A transcript of hours. */
const ANSWER_MS = 60_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;
/** It stops, or its store is gone, for now. */
const UNAVAILABLE = 503;

/** What a server refuses, in the words of SIS. */
export class JobError extends Error {
  constructor({ error_code, error_msg }, status) {
    super(error_msg);
    this.error_code = error_code;
    this.status = status;
  }
}

export class RecordingJobs {
  /**
   * @param {string | URL} url of the server
   * @param {import("./rasr.js").JobsOptions} options
   * @param {object} platform for tests: fetch, setTimeout, performance
   */
  constructor(url, { project = "any", token, patienceSeconds = 60, fetch } = {}, platform = globalThis) {
    this.base = new URL(`/v1/${encodeURIComponent(project)}/asr/transcriber`, url);
    this.headers = token === undefined ? {} : { "x-auth-token": token };
    this.fetch = fetch ?? ((...request) => platform.fetch(...request));
    this.patienceMs = patienceSeconds * 1000;
    this.platform = platform;
  }

  /**
   * Send a recording, and begin a job with it.
   *
   * @param {Blob} file
   * @param {object} config of the job; `true` and `false` stand for "yes" and "no"
   * @param {{onProgress?: (share: number) => void, signal?: AbortSignal}} options
   * @returns {Promise<string>} the id of the job
   * @throws {JobError}
   */
  async submit(file, config, { onProgress = () => {}, signal } = {}) {
    const upload = await this.ask("POST", "/uploads", { signal });
    const path = `/uploads/${upload.upload_id}`;
    const length = Math.min(PART_BYTES, upload.most_part_bytes);
    try {
      for (let number = 0; number * length < file.size; number += 1) {
        const from = number * length;
        const body = new Uint8Array(await file.slice(from, from + length).arrayBuffer());
        const headers = { "content-type": "application/octet-stream" };
        await this.ask("PUT", `${path}/${number}`, { headers, body, signal }, PART_MS);
        onProgress(Math.min(1, (from + length) / file.size));
      }
      return await this.submitUrl(upload.data_url, config, { signal });
    } catch (error) {
      // Nobody waits for that, or has to know: the server keeps what a job needs, and all else for a day.
      this.answer("DELETE", path, {}, ANSWER_MS).catch(() => {});
      throw error;
    }
  }

  /**
   * Begin a job with a recording that the server fetches.
   *
   * @returns {Promise<string>} the id of the job
   * @throws {JobError}
   */
  async submitUrl(dataUrl, config, { signal } = {}) {
    const yesNo = ([key, value]) => [key, value === true ? "yes" : value === false ? "no" : value];
    const wanted = Object.fromEntries(Object.entries(config).map(yesNo));
    const body = JSON.stringify({ config: wanted, data_url: dataUrl });
    const headers = { "content-type": "application/json" };
    return (await this.ask("POST", "/jobs", { headers, body, signal })).job_id;
  }

  /**
   * The jobs of the project without their text, the newest first.
   *
   * @returns {Promise<{count: number, jobs: import("./rasr.js").Job[]}>}
   * @throws {JobError}
   */
  async list({ limit = 20, offset = 0, signal } = {}) {
    return this.ask("GET", `/jobs?limit=${limit}&offset=${offset}`, { signal });
  }

  /**
   * A job, with its `segments` once it is finished; one that has failed has `error_code` and `error_msg`.
   *
   * @returns {Promise<import("./rasr.js").Job>}
   * @throws {JobError}
   */
  async show(jobId, { signal } = {}) {
    return this.ask("GET", `/jobs/${encodeURIComponent(jobId)}`, { signal });
  }

  /** Take a job back, or forget one that is over. @throws {JobError} */
  async forget(jobId, { signal } = {}) {
    await this.ask("DELETE", `/jobs/${encodeURIComponent(jobId)}`, { signal });
  }

  /** Each call can be made again: where the server is gone for a while, it is. */
  async ask(method, path, request, limitMs = ANSWER_MS) {
    const { performance } = this.platform;
    const until = performance.now() + this.patienceMs;
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
      let refused;
      try {
        return await this.answer(method, path, request, limitMs);
      } catch (error) {
        refused = error;
      }
      request.signal?.throwIfAborted();
      const isGone = refused instanceof JobError ? refused.status === UNAVAILABLE : refused.name === "TypeError";
      if (!isGone || performance.now() + wait > until) {
        throw refused;
      }
      await new Promise((resolve) => this.platform.setTimeout(resolve, wait));
    }
  }

  async answer(method, path, { headers, body, signal }, limitMs) {
    const { pathname } = this.base;
    const url = new URL(`${pathname}${path}`, this.base).href;
    const options = { method, headers: { ...this.headers, ...headers }, cache: "no-store", signal: within(limitMs, signal) };
    const response = await this.fetch(url, body === undefined ? options : { ...options, body });
    if (response.status === 204) {
      return null;
    }
    const document = await response.json().catch(() => null);
    // SIS answers a job that has failed with 400, too.
    if (response.ok || document?.status === "ERROR") {
      return document;
    }
    const unknown = { error_code: String(response.status), error_msg: `${url} answered ${response.status}` };
    throw new JobError(document?.error_code === undefined ? unknown : document, response.status);
  }
}
