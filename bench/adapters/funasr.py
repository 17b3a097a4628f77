"""FunASR's websocket runtime (runtime/docs/websocket_protocol.md of modelscope/FunASR), at an
address, in 2pass mode.

A message with mode and chunk size first, which is not answered; int16 in; `2pass-online` answers
bring what was heard since the last one, a `2pass-offline` answer the text of the whole sentence;
`{"is_speaking": false}` ends the sound, and the next `2pass-offline` answer is the last one. The
handshake must offer the subprotocol "binary". Times (`timestamp`) come from models that have them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from bench.wires import Answer, PeerWire, Reader, Samples
from rasr.client.websocket import binary_frame, text_frame

_CHUNK = [5, 10, 5]
"""Of 60 ms: a step of 600 ms with a look-ahead of 300 ms."""


class FunasrWire(PeerWire):
    __slots__ = ()

    ends_by_closing = False

    @property
    def subprotocols(self) -> Sequence[str]:
        return ("binary",)

    @property
    def opening(self) -> bytes:
        return text_frame(
            json.dumps(
                {
                    "mode": "2pass",
                    "wav_name": "bench",
                    "wav_format": "pcm",
                    "audio_fs": 16000,
                    "is_speaking": True,
                    "chunk_size": _CHUNK,
                    "itn": False,
                }
            )
        )

    @property
    def ending(self) -> bytes:
        return text_frame(json.dumps({"is_speaking": False}))

    def sound(self, samples: Samples) -> bytes:
        return binary_frame(samples.astype("<i2").tobytes())

    def is_over(self, message: bytes) -> bool:
        return bool(json.loads(message).get("mode") == "2pass-offline")

    def reader(self) -> Reader:
        heard = ""

        def read(at_s: float, message: bytes) -> Sequence[Answer]:
            nonlocal heard
            body: dict[str, Any] = json.loads(message)
            if body["mode"] == "2pass-online":
                heard = f"{heard} {body['text']}".strip()
                return [Answer(at_s, heard)]
            heard = ""
            times_ms = None
            if stamps := json.loads(body.get("timestamp") or "[]"):
                times_ms = (stamps[0][0], stamps[-1][1])
            return [Answer(at_s, body["text"], is_final=True, times_ms=times_ms)]

        return read
