"""WhisperLive (https://github.com/collabora/WhisperLive, whisper_live/server.py), at an address.

A message with the client's name, language and model first, answered by SERVER_READY or, with all
places taken, by the status WAIT; float32 in; each answer brings the last segments with their times,
of which those that are `completed` stay. END_OF_AUDIO ends the sound, and the server closes the
connection without decoding what is left, so what it has not told by then never comes.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.wires import Answer, PeerWire, Reader, Samples, float_frame
from rasr.client.websocket import binary_frame, text_frame


@dataclass(frozen=True, slots=True)
class WhisperLiveWire(PeerWire):
    language: str = "en"
    model: str = "small"

    opening_is_answered = True

    @property
    def opening(self) -> bytes:
        return text_frame(
            json.dumps(
                {
                    "uid": str(uuid.uuid4()),
                    "language": self.language,
                    "task": "transcribe",
                    "model": self.model,
                    "use_vad": True,
                    "send_last_n_segments": 10,
                }
            )
        )

    @property
    def ending(self) -> bytes:
        return binary_frame(b"END_OF_AUDIO")

    def sound(self, samples: Samples) -> bytes:
        return float_frame(samples)

    def refusal(self, message: bytes) -> str | None:
        body: dict[str, Any] = json.loads(message)
        if body.get("status") == "WAIT":
            return f"WAIT: {body.get('message')} minutes"
        return None

    def reader(self) -> Reader:
        completed: set[str] = set()

        def read(at_s: float, message: bytes) -> Sequence[Answer]:
            body: dict[str, Any] = json.loads(message)
            if body.get("status") == "ERROR":
                raise ValueError(f"the server says: {body.get('message')}")
            answers = []
            for one in body.get("segments", ()):
                times_ms = round(float(one["start"]) * 1000), round(float(one["end"]) * 1000)
                if not one.get("completed"):
                    answers.append(Answer(at_s, one["text"], times_ms=times_ms))
                elif one["start"] not in completed:
                    completed.add(one["start"])
                    answers.append(Answer(at_s, one["text"], is_final=True, times_ms=times_ms))
            return answers

        return read
