"""vosk-server (https://github.com/alphacep/vosk-server, websocket/asr_server.py), at an address.

A message with the rate first, which is not answered; int16 in; one answer for each message of
sound, `partial` while the recogniser hears one sentence and `text` when it has ended, with the
times of the words if the server shows them; `{"eof" : 1}` ends the sound, and behind the answer to
it the connection is closed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from bench.wires import Answer, PeerWire, Reader, Samples
from rasr.client.websocket import binary_frame, text_frame


class VoskWire(PeerWire):
    __slots__ = ()

    @property
    def opening(self) -> bytes:
        return text_frame(json.dumps({"config": {"sample_rate": 16000, "words": True}}))

    @property
    def ending(self) -> bytes:
        # To the letter: the server compares the text.
        return text_frame('{"eof" : 1}')

    def sound(self, samples: Samples) -> bytes:
        return binary_frame(samples.astype("<i2").tobytes())

    def reader(self) -> Reader:
        return self._read

    def _read(self, at_s: float, message: bytes) -> Sequence[Answer]:
        body: dict[str, Any] = json.loads(message)
        if "partial" in body:
            return [Answer(at_s, body["partial"])]
        words = body.get("result")
        times_ms = None
        if words:
            times_ms = (round(words[0]["start"] * 1000), round(words[-1]["end"] * 1000))
        return [Answer(at_s, body.get("text", ""), is_final=True, times_ms=times_ms)]
