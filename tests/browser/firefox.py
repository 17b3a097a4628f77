"""Debian's Firefox over WebDriver BiDi: as much of it as the tests need.

Playwright 1.65 cannot drive it: it sends a command that this Firefox does not know. BiDi itself is
JSON over a websocket (W3C, «WebDriver BiDi»), which Firefox speaks without a driver beside it.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.browser.waiting import GLIMPSE, GLIMPSED, PATIENCE_MS, WAIT
from tests.processes import LONG_S

_PATIENCE_S = 2 * PATIENCE_MS / 1000
_SAVED = "browsingContext.downloadEnd"
_LISTENS = "WebDriver BiDi listening on "
_PREFERENCES: Mapping[str, object] = {
    # A sound card of Firefox's own, for machines that have none.
    "media.cubeb.force_mock_context": True,
    # A microphone that plays a tone, and nobody to be asked for it.
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "intl.accept_languages": "en-GB",
    "ui.prefersReducedMotion": 1,
    "browser.download.folderList": 2,
    # What Firefox would look for by itself; tests reach nothing but loopback.
    "app.update.auto": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
}
_TEXTS = """
(selector) => JSON.stringify(
  [...document.querySelectorAll(selector)].map((one) => one.textContent))
"""


class Firefox:
    """One browser with one tab."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._commands = 0
        self._events: list[dict[str, Any]] = []
        self.call("session.new", capabilities={})
        events = ["log.entryAdded", _SAVED]
        self.call("session.subscribe", events=events)
        self._tab = self.call("browsingContext.getTree")["contexts"][0]["context"]

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and take its answer; what Firefox tells meanwhile is kept."""
        self._commands += 1
        self._socket.send(json.dumps({"id": self._commands, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(timeout=_PATIENCE_S))
            if message.get("id") == self._commands:
                assert message["type"] == "success", message
                result: dict[str, Any] = message["result"]
                return result
            self._events.append(message)

    def open(self, url: str, *, size: tuple[int, int] = (1280, 800)) -> None:
        viewport = {"width": size[0], "height": size[1]}
        self.call("browsingContext.setViewport", context=self._tab, viewport=viewport)
        self.call("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    def prepare(self, script: str) -> None:
        """Run a function in every page before its own scripts."""
        self.call("script.addPreloadScript", functionDeclaration=script)

    def run(self, function: str, *arguments: str | int) -> Any:
        """What a function of the page gives, text or number; a promise is waited for."""
        listed = [
            {"type": "string" if isinstance(one, str) else "number", "value": one}
            for one in arguments
        ]
        answer = self.call(
            "script.callFunction",
            functionDeclaration=function,
            arguments=listed,
            awaitPromise=True,
            # As if a person had just clicked: only then may a page play sound.
            userActivation=True,
            target={"context": self._tab},
        )
        assert answer["type"] == "success", answer["exceptionDetails"]["text"]
        return answer["result"].get("value")

    def wait(self, holds: str) -> None:
        """Until a function of the page says true."""
        assert self.run(WAIT % holds, PATIENCE_MS), f"never came true: {holds}"

    @contextmanager
    def glimpse(self, holds: str) -> Iterator[None]:
        """What is done within makes a function of the page say true, and be it for a moment."""
        self.run(GLIMPSE % holds)
        yield
        self.wait(GLIMPSED)

    def expect_text(self, selector: str, text: str) -> None:
        quoted = json.dumps([selector, text])
        self.wait(f"() => ((s, t) => document.querySelector(s)?.textContent === t)(...{quoted})")

    def texts(self, selector: str) -> list[str]:
        found = self.run(_TEXTS, selector)
        return list(json.loads(found))

    def click(self, selector: str) -> None:
        """As a person does, with the mouse: only then may a page play sound."""
        self.wait(f"() => document.querySelector({json.dumps(selector)}) !== null")
        place = json.loads(
            self.run(
                """async (s) => {
                  // What has come before may still scroll the page to its end.
                  await new Promise(requestAnimationFrame);
                  const one = document.querySelector(s);
                  one.scrollIntoView({block: "center"});
                  const {x, y, width, height} = one.getBoundingClientRect();
                  return JSON.stringify([Math.round(x + width / 2), Math.round(y + height / 2)]);
                }""",
                selector,
            )
        )
        steps = [
            {"type": "pointerMove", "x": place[0], "y": place[1]},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        mouse = {"type": "pointer", "id": "mouse", "actions": steps}
        self.call("input.performActions", context=self._tab, actions=[mouse])

    def saved(self, selector: str) -> str:
        """What a click on a button saves as a file."""
        self.click(selector)
        while not (found := [one for one in self._events if one.get("method") == _SAVED]):
            self._events.append(json.loads(self._socket.recv(timeout=_PATIENCE_S)))
        self._events.remove(found[0])
        return Path(found[0]["params"]["filepath"]).read_text("utf-8")

    def picture(self, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        shot = self.call("browsingContext.captureScreenshot", context=self._tab)
        path.write_bytes(base64.b64decode(shot["data"]))

    @property
    def complaints(self) -> list[str]:
        """Errors and warnings of any page so far."""
        entries = [one["params"] for one in self._events if one.get("method") == "log.entryAdded"]
        return [one["text"] for one in entries if one["level"] in ("warn", "error")]


@contextmanager
def firefox(folder: Path, **chosen: object) -> Iterator[Firefox]:
    """A browser with a profile of its own in `folder`; skips the test where there is none.

    Args:
        chosen: preferences of this one, `__` for the dots of their names.
    """
    command = shutil.which("firefox-esr") or shutil.which("firefox")
    if command is None:
        pytest.skip("needs Firefox: apt-get install firefox-esr")
    profile, downloads = folder / "profile", folder / "downloads"
    profile.mkdir()
    downloads.mkdir()
    named = {name.replace("__", "."): value for name, value in chosen.items()}
    preferences = {**_PREFERENCES, "browser.download.dir": str(downloads), **named}
    lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in preferences.items()]
    (profile / "user.js").write_text("".join(lines))
    process = subprocess.Popen(
        [command, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port=0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        address = next(line for line in process.stderr if line.startswith(_LISTENS))
        url = f"{address.removeprefix(_LISTENS).strip()}/session"
        # It may be busy for long.
        with connect(
            url, max_size=None, proxy=None, open_timeout=LONG_S, ping_interval=None
        ) as socket:
            browser = Firefox(socket)
            yield browser
            browser.call("browser.close")
    finally:
        process.terminate()
        process.wait(timeout=LONG_S)
        process.stderr.close()
