"""Opus packets, as both of its containers carry them: how long they last, which samples count.

Nothing is decoded here. Samples are counted at 48 kHz: that is the clock of Opus, whatever was
recorded. Sources: RFC 6716, section 3 (packets); RFC 7845, sections 4.2 and 5.1 (pre-skip,
OpusHead).
"""

from __future__ import annotations

from rasr.audio.containers.packets import CodecParameters, MalformedAudio, Packet

OPUS_RATE = 48_000
"""Hz of all positions and durations in Opus."""
MAX_PACKET_BYTES = 128 * 1024
"""Twice the longest packet of two channels (48 frames of 1275 bytes)."""

_HEAD_BYTES = 19
_MAX_PACKET_SAMPLES = OPUS_RATE * 120 // 1000
# By the five bits of the configuration, in samples: SILK, hybrid, CELT.
_FRAME_SAMPLES = (
    *(480, 960, 1920, 2880) * 3,
    *(480, 960) * 2,
    *(120, 240, 480, 960) * 4,
)


class OpusTrack:
    """One logical stream of Opus, from its header on."""

    def __init__(self, head: bytes) -> None:
        """Read the header, OpusHead.

        Raises:
            MalformedAudio: `head` is no OpusHead of a version and a mapping that are known.
        """
        if len(head) < _HEAD_BYTES or not head.startswith(b"OpusHead") or head[8] >= 16:
            raise MalformedAudio("its head of Opus (OpusHead) is damaged")
        channels, family = head[9], head[18]
        if family > 1 or not 1 <= channels <= (2 if family == 0 else 8):
            raise MalformedAudio(
                f"it has {channels} channels in mapping family {family}; "
                "allowed: 1 or 2 channels in family 0, 1 to 8 in family 1"
            )
        self.parameters = CodecParameters("libopus", head)
        self._skip_samples = int.from_bytes(head[10:12], "little")

    def packet(self, data: bytes, cut_samples: int = 0) -> Packet:
        """Return the next packet, `cut_samples` of which are padding at its end."""
        samples = duration(data)
        skip = min(self._skip_samples, samples)
        self._skip_samples -= skip
        return Packet(data, skip, min(cut_samples, samples - skip))


def duration(data: bytes) -> int:
    """Return the samples in a packet, at 48 kHz.

    Raises:
        MalformedAudio: it is no packet of Opus.
    """
    if not data:
        raise MalformedAudio("it has an empty packet of Opus")
    samples = _FRAME_SAMPLES[data[0] >> 3]
    match data[0] & 3:
        case 0:
            count = 1
        case 1 | 2:
            count = 2
        case _:
            count = data[1] & 0x3F if len(data) > 1 else 0
    if not 0 < count * samples <= _MAX_PACKET_SAMPLES:
        raise MalformedAudio("it has a packet of Opus that is damaged")
    return count * samples
