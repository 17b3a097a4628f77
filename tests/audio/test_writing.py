"""Samples become bytes that others read back."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import pytest

from rasr.audio.files import audio_info, read_audio
from rasr.audio.formats import Samples
from rasr.audio.g711 import alaw_decode, ulaw_decode
from rasr.audio.writing import AudioWriter, WrittenFormat, wav_header

RATE = 22050


def tone(seconds: float = 1.0) -> Samples:
    time = np.arange(round(RATE * seconds)) / RATE
    return (8000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)


def written(format: WrittenFormat, rate: int, step: int = 1000) -> bytes:
    writer = AudioWriter(format, RATE, rate)
    samples = tone()
    parts = [writer.feed(samples[at : at + step]) for at in range(0, len(samples), step)]
    return b"".join(parts) + writer.flush()


def height_hz(samples: Samples, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples.astype(np.float64)))
    return float(spectrum.argmax() * rate / len(samples))


@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("format", [WrittenFormat.PCM, WrittenFormat.ALAW, WrittenFormat.ULAW])
def test_raw_formats_are_the_samples_at_the_rate(format: WrittenFormat, rate: int) -> None:
    data = written(format, rate)
    match format:
        case WrittenFormat.ALAW:
            samples = alaw_decode(data)
        case WrittenFormat.ULAW:
            samples = ulaw_decode(data)
        case _:
            samples = np.frombuffer(data, "<i2")
    assert len(samples) == pytest.approx(rate, abs=2)
    assert height_hz(samples, rate) == pytest.approx(440, abs=2)
    assert np.abs(samples[100:-100]).max() == pytest.approx(8000, rel=0.05)


@pytest.mark.parametrize("rate", [8000, 16000])
def test_mp3_is_read_back(tmp_path: Path, rate: int) -> None:
    file = tmp_path / "a.mp3"
    file.write_bytes(written(WrittenFormat.MP3, rate))
    assert audio_info(file).sample_rate == rate
    samples = np.concatenate(list(read_audio(file, rate)))
    assert len(samples) == pytest.approx(rate, abs=0.2 * rate)
    assert height_hz(samples, rate) == pytest.approx(440, abs=5)


def test_a_wav_of_unknown_length_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    file.write_bytes(written(WrittenFormat.WAV, 16000))
    samples = np.concatenate(list(read_audio(file, 16000)))
    assert len(samples) == pytest.approx(16000, abs=2)


def test_a_wav_of_known_length_says_it() -> None:
    with wave.open(io.BytesIO(wav_header(8000, 4) + b"\0\0\1\0")) as file:
        assert (file.getframerate(), file.getnframes(), file.getnchannels()) == (8000, 2, 1)


@pytest.mark.parametrize("format", list(WrittenFormat))
def test_how_the_samples_are_cut_changes_nothing(format: WrittenFormat) -> None:
    assert written(format, 16000, 37) == written(format, 16000, RATE)


@pytest.mark.parametrize("format", list(WrittenFormat))
def test_no_samples_are_no_fault(format: WrittenFormat) -> None:
    AudioWriter(format, RATE, 8000).flush()


def test_a_rate_that_mp3_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="no sample rate of 9000"):
        AudioWriter(WrittenFormat.MP3, RATE, 9000)
