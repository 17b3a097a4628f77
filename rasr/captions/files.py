"""Cues as files: WebVTT and SubRip, written by `webvtt-py`.

Sources: WebVTT, W3C, §4 (syntax) and §6 (escapes); SubRip has no specification and no escapes, its
form is what players agree on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import StringIO

from webvtt import Caption, WebVTT

from rasr.captions.cues import Cue


def vtt(cues: Iterable[Cue]) -> str:
    """`cues` as a WebVTT file."""
    return WebVTT(captions=[_caption(cue, _vtt_line) for cue in cues]).content.rstrip("\n") + "\n"


def srt(cues: Iterable[Cue]) -> str:
    """`cues` as a SubRip file."""
    out = StringIO()
    WebVTT(captions=[_caption(cue, _srt_line) for cue in cues]).write(out, format="srt")
    written = out.getvalue()
    return f"{written}\n" if written else ""


def timestamp(ms: int) -> str:
    """`ms` as HH:MM:SS.mmm; the hours grow past 99."""
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{ms:03}"


def _caption(cue: Cue, line: Callable[[str], str]) -> Caption:
    return Caption(timestamp(cue.start_ms), timestamp(cue.end_ms), [line(one) for one in cue.lines])


def _vtt_line(line: str) -> str:
    # With every > goes the arrow, which would make the line a timing.
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _srt_line(line: str) -> str:
    # Players take <…> for markup, and nothing says otherwise.
    return line.replace("<", "‹").replace(">", "›")
