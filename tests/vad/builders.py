"""Streams as pictures: "#" is a frame called speech, "." one that is not."""

from __future__ import annotations

from collections.abc import Sequence

from vad import Endpointer, EndpointRules, Event


def flags_of(picture: str) -> list[bool]:
    """One flag per character; blanks are for the reader."""
    return [mark == "#" for mark in picture.replace(" ", "")]


def push_all(
    endpointer: Endpointer, picture: str, levels: Sequence[float] | None = None
) -> list[Event]:
    """Push the picture's frames; without levels speech is at 1000 and the rest at 10."""
    flags = flags_of(picture)
    if levels is None:
        levels = [1000.0 if flag else 10.0 for flag in flags]
    return [
        event
        for flag, level in zip(flags, levels, strict=True)
        for event in endpointer.push(flag, level)
    ]


def rules_in_frames(
    *,
    head: int = 0,
    tail: int | None = 10,
    longest: int = 1000,
    pre_roll: int = 0,
    post_roll: int = 0,
    needed: int = 3,
    window: int = 5,
    search: int = 100,
) -> EndpointRules:
    """Rules for frames of 20 ms of 2 samples, so that a position is easily told from a frame."""
    return EndpointRules(
        frame_samples=2,
        sample_rate=100,
        vad_head_ms=head * 20,
        vad_tail_ms=None if tail is None else tail * 20,
        max_ms=longest * 20,
        pre_roll_ms=pre_roll * 20,
        post_roll_ms=post_roll * 20,
        onset_speech_ms=needed * 20,
        onset_window_ms=window * 20,
        search_ms=search * 20,
    )
