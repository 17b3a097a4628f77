"""The comparison of Whisper servers: what is read of their answers, and when ours is better."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import uvloop

from bench import whisper_servers
from bench.servers import FAKE_ENGINE, running_server
from bench.texts import Mistakes
from bench.whisper_peers import CRITERIA, Outcome, streamed, with_final
from bench.whisper_servers import WhisperLiveClient, WhisperLiveKitClient, running_whisper_live
from bench.wire_clients import Answer, SisClient, WireClient

LIVE = WhisperLiveClient("ws://127.0.0.1:1")
KIT = WhisperLiveKitClient("ws://127.0.0.1:1")


def texts(wire: WireClient, **message: object) -> list[str]:
    return [answer.text for answer in wire.read(1.0, json.dumps(message).encode())]


def test_all_segments_of_whisper_live_are_one_text() -> None:
    segments = [{"text": " The library"}, {"text": " will be open."}]
    assert texts(LIVE, uid="bench", segments=segments) == ["The library will be open."]
    assert texts(LIVE, uid="bench", message="SERVER_READY") == []


def test_lines_and_what_is_not_stable_of_whisperlivekit_are_one_text() -> None:
    lines = [{"text": " The library", "speaker": 1}, {"text": None, "speaker": -2}]
    assert texts(KIT, lines=lines, buffer_transcription=" will be") == ["The library will be"]
    assert texts(KIT, type="config", useAudioWorklet=True) == []


def test_errors_of_both_are_told_and_so_is_their_end() -> None:
    with pytest.raises(ValueError, match="Failed to load model"):
        texts(LIVE, status="ERROR", message="Failed to load model: x")
    with pytest.raises(ValueError, match="no sound"):
        texts(KIT, error="no sound", lines=[], buffer_transcription="")
    assert LIVE.refusal(b'{"status": "WAIT", "message": 1}') == "WAIT"
    assert LIVE.refusal(b'{"message": "SERVER_READY"}') is None
    assert KIT.is_over(b'{"type": "ready_to_stop"}')
    assert not KIT.is_over(b'{"type": "config"}')
    assert LIVE.is_over(b'{"message": "DISCONNECT"}')


def test_the_last_text_of_a_server_without_finals_is_its_final() -> None:
    told = [Answer(1.0, "a"), Answer(2.0, "a b"), Answer(3.0, "")]
    assert with_final(told) == [Answer(1.0, "a"), Answer(2.0, "a b", is_final=True)]
    finals = [Answer(1.0, "a", is_final=True), Answer(2.0, "b")]
    assert with_final(finals) == finals
    assert with_final([]) == []


def test_ours_is_to_be_no_worse_in_words_and_better_in_the_rest() -> None:
    def outcome(wrong: int, first_ms: float, cpu_s: float) -> Outcome:
        return Outcome(Mistakes(100, substituted=wrong), [first_ms], cpu_s, 10.0)

    ours = outcome(3, 500.0, 4.0)
    assert [one.met(ours, [outcome(3, 500.0, 5.0)]) for one in CRITERIA] == ["yes", "no", "yes"]
    both = [outcome(4, 900.0, 5.0), outcome(2, 900.0, 3.0)]
    assert [one.met(ours, both) for one in CRITERIA] == ["no", "yes", "no"]
    assert [one.met(ours, []) for one in CRITERIA] == ["–", "–", "–"]
    assert [one.met(ours, [Outcome()]) for one in CRITERIA] == ["–", "–", "–"]


def test_a_recording_is_streamed_and_its_final_comes_back() -> None:
    tone = (8000 * np.sin(np.arange(8000) / 5)).astype(np.int16)
    with running_server(FAKE_ENGINE, admission=False) as server:
        stream = uvloop.run(streamed(SisClient(server.url), server, tone))
    assert stream.answers[-1].is_over
    assert stream.answers[-1].at_s >= stream.start_s + 0.5
    assert stream.cpu_s >= 0


def test_a_server_that_is_not_installed_says_what_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whisper_servers, "ENVIRONMENTS", tmp_path)
    with pytest.raises(RuntimeError, match="whisper-live is not installed: make peers"):
        with running_whisper_live(tmp_path):
            pass
