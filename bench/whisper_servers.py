"""Servers of others that speak Whisper: how they are started and what is said to them.

They need PyTorch and versions of packages of their own, so each has an environment of its own,
which `make peers` makes. Both run the weights of a folder by CTranslate2 in int8 on the CPU, with
five paths, and nothing else is set that they do not need to run: their own voice activity, their
own rules for what is stable.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.report import ROOT
from bench.servers import MeasuredServer, running_program
from bench.wire_clients import Answer
from rasr.audio import Samples
from rasr.client import binary_frame, text_frame

ENVIRONMENTS = ROOT / ".venv-peers"
"""A folder for each server, by its name."""
WHISPER_LIVE, WHISPERLIVEKIT = "whisper-live", "whisperlivekit"
_OFFLINE = {"HF_HUB_OFFLINE": "1"}
_SERVE_WHISPER_LIVE = """\
import sys
from whisper_live.server import TranscriptionServer
TranscriptionServer().run(
    "127.0.0.1", port=int(sys.argv[1]), backend="faster_whisper",
    faster_whisper_custom_model_path=sys.argv[2], single_model=False, raw_pcm_input=True,
)
"""
"""Its package has the server and no program that starts it. Each connection loads the model before
it is ready: with one model for all, a reading that goes on after its client has left keeps the next
client waiting, and nothing of a short recording is heard."""


def running_whisper_live(folder: Path) -> AbstractContextManager[MeasuredServer]:
    """Start whisper-live's server with the model of a folder; stop it at the end.

    Raises:
        RuntimeError: it is not installed, or it did not start.
    """
    return _running(
        WHISPER_LIVE,
        "python",
        lambda port: ("-c", _SERVE_WHISPER_LIVE, str(port), str(folder.absolute())),
    )


def running_whisperlivekit(folder: Path) -> AbstractContextManager[MeasuredServer]:
    """Start whisperlivekit's server with the model of a folder; stop it at the end.

    Its other policy, simulstreaming, needs weights in PyTorch's format.

    Raises:
        RuntimeError: it is not installed, or it did not start.
    """
    return _running(
        WHISPERLIVEKIT,
        "wlk",
        lambda port: (
            "serve",
            *("--backend", "faster-whisper", "--backend-policy", "localagreement"),
            *("--model_dir", str(folder.absolute()), "--language", "en"),
            # Raw audio, and no file from the network to warm it.
            *("--pcm-input", "--warmup-file", ""),
            *("--host", "127.0.0.1", "--port", str(port)),
        ),
    )


@contextmanager
def _running(name: str, program: str, arguments: Any) -> Iterator[MeasuredServer]:
    path = ENVIRONMENTS / name / "bin" / program
    if not path.exists():
        raise RuntimeError(f"{name} is not installed: make peers")
    with running_program(name, lambda port: (str(path), *arguments(port)), **_OFFLINE) as server:
        yield server


@dataclass(frozen=True, slots=True)
class WhisperLiveClient:
    """whisper-live: int16 in; after each reading the segments so far, the whole text of them. It
    has no final, and closes the connection at the end."""

    url: str
    """As ws://host:port."""

    @property
    def opening(self) -> bytes | None:
        """What its own client sends, but for the number of segments that come back."""
        return text_frame(
            json.dumps(
                {
                    "uid": "bench",
                    "language": "en",
                    "task": "transcribe",
                    "model": "base",
                    "use_vad": True,
                    "send_last_n_segments": 1000,
                }
            )
        )

    @property
    def ending(self) -> bytes:
        """END_OF_AUDIO; what was not read by then never is."""
        return binary_frame(b"END_OF_AUDIO")

    def audio(self, samples: Samples) -> bytes:
        """Return a chunk as int16."""
        return binary_frame(samples.astype("<i2").tobytes())

    def refusal(self, message: bytes) -> str | None:
        """Return the status that says that it is full."""
        body = json.loads(message)
        return "WAIT" if body.get("status") == "WAIT" else None

    def is_over(self, message: bytes) -> bool:
        """Whether it says that it disconnects."""
        return bool(json.loads(message).get("message") == "DISCONNECT")

    def read(self, at_s: float, message: bytes) -> Sequence[Answer]:
        """Return the text so far.

        Raises:
            ValueError: it is an error.
        """
        body: dict[str, Any] = json.loads(message)
        if body.get("status") == "ERROR":
            raise ValueError(str(body["message"]))
        if "segments" not in body:
            return []
        return [Answer(at_s, " ".join(one["text"].strip() for one in body["segments"]))]


@dataclass(frozen=True, slots=True)
class WhisperLiveKitClient:
    """whisperlivekit: int16 in; several times a second the lines so far and what is not stable, the
    whole text of them."""

    server: str
    """As ws://host:port."""

    @property
    def url(self) -> str:
        """The address of the websocket."""
        return f"{self.server}/asr"

    @property
    def opening(self) -> bytes | None:
        """Nothing: the stream begins with its audio."""
        return None

    @property
    def ending(self) -> bytes:
        """An empty message."""
        return binary_frame(b"")

    def audio(self, samples: Samples) -> bytes:
        """Return a chunk as int16."""
        return binary_frame(samples.astype("<i2").tobytes())

    def refusal(self, message: bytes) -> str | None:
        """Return None."""
        return None

    def is_over(self, message: bytes) -> bool:
        """Whether it is ready to stop."""
        return bool(json.loads(message).get("type") == "ready_to_stop")

    def read(self, at_s: float, message: bytes) -> Sequence[Answer]:
        """Return the text so far.

        Raises:
            ValueError: it is an error.
        """
        body: dict[str, Any] = json.loads(message)
        if body.get("error"):
            raise ValueError(str(body["error"]))
        if "lines" not in body:
            return []
        pieces = [*(line["text"] or "" for line in body["lines"]), body["buffer_transcription"]]
        return [Answer(at_s, " ".join(piece.strip() for piece in pieces if piece.strip()))]


def silence(seconds: float) -> Samples:
    """Silence at 16 kHz, shape (n,), int16."""
    return np.zeros(round(seconds * 16_000), np.int16)
