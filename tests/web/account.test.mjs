// Who uses the page, without a browser.
import assert from "node:assert/strict";
import test from "node:test";

import { Account } from "../../rasr/web/shared/account.js";
import { PageStorage } from "../../rasr/web/shared/storage.js";

test("a server that hangs is waited for in time, whatever it is asked", async (t) => {
  t.mock.method(AbortSignal, "timeout", () => AbortSignal.abort(new DOMException("too late", "TimeoutError")));
  // It answers nobody: only what ends the waiting ends it.
  t.mock.method(globalThis, "fetch", async (_, { signal }) => signal.throwIfAborted());
  const account = new Account("http://localhost", new PageStorage(() => null));
  const said = { user: "alice", password: "secret", domain: "default", project: "", stays: false };
  await assert.rejects(account.signIn(said), { name: "sign_in_gone" });
  await assert.rejects(account.ticket(), { name: "TimeoutError" });
  account.held = { token: "t", project: { id: "p", name: "p" } };
  assert.equal(await account.refusalAt("ws://localhost/v1/p/rasr/continue-stream"), null);
  assert.equal(await account.signOut(), false);
});
