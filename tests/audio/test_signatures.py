from __future__ import annotations

import pytest

from rasr.audio.containers.signatures import SNIFFED_BYTES, FileType, sniff
from tests.audio.compressed import compressed, muxed
from tests.audio.signals import noise, tone

SIGNAL = tone(440, 0.3, 48_000)
FILES = {
    FileType.OGG: compressed(SIGNAL, "ogg-opus", 48_000),
    FileType.WEBM: compressed(SIGNAL, "webm-opus", 48_000, live=True),
    FileType.MP3: compressed(SIGNAL, "mp3", 48_000),
    FileType.WAV: muxed(SIGNAL, "wav", "pcm_s16le", 48_000),
    FileType.FLAC: muxed(SIGNAL, "flac", "flac", 48_000),
    FileType.MP4: muxed(SIGNAL, "mp4", "aac", 48_000),
}


@pytest.mark.parametrize("kind", FileType)
def test_a_file_is_known_by_its_first_bytes(kind: FileType) -> None:
    assert sniff(FILES[kind][:SNIFFED_BYTES]) is kind
    assert sniff(FILES[kind]) is kind
    assert kind.advice


@pytest.mark.parametrize("count", range(9))
def test_bytes_without_a_signature_are_of_no_kind(count: int) -> None:
    assert sniff(noise(1, 8000).tobytes()[:count]) is None


@pytest.mark.parametrize("kind", FileType)
def test_a_signature_that_is_not_whole_or_not_at_its_place_is_none(kind: FileType) -> None:
    file = FILES[kind]
    assert sniff(file[:2]) is None
    assert sniff(b"\0" + file) is None
