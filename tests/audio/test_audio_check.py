from __future__ import annotations

import io
import os
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rasr.audio import (
    AudioCheck,
    Encoding,
    Finding,
    FindingCode,
    Resampler,
    Samples,
    audio_check,
    encode,
    read_audio,
)
from rasr.audio.encoding_mismatch import ActualEncoding, encoding_mismatch
from rasr.audio.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from rasr.audio.rate_mismatch import measure_voice
from tests.audio.signals import cut, noise, quick, silence, tone, voice
from tests.held import held_bytes
from tests.longer import mostly_long

RANDOM = np.random.default_rng(11)
RATES = pytest.mark.parametrize("rate", [8000, 16000])


def findings(signal: Samples, rate: int, sizes: list[int] | None = None) -> list[Finding]:
    check = AudioCheck(rate)
    pieces = cut(signal.tobytes(), [2 * size for size in sizes or [400] * (len(signal) // 400)])
    return [item for piece in pieces for item in check.feed(np.frombuffer(piece, np.int16))]


def codes(signal: Samples, rate: int) -> list[FindingCode]:
    return [item.code for item in findings(signal, rate)]


def misread(data: bytes) -> Samples:
    """Bytes of something else, read as 16-bit samples."""
    samples: Samples = np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.int16)
    return samples


def amplified(signal: Samples, gain: float) -> Samples:
    louder = np.rint(signal.astype(np.float64) * gain)
    return np.clip(louder, -32768, 32767).astype(np.int16)


def resampled(signal: Samples, source: int, target: int) -> Samples:
    resampler = Resampler(source, target)
    return np.concatenate((resampler.feed(signal), resampler.flush()))


@cache
def proper_signals(rate: int) -> dict[str, Samples]:
    low = voice(12, rate, pitch_hz=80, syllables_hz=3.5)
    return {
        "a man": voice(12, rate),
        "a deep and slow man": low,
        "a woman": voice(12, rate, pitch_hz=210),
        "a child, fast": voice(12, rate, pitch_hz=320, syllables_hz=6),
        "a quiet voice": amplified(low, 0.05),
        "a loud voice": amplified(low, 2.7),
        "a voice in noise": low + noise(12, rate, 800),
        "a voice off the zero line": low + np.int16(3000),
        "a voice after some silence": np.concatenate((silence(2.9, rate), low)),
        "a telephone voice, µ-law": ulaw_decode(ulaw_encode(low)),
        "a telephone voice, A-law": alaw_decode(alaw_encode(low)),
        "a voice in 8 bits": low // 256 * np.int16(256),
        "noise": noise(12, rate),
        "faint noise": noise(12, rate, 12),
        "loud noise": noise(12, rate, 14000),
        "hum": tone(50, 12, rate, 5000) + noise(12, rate, 60),
        "a tone": tone(1000, 12, rate),
        "a whistle": tone(0.44 * rate, 12, rate),
        "a square wave": np.sign(tone(200, 12, rate)) * np.int16(9000),
        "clicks": np.where(np.arange(12 * rate) % 4000 == 0, 20000, 0).astype(np.int16),
    }


@RATES
@pytest.mark.parametrize("name", proper_signals(8000))
def test_nothing_is_found_in_proper_audio(name: str, rate: int) -> None:
    assert findings(proper_signals(rate)[name], rate) == []


@cache
def mistakes(rate: int) -> dict[str, tuple[Samples, FindingCode]]:
    signal = voice(6, rate)
    floats = (signal / 32768).astype("<f4").tobytes()
    linear = (signal // 256 + 128).astype(np.uint8).tobytes()
    return {
        "digital silence": (silence(6, rate), FindingCode.SILENCE),
        "idle A-law": (alaw_decode(b"\x55\xd5" * 3 * rate), FindingCode.SILENCE),
        "a constant": (silence(6, rate) + np.int16(500), FindingCode.SILENCE),
        "far too loud": (amplified(signal, 30), FindingCode.CLIPPED),
        "high byte first": (signal.byteswap(), FindingCode.BYTE_ORDER),
        "µ-law as PCM": (misread(ulaw_encode(signal)), FindingCode.ENCODING),
        "A-law as PCM": (misread(alaw_encode(signal)), FindingCode.ENCODING),
        "8-bit PCM as 16-bit PCM": (misread(linear), FindingCode.ENCODING),
        "floats as PCM": (misread(floats), FindingCode.ENCODING),
    }


@RATES
@pytest.mark.parametrize("name", mistakes(8000))
def test_a_mistake_is_found_once(name: str, rate: int) -> None:
    signal, code = mistakes(rate)[name]
    assert codes(np.concatenate((signal, signal)), rate) == [code]


@pytest.mark.parametrize(("codec", "kind"), [("libmp3lame", "mp3"), ("libopus", "webm")])
def test_a_compressed_file_sent_as_samples_is_found(codec: str, kind: str) -> None:
    signal = voice(40, 16000) + noise(40, 16000, 300)
    rate = 16000 if kind == "mp3" else 48000
    file = io.BytesIO()
    with av.open(file, "w", format=kind) as container:
        stream = container.add_stream(codec, rate=rate)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono"
        stream.bit_rate = 64000
        frame = av.AudioFrame.from_ndarray(
            resampled(signal, 16000, rate).reshape(1, -1), format="s16", layout="mono"
        )
        frame.sample_rate = rate
        for packet in stream.encode(frame):
            container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    (found,) = findings(misread(file.getvalue()), 16000)
    assert found.code is FindingCode.ENCODING
    assert "compressed" in found.message
    # The same without its beginning: only the statistics of the bytes tell.
    (found,) = findings(misread(file.getvalue()[1001:]), 16000)
    assert found.code is FindingCode.ENCODING
    assert "look compressed" in found.message


@pytest.mark.parametrize(
    ("beginning", "kind", "advice"),
    [
        (b"OggS\0\2\0\0", "Ogg", "'ogg-opus' if it is Opus"),
        (b"\x1a\x45\xdf\xa3\1\0\0\0", "WebM", "'webm-opus' if it is Opus"),
        (b"ID3\4\0\0\0\0", "MP3", "'mp3'"),
        (b"fLaC\0\0\0\x22", "FLAC", "that of raw samples, with raw samples"),
        (b"\0\0\0\x1cftyp", "MP4", "'aac', with the sound as ADTS frames"),
    ],
)
def test_a_file_of_a_known_kind_is_named_after_its_first_second(
    beginning: bytes, kind: str, advice: str
) -> None:
    first_second = np.concatenate((misread(beginning), silence(1, 16000)))[:16000]
    assert findings(first_second[:-1], 16000) == []
    (found,) = findings(np.concatenate((first_second, silence(5, 16000))), 16000)
    assert found == Finding(
        FindingCode.ENCODING,
        f"the bytes are a file of {kind}, which is compressed, read as 16-bit samples; "
        f"the audio_format for that is {advice}",
    )


def test_a_signature_behind_the_beginning_is_audio() -> None:
    signal = np.concatenate((silence(0.1, 16000), misread(b"OggS\0\2\0\0"), voice(6, 16000)))
    assert findings(signal, 16000) == []


def test_a_signature_where_a_later_second_begins_is_audio() -> None:
    signal = voice(6, 16000)
    signal[16000:16004] = misread(b"OggS\0\2\0\0")
    assert findings(signal, 16000) == []


def test_behind_a_mistake_of_coding_nothing_more_is_judged() -> None:
    coded = misread(ulaw_encode(voice(6, 16000)))
    faster = resampled(voice(16, 16000, pitch_hz=95, syllables_hz=4), 16000, 32000)
    assert codes(faster, 16000) == [FindingCode.RATE]
    assert codes(np.concatenate((coded, faster)), 16000) == [FindingCode.ENCODING]


@pytest.mark.parametrize(("declared", "true"), [(8000, 16000), (16000, 32000)])
def test_a_deep_voice_recorded_at_a_higher_rate_than_declared_is_found(
    declared: int, true: int
) -> None:
    signal = resampled(voice(16, 16000, pitch_hz=95, syllables_hz=4), 16000, true)
    (found,) = findings(signal, declared)
    assert found.code is FindingCode.RATE
    assert f"than the declared {declared} Hz" in found.message


@pytest.mark.parametrize("rate", [8001, 11_025, 22_050, 24_000, 44_100, 48_000])
def test_audio_of_any_rate_is_judged(rate: int) -> None:
    for name, signal in proper_signals(16_000).items():
        assert codes(resampled(signal, 16_000, rate), rate) == [], name
    swapped = resampled(voice(12, 16_000), 16_000, rate).byteswap()
    assert codes(swapped, rate) == [FindingCode.BYTE_ORDER]
    assert codes(silence(4, rate), rate) == [FindingCode.SILENCE]
    slow = resampled(voice(16, 16_000, pitch_hz=95, syllables_hz=4), 16_000, rate)
    assert codes(slow, max(8000, rate // 2)) == ([FindingCode.RATE] if rate >= 16_000 else [])


@pytest.mark.parametrize("rate", [8000, 8001, 11_025, 16_000, 44_100, 48_000])
def test_the_pitch_of_a_voice_is_measured(rate: int) -> None:
    pace = measure_voice(voice(5, rate, pitch_hz=150), rate)
    assert pace is not None
    assert pace.pitch_hz == pytest.approx(150, rel=0.1)
    assert 2 < pace.rhythm_hz < 7


@RATES
def test_noise_and_silence_have_no_pace(rate: int) -> None:
    assert measure_voice(noise(5, rate), rate) is None
    assert measure_voice(silence(5, rate), rate) is None


def test_silence_is_told_after_three_seconds_and_audio_after_it_is_still_judged() -> None:
    check = AudioCheck(8000)
    assert check.feed(silence(2.9, 8000)) == ()
    (found,) = check.feed(silence(0.1, 8000))
    assert found.code is FindingCode.SILENCE
    assert [item.code for item in check.feed(voice(6, 8000).byteswap())] == [FindingCode.BYTE_ORDER]


def test_a_mistake_of_coding_is_found_in_two_seconds_of_loud_audio() -> None:
    swapped = noise(1, 16000, 30).byteswap()
    assert codes(np.concatenate((swapped, voice(2, 16000).byteswap())), 16000) == ["byte_order"]


@given(name=st.sampled_from(list(mistakes(8000))), sizes=st.lists(st.integers(0, 9000)))
@quick
def test_the_cut_of_the_audio_changes_no_finding(name: str, sizes: list[int]) -> None:
    signal, _ = mistakes(8000)[name]
    assert findings(signal, 8000, sizes) == findings(signal, 8000)


def recordings() -> list[Path]:
    folder = os.environ.get("RASR_SPEECH_DIR")
    return sorted(Path(folder).glob("*.wav")) if folder else []


def recorded(path: Path, rate: int) -> Samples:
    """Half a minute: a recording, again and again."""
    signal = np.concatenate(list(read_audio(path, rate)))
    return np.resize(signal, 30 * rate)


@pytest.mark.skipif(not recordings(), reason="RASR_SPEECH_DIR names no recordings")
@pytest.mark.parametrize("rate", mostly_long([8000, 16_000, 24_000, 44_100], 16_000))
@pytest.mark.parametrize("path", recordings(), ids=lambda path: path.stem)
def test_nothing_is_found_in_a_real_recording(path: Path, rate: int) -> None:
    signal = recorded(path, rate)
    for gain in (0.05, 0.3, 1.0, 2.0):
        heard = amplified(signal, gain)
        assert codes(heard, rate) == []
        assert codes(ulaw_decode(ulaw_encode(heard)), rate) == []
        assert codes(alaw_decode(alaw_encode(heard)), rate) == []


@pytest.mark.skipif(not recordings(), reason="RASR_SPEECH_DIR names no recordings")
def test_most_mistakes_with_real_recordings_are_found() -> None:
    found = dict.fromkeys(("swapped", "ulaw", "floats", "half speed", "double speed"), 0)
    speech = [path for path in recordings() if not path.stem.startswith("noise")]
    for path in speech:
        signal = recorded(path, 16000)
        found["swapped"] += codes(signal.byteswap(), 16000) == ["byte_order"]
        found["ulaw"] += codes(misread(encode(signal, Encoding.ULAW)), 16000) == ["encoding"]
        floats = (signal / 32768).astype("<f4").tobytes()
        found["floats"] += codes(misread(floats), 16000) == ["encoding"]
        found["half speed"] += codes(signal, 8000) == ["rate"]
        found["double speed"] += codes(recorded(path, 8000), 16000) != []
    assert found["swapped"] >= len(speech) - 1
    assert found["ulaw"] == found["floats"] == len(speech)
    assert found["half speed"] >= len(speech) // 2
    assert found["double speed"] == 0


def test_random_bytes_look_compressed_only_where_they_use_the_whole_range() -> None:
    random = np.random.default_rng(4)
    whole = random.integers(0, 256, 64_000, dtype=np.uint8).tobytes()
    half = random.integers(64, 192, 64_000, dtype=np.uint8).tobytes()
    assert encoding_mismatch(misread(whole)) is ActualEncoding.COMPRESSED
    assert encoding_mismatch(misread(half)) is not ActualEncoding.COMPRESSED


def test_bytes_that_are_all_the_same_are_of_no_other_encoding() -> None:
    assert encoding_mismatch(np.full(32_000, 0x4141, np.int16)) is None


@pytest.mark.parametrize(
    "beginning",
    [
        [voice(20.7, 16_000)],
        [silence(5, 16_000), voice(20.7, 16_000)],
        [voice(12, 16_000).byteswap()],
        [misread(b"OggS\0\2\0\0" + bytes(32_000))],
        [resampled(voice(16, 16_000, pitch_hz=95, syllables_hz=4), 16_000, 32_000)],
    ],
    ids=["a voice", "silence first", "high byte first", "a file", "too slow"],
)
def test_when_all_is_judged_nothing_is_kept_and_nothing_more_is_found(
    beginning: list[Samples],
) -> None:
    check = AudioCheck(16_000)
    before = held_bytes(check)
    for piece in [*beginning, voice(60, 16_000), voice(0.5, 16_000)]:
        check.feed(piece)
    # A block of 0.1 s is 3,200 bytes.
    assert held_bytes(check) - before < 500
    assert check.feed(voice(8, 16_000).byteswap()) == ()


def square(level: float, seconds: float) -> Samples:
    """At 16 kHz, of 1 kHz: its standard deviation is its level, exactly."""
    return np.resize(np.repeat([level, -level], 8), round(16_000 * seconds)).astype(np.int16)


@pytest.mark.parametrize(("level", "is_loud"), [(299, False), (300, True), (-301, True)])
def test_only_what_is_loud_is_judged(
    monkeypatch: pytest.MonkeyPatch, level: int, is_loud: bool
) -> None:
    excerpts: list[Samples] = []
    monkeypatch.setattr(audio_check, "encoding_mismatch", excerpts.append)
    windows: list[Samples] = []
    monkeypatch.setattr(audio_check, "measure_voice", lambda audio, rate: windows.append(audio))
    # Neither silent, but what is not loud is left out of the excerpt, and begins no window.
    signal = np.concatenate((square(100, 0.3), square(level, 1), square(100, 1), square(level, 20)))
    assert findings(signal, 16_000) == []
    if is_loud:
        (excerpt,) = excerpts
        assert (excerpt == np.concatenate((square(level, 1), square(level, 1)))).all()
        assert [len(window) for window in windows] == [80_000] * 3
        assert (windows[0] == signal[4800:84_800]).all()
        assert (windows[1] == signal[84_800:164_800]).all()
    else:
        assert (excerpts, windows) == ([], [])


@pytest.mark.parametrize(("count", "is_clipped"), [(2560, False), (2561, True)])
@pytest.mark.parametrize("full", [32_000, -32_000, -32_768, 31_999])
def test_more_than_eight_samples_in_a_hundred_at_full_scale_are_too_many(
    monkeypatch: pytest.MonkeyPatch, count: int, is_clipped: bool, full: int
) -> None:
    monkeypatch.setattr(audio_check, "encoding_mismatch", lambda excerpt: None)
    signal = square(1000, 2)
    signal[:count] = full
    # A block of one value is not loud.
    signal[:count:2] = -full if full != -32_768 else 32_767
    expected = [FindingCode.CLIPPED] if is_clipped and full != 31_999 else []
    assert codes(signal, 16_000) == expected


@pytest.mark.parametrize(("highest", "is_silent"), [(8, True), (9, False)])
def test_silence_is_sixteen_values_high_at_most(highest: int, is_silent: bool) -> None:
    signal = silence(3, 16_000)
    signal[::100], signal[50::100] = -8, highest
    assert codes(signal, 16_000) == ([FindingCode.SILENCE] if is_silent else [])


def test_silence_behind_the_first_sound_is_none() -> None:
    signal = np.concatenate((silence(2.9, 16_000), tone(500, 0.1, 16_000), silence(9, 16_000)))
    assert codes(signal, 16_000) == []


def octets(values: NDArray[np.int64]) -> Samples:
    return misread(values.astype(np.uint8).tobytes())


def test_what_is_as_rough_as_compressed_bytes_but_of_another_level_is_not_compressed() -> None:
    # The bytes around zero only: rough, alike, and a quarter as loud.
    assert encoding_mismatch(octets(RANDOM.integers(-32, 32, 64_000) % 256)) is None


def test_what_is_as_loud_as_compressed_bytes_but_smoother_is_not_compressed() -> None:
    assert encoding_mismatch(np.repeat(octets(RANDOM.integers(0, 256, 32_000)), 2)) is None


@pytest.mark.parametrize(("largest", "are_floats"), [(7.99, True), (8.0, False), (-8.0, False)])
def test_floats_are_told_by_their_size(largest: float, are_floats: bool) -> None:
    smooth = (voice(2, 16_000) / 32_768).astype("<f4")
    smooth[1000] = largest
    found = encoding_mismatch(misread(smooth.tobytes()))
    assert (found is ActualEncoding.FLOATING_POINT) is are_floats


@pytest.mark.parametrize(
    ("roughness", "found"),
    [
        ({"sent": 1.0, "swapped": 0.449}, ActualEncoding.SWAPPED),
        ({"sent": 1.0, "swapped": 0.45}, None),
        ({"sent": 0.5, "swapped": 0.224}, ActualEncoding.SWAPPED),
        ({"sent": 0.499, "swapped": 0.1}, None),
        ({"sent": 1.5, "swapped": 0.1}, ActualEncoding.SWAPPED),
        ({"sent": 1.501, "swapped": 0.1}, None),
        ({"sent": 1.0, "floats": 0.799}, ActualEncoding.FLOATING_POINT),
        ({"sent": 1.0, "floats": 0.8}, None),
        ({"sent": 0.5, "floats": 0.49}, ActualEncoding.FLOATING_POINT),
        ({"sent": 0.5, "floats": 0.5}, None),
    ],
)
def test_another_reading_must_be_smoother_by_far(
    monkeypatch: pytest.MonkeyPatch, roughness: dict[str, float], found: ActualEncoding | None
) -> None:
    # Every four bytes of it are a small number.
    sent = misread((voice(2, 16_000) / 32_768).astype("<f4").tobytes())

    def measured(values: NDArray[np.generic]) -> float:
        if values.dtype == np.float32:
            reading = "floats"
        else:
            reading = "sent" if (values == sent).all() else "swapped"
        return roughness.get(reading, 2.0)

    monkeypatch.setattr("rasr.audio.encoding_mismatch._roughness", measured)
    assert encoding_mismatch(sent) is found


@pytest.mark.parametrize(
    ("level", "roughness", "is_compressed"),
    [
        (17_300, 1.33, True),
        (17_299.5, 1.33, False),
        (20_500, 1.33, True),
        (20_500.5, 1.33, False),
        (18_919, 1.25, True),
        (18_919, 1.249, False),
        (18_919, 1.45, True),
        (18_919, 1.451, False),
    ],
)
def test_compressed_bytes_are_of_one_level_and_one_roughness(
    monkeypatch: pytest.MonkeyPatch, level: float, roughness: float, is_compressed: bool
) -> None:
    class Measured(np.ndarray[Any, Any]):
        def std(self) -> float:  # type: ignore[override]
            return level

    excerpt = octets(RANDOM.integers(0, 256, 64_000)).view(Measured)
    monkeypatch.setattr("rasr.audio.encoding_mismatch._roughness", lambda values: roughness)
    found = encoding_mismatch(excerpt)
    assert (found is ActualEncoding.COMPRESSED) is is_compressed
