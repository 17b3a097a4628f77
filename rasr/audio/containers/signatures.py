"""What kind of file bytes begin with, by the signatures that file formats have for that."""

from __future__ import annotations

from enum import StrEnum

SNIFFED_BYTES = 8
"""With so many bytes `sniff` has seen every signature."""


class FileType(StrEnum):
    """A kind of file, by the name that people know it by."""

    OGG = "Ogg"
    WEBM = "WebM"
    WAV = "WAV"
    FLAC = "FLAC"
    MP4 = "MP4"
    MP3 = "MP3"

    @property
    def advice(self) -> str:
        """The `audio_format` with which the audio of such a file can be sent."""
        return _ADVICE[self]


_ADVICE = {
    FileType.OGG: "'ogg-opus' if it is Opus",
    FileType.WEBM: "'webm-opus' if it is Opus",
    FileType.WAV: "the format of its samples",
    FileType.FLAC: "that of raw samples, with raw samples",
    FileType.MP4: "'aac', with the sound as ADTS frames",
    FileType.MP3: "'mp3'",
}
_SIGNATURES = (
    (0, b"OggS", FileType.OGG),
    (0, b"\x1a\x45\xdf\xa3", FileType.WEBM),
    (0, b"RIFF", FileType.WAV),
    (0, b"fLaC", FileType.FLAC),
    (4, b"ftyp", FileType.MP4),
    (0, b"ID3", FileType.MP3),
)
"""Where the signature stands, and what it is. MP3 has none of its own: ID3 is the tag that nearly
every MP3 file begins with."""


def sniff(first_bytes: bytes) -> FileType | None:
    """Return the kind of file that begins so; None if it is none of those that are known.

    Args:
        first_bytes: `SNIFFED_BYTES` or more; with fewer a signature may be missed.
    """
    for at, magic, kind in _SIGNATURES:
        if first_bytes[at : at + len(magic)] == magic:
            return kind
    return None
