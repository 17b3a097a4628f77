"""What goes over a page's websocket: a server whose finals are made up, and what a page sends.

A page gets the finals as it would get those of a recogniser.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page, WebSocket, WebSocketRoute

WORD_MS = 300


@dataclass(frozen=True)
class Said:
    """A sentence, its words one after the other, each as long as the next."""

    text: str
    start_ms: int
    unsure: frozenset[int] = field(default_factory=frozenset)
    """Which of its words the recogniser is not sure of."""
    score: float = 0.9

    @property
    def segment(self) -> dict[str, Any]:
        """As it stands in a RESULT."""
        words = self.text.split() if " " in self.text else list(self.text.rstrip("。"))
        listed = [
            {
                "word": word,
                "start_time": self.start_ms + index * WORD_MS,
                "end_time": self.start_ms + (index + 1) * WORD_MS,
                "confidence": 0.3 if index in self.unsure else 0.95,
            }
            for index, word in enumerate(words)
        ]
        result = {"text": self.text, "score": self.score, "word_info": listed}
        end = self.start_ms + len(words) * WORD_MS
        return {
            "start_time": self.start_ms,
            "end_time": end,
            "is_final": True,
            "result": result,
        }


class Script:
    """Answers START with its sentences and END with END; a page's own server has all the rest."""

    def __init__(self, *said: Said) -> None:
        self.said: Sequence[Said] = said
        self._socket: WebSocketRoute | None = None

    def attach(self, page: Page) -> None:
        page.route_web_socket(re.compile("/rasr/"), self._serve)

    def say(self, *said: Said) -> None:
        """Finals that come now."""
        assert self._socket is not None
        self._socket.send(_result(said))

    def _serve(self, socket: WebSocketRoute) -> None:
        self._socket = socket

        def answer(message: str | bytes) -> None:
            if isinstance(message, bytes):
                return
            if json.loads(message)["command"] == "START":
                socket.send(json.dumps({"resp_type": "START", "trace_id": "t"}))
                if self.said:
                    socket.send(_result(self.said))
            else:
                end = {"resp_type": "END", "trace_id": "t", "reason": "NORMAL"}
                socket.send(json.dumps(end))

        socket.on_message(answer)


class Sent:
    """The messages that a page sends to its own server, without the audio."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def attach(self, page: Page) -> None:
        page.on("websocket", lambda socket: self._follow(socket))

    def _follow(self, socket: WebSocket) -> None:
        socket.on("framesent", lambda frame: self._keep(frame))

    def _keep(self, frame: str | bytes) -> None:
        if isinstance(frame, str):
            self.messages.append(json.loads(frame))


def _result(said: Sequence[Said]) -> str:
    segments = [one.segment for one in said]
    return json.dumps({"resp_type": "RESULT", "trace_id": "t", "segments": segments})
