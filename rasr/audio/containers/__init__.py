"""Containers of compressed audio: bytes, cut anywhere → packets for a codec. Nothing is decoded."""

from __future__ import annotations

from typing import assert_never

from rasr.audio.containers.mpeg import AdtsFrames, FrameDemuxer, Mp3Frames
from rasr.audio.containers.ogg import OggDemuxer
from rasr.audio.containers.packets import Demuxer
from rasr.audio.containers.webm import WebmDemuxer
from rasr.audio.formats import Container


def demuxer(container: Container) -> Demuxer:
    """Return the demuxer of one stream in this container."""
    match container:
        case Container.OGG_OPUS:
            return OggDemuxer()
        case Container.WEBM_OPUS:
            return WebmDemuxer()
        case Container.MP3:
            return FrameDemuxer(Mp3Frames())
        case Container.AAC:
            return FrameDemuxer(AdtsFrames())
        case _:
            assert_never(container)
