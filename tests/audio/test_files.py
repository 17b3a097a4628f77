from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from rasr.audio import AudioFileError, Samples, audio_info, read_audio
from tests.audio.signals import tone

RATE = 16000
SECONDS = 1.5
DESCRIPTORS = Path("/proc/self/fd")


def write(path: Path, codec: str, rate: int, signal: Samples, *, channels: int = 1) -> Path:
    """`signal` in every channel of a file whose kind the name says."""
    layout = "mono" if channels == 1 else "stereo"
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=rate)
        assert isinstance(stream, av.AudioStream)
        stream.layout = layout
        frame = av.AudioFrame.from_ndarray(
            np.repeat(signal, channels).reshape(1, -1), format="s16", layout=layout
        )
        frame.sample_rate = rate
        for packet in stream.encode(frame):
            container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path


@pytest.mark.parametrize(
    ("name", "codec", "rate", "channels"),
    [
        ("audio.wav", "pcm_s16le", 16000, 1),
        ("audio.wav", "pcm_s16le", 44100, 2),
        ("audio.wav", "pcm_mulaw", 8000, 1),
        ("audio.flac", "flac", 22050, 1),
        ("audio.flac", "flac", 48000, 2),
        ("audio.ogg", "libopus", 48000, 1),
        ("audio.mp3", "libmp3lame", 44100, 2),
    ],
)
def test_a_file_is_read_as_mono_audio_of_the_same_length_and_content(
    tmp_path: Path, name: str, codec: str, rate: int, channels: int
) -> None:
    signal = tone(440, SECONDS, rate) + tone(130, SECONDS, rate)
    path = write(tmp_path / name, codec, rate, signal, channels=channels)
    pieces = list(read_audio(path, RATE))
    heard = np.concatenate(pieces)
    expected = tone(440, SECONDS, RATE) + tone(130, SECONDS, RATE)
    common = min(len(heard), len(expected))
    assert heard.dtype == np.int16
    assert heard.ndim == 1
    assert abs(len(heard) - len(expected)) <= RATE // 200
    assert np.corrcoef(heard[:common], expected[:common])[0, 1] > 0.99
    assert max(map(len, pieces)) < len(heard) / 4

    info = audio_info(path)
    assert info.duration_s == pytest.approx(SECONDS, abs=0.05)
    assert (info.sample_rate, info.channels) == (rate, channels)


def refusal(path: Path) -> str:
    with pytest.raises(AudioFileError) as reading:
        next(read_audio(path, RATE))
    with pytest.raises(AudioFileError) as asking:
        audio_info(path)
    assert str(reading.value) == str(asking.value)
    return str(reading.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nothing.wav"
    assert refusal(path) == f"{path} cannot be opened: No such file or directory"


def test_a_folder_is_no_audio(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path} cannot be opened: Is a directory"


@pytest.mark.parametrize("content", [b"RIFF\0\0", bytes(range(256)) * 9])
def test_bytes_that_are_no_audio_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "audio.wav"
    path.write_bytes(content)
    assert refusal(path).startswith(f"{path} cannot be read as sound: ")


def test_an_empty_file_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "audio.wav"
    path.touch()
    assert refusal(path) == f"{path} is empty"


@pytest.mark.parametrize("name", ["letter.txt", "letter.wav", "letter"])
@pytest.mark.parametrize("text", ["Dear reader,\n" * 100, "你好" * 5000, "x"])
def test_a_text_is_called_a_text(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert refusal(path) == f"{path} is a text file, not a recording"


def test_a_film_without_sound_has_no_audio_stream(tmp_path: Path) -> None:
    path = tmp_path / "film.gif"
    # The smallest picture of this format.
    path.write_bytes(
        b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"
    )
    assert refusal(path) == f"{path} has no audio stream"


def test_a_name_that_looks_like_an_address_is_a_file_name() -> None:
    assert refusal(Path("http://127.0.0.1:9/audio.wav")).endswith("No such file or directory")


def test_a_playlist_may_not_open_other_files(tmp_path: Path) -> None:
    other = write(tmp_path / "other.mp3", "libmp3lame", 44100, tone(440, 0.5, 44100))
    path = tmp_path / "list.m3u8"
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{other}\n#EXT-X-ENDLIST\n")
    assert refusal(path) == f"{path} is a text file, not a recording"


@pytest.mark.skipif(not DESCRIPTORS.is_dir(), reason="this system does not list open files")
def test_a_file_is_closed_when_reading_stops_early(tmp_path: Path) -> None:
    path = write(tmp_path / "audio.wav", "pcm_s16le", RATE, tone(440, SECONDS, RATE))
    pieces = read_audio(path, RATE)
    next(pieces)
    assert path in {item.resolve() for item in DESCRIPTORS.iterdir()}
    del pieces
    assert path not in {item.resolve() for item in DESCRIPTORS.iterdir()}
