"""`rasr mic`, with a device that plays a recording, and with what can be missing."""

from __future__ import annotations

import re
import signal
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from rasr.audio import read_audio
from tests.cli.conftest import Rasr

RECORDING = Path(__file__).parents[1] / "speech" / "greeting.flac"


class PortAudioError(Exception):
    pass


class Device:
    """Stands in for sounddevice: says a recording, then Ctrl-C is pressed."""

    def __init__(self, rates: tuple[int, ...] = (16000, 48000), native_rate: int = 48000) -> None:
        self.rates = rates
        self.native_rate = native_rate
        self.opened: dict[str, Any] = {}
        self.closed = False

    def module(self) -> ModuleType:
        module = ModuleType("sounddevice")
        module.__dict__.update(
            PortAudioError=PortAudioError,
            RawInputStream=self.open,
            check_input_settings=self.check,
            query_devices=self.query,
        )
        return module

    def check(self, *, device: object, channels: int, dtype: str, samplerate: int) -> None:
        if samplerate not in self.rates:
            raise PortAudioError("Invalid sample rate")

    def query(self, device: object = None, kind: str | None = None) -> Any:
        microphone = {
            "name": "Desk microphone",
            "max_input_channels": 1,
            "default_samplerate": float(self.native_rate),
        }
        speaker = {"name": "Speaker", "max_input_channels": 0, "default_samplerate": 44100.0}
        return microphone if kind == "input" else [speaker, microphone]

    def open(self, **arguments: Any) -> Device:
        self.opened = arguments
        return self

    def start(self) -> None:
        size = self.opened["blocksize"]
        audio = np.concatenate(list(read_audio(RECORDING, self.opened["samplerate"])))
        for start in range(0, len(audio), size):
            block = audio[start : start + size].tobytes()
            self.opened["callback"](memoryview(block), len(block) // 2, None, None)
        signal.raise_signal(signal.SIGINT)

    def stop(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    device = Device()
    monkeypatch.setitem(sys.modules, "sounddevice", device.module())
    return device


def test_ctrl_c_ends_the_round_and_what_was_said_is_recognised(rasr: Rasr, device: Device) -> None:
    result = rasr("mic")
    assert result.exit_code == 0, result.output
    assert result.stdout == rasr("transcribe", RECORDING).stdout != ""
    assert "Ctrl-C stops" in result.stderr
    assert device.closed
    assert device.opened["samplerate"] == 16000


def test_a_channel_s_address_is_told_before_anything_is_said(rasr: Rasr, device: Device) -> None:
    result = rasr("mic", "--channel", "stage")
    assert result.exit_code == 0, result.output
    assert re.search(r"^Captions: http://127\.0\.0\.1:\d+/captions/stage$", result.stderr, re.M)


def test_a_device_of_another_rate_is_resampled(rasr: Rasr, device: Device) -> None:
    device.rates = (48000,)
    result = rasr("mic")
    assert result.exit_code == 0, result.output
    assert device.opened["samplerate"] == 48000
    words, wanted = (
        len(rasr(*arguments).stdout.split()) for arguments in (["mic"], ["transcribe", RECORDING])
    )
    assert abs(words - wanted) <= 1


def test_a_device_is_chosen_by_number_or_name(rasr: Rasr, device: Device) -> None:
    rasr("mic", "--device", "3")
    assert device.opened["device"] == 3
    rasr("mic", "--device", "Desk")
    assert device.opened["device"] == "Desk"


def test_devices_that_record_are_listed(rasr: Rasr, device: Device) -> None:
    assert rasr("mic", "--list-devices").stdout == "  1  Desk microphone (48000 Hz)\n"


def test_no_device_is_a_sentence(
    rasr: Rasr, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    def query(device: object = None, kind: str | None = None) -> Any:
        if kind is None:
            return []
        raise PortAudioError("Error querying device -1")

    device.rates = ()
    monkeypatch.setattr(sys.modules["sounddevice"], "query_devices", query)
    result = rasr("mic")
    assert result.exit_code == 1
    assert "a microphone cannot be opened: Error querying device -1" in result.stderr
    listed = rasr("mic", "--list-devices")
    assert listed.exit_code == 1
    assert "connect a microphone" in listed.stderr


def test_a_missing_portaudio_names_the_package_that_has_it(
    rasr: Rasr, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Missing:
        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    result = rasr("mic")
    assert result.exit_code == 1
    assert "apt install libportaudio2" in result.stderr


def test_options_of_other_modes_are_refused_before_the_microphone_opens(rasr: Rasr) -> None:
    result = rasr("mic", "--mode", "short", "--max-seconds", "5")
    assert result.exit_code == 2
    assert "--max-seconds does nothing in short mode" in " ".join(result.stderr.split())


def test_a_microphone_gives_no_compressed_sound(rasr: Rasr) -> None:
    result = rasr("mic", "--audio-format", "webm-opus")
    assert result.exit_code == 2
    assert "--audio-format webm-opus is for files" in result.stderr
