"""Servers that can be stopped and started again at their place, and somebody who speaks to them.

In a process of its own a server can be killed, too; in a thread it is there at once.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal

from rasr.client import Ended, Options, Result, ServerMessage, Session, connect
from rasr.identity.directory import Directory
from rasr.server.service import Service
from rasr.store.on_demand import StoreOnDemand
from tests.processes import LONG_S
from tests.server.conftest import fake_settings
from tools.ports import free_port

FAKE = {"RASR_ENGINES__FAKE__KIND": "fake", "RASR_PROPERTIES__ENGLISH": "fake"}
"""Settings around the engine that loads nothing, and makes words of any audio."""
ENGLISH = {
    "RASR_PROPERTIES__ENGLISH": "pocketsphinx",
    "RASR_DECODING__WORKERS": "1",
    "RASR_DECODING__STREAMS_PER_WORKER": "2",
}
"""Settings around the default engine, for one speaker: it loads in half the time."""
CHINESE = {"RASR_PROPERTIES__CHINESE": "tiny-zh-en"}
"""Settings around the small Mandarin model of the package."""

_IDLE_S = 600.0
"""Whoever speaks for a test is silent meanwhile for as long as that looks at pages."""


@dataclass
class Server:
    folder: Path
    """Where its log goes and where it looks for models."""
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end(signal.SIGTERM)

    def start(self) -> None:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("RASR_")
        }
        environment |= self.settings | {
            "XDG_DATA_HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder),
            # Whether somebody is let in must not depend on how busy the machine is.
            "RASR_CAPACITY__MAX_LOAD": "0",
            # Who goes last gets next to nothing where other tests run beside.
            "RASR_SYNTHESIS__NICENESS": "0",
            "RASR_SESSION__IDLE_S": str(_IDLE_S),
        }
        with (self.folder / "server.log").open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "rasr", "serve", "--port", str(self.port)],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert f"Open http://localhost:{self.port} " in line, (
            self.folder / "server.log"
        ).read_text()

    def end(self, number: signal.Signals) -> None:
        """Stop it with SIGTERM, or let it die with SIGKILL."""
        if self._process is not None:
            self._process.send_signal(number)
            # One that hangs hears no SIGTERM.
            self._process.send_signal(signal.SIGCONT)
            self._process.wait(timeout=LONG_S)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def hang(self) -> None:
        """From now on its connections stay open, and nothing comes."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text("utf-8")


class ThreadServer:
    """Around the engine that loads nothing, in a thread with a loop of its own."""

    def __init__(
        self,
        directory: Directory | None = None,
        store: StoreOnDemand | None = None,
        **sections: dict[str, object],
    ) -> None:
        self._directory = directory
        self._store = store
        self.port = free_port()
        place, patience = {"port": self.port}, {"idle_s": _IDLE_S}
        self._settings = fake_settings(
            **sections
            | {
                "server": place | sections.get("server", {}),
                "session": patience | sections.get("session", {}),
            }
        )
        self._running = ExitStack()

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def start(self) -> None:
        portal = self._running.enter_context(start_blocking_portal())
        service = portal.call(self._made)
        self._running.enter_context(portal.wrap_async_context_manager(service))

    def end(self) -> None:
        """Stop it, as SIGTERM would."""
        self._running.close()

    async def _made(self) -> Service:
        self._service = Service(self._settings, self._directory, self._store)
        return self._service

    @property
    def rounds_so_far(self) -> int:
        """How many were begun."""
        state = self._service.state
        begun = sum(one.recognitions for one in state.connections.statistics)
        return begun + state.statistics.recognitions

    @property
    def rounds(self) -> int:
        """How many are open now."""
        answer = httpx.get(f"{self.url}/readyz", trust_env=False, timeout=LONG_S).json()
        return int(answer["rounds"])


class Speaker:
    """A round of somebody else's, that a test has without a loop of its own."""

    def __init__(self, portal: BlockingPortal, session: Session) -> None:
        self._portal = portal
        self._session = session
        self._messages = aiter(session)
        self._finals: list[str] = []

    def say(self, audio: bytes) -> None:
        self._portal.call(self._session.send, audio)

    def grow(self, audio: bytes) -> None:
        """Go on with a sentence, until more of it is known."""
        self.say(audio)
        while not isinstance(self._hear(), Result):
            pass

    def finals(self, count: int) -> list[str]:
        """The texts of the first `count` sentences, when they are final."""
        while len(self._finals) < count:
            self._hear()
        return self._finals[:count]

    def end(self) -> None:
        self._portal.call(self._session.end)
        while not isinstance(self._hear(), Ended):
            pass

    def _hear(self) -> ServerMessage:
        message = self._portal.call(self._next)
        if isinstance(message, Result):
            self._finals += [one.text for one in message.segments if one.is_final]
        return message

    async def _next(self) -> ServerMessage:
        async with asyncio.timeout(LONG_S):
            return await anext(self._messages)


@contextmanager
def speaking(
    server: Server | ThreadServer, channel: str, property: str = "english_16k_common"
) -> Iterator[Speaker]:
    """Somebody whose words are published to a channel of captions."""
    options = Options.of(property, interim_results=True, caption_channel=channel)
    with start_blocking_portal() as portal:
        session = connect(server.url.replace("http", "ws"), options)
        with portal.wrap_async_context_manager(session) as opened:
            speaker = Speaker(portal, opened)
            yield speaker
            speaker.end()
