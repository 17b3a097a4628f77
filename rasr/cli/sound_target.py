"""Where the sound of a text goes: to the loudspeaker, to standard output, or to a file."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import click

from rasr.audio.writing import AudioWriter, WrittenFormat, wav_header
from rasr.cli.loudspeaker import Loudspeaker
from rasr.cli.stdin import STDIN
from rasr.cli.writing import writing
from rasr.synthesis.speech import Sound

Take = Callable[[Sound], Awaitable[None]]
"""Plays or writes a sound."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the sound goes: to a file, to standard output, or to the loudspeaker."""

    out: str | None
    format: WrittenFormat
    rate: int | None
    """Hz; None for the voice's own."""
    subtitles_file: Path | None
    tag: bytes = b""
    """Before the sound."""


def target_of(
    out: str | None, format: str | None, rate: str | None, subtitles_file: Path | None
) -> Target:
    """The target that the options of a command name.

    Raises:
        click.UsageError: they say nothing that can be written, or nowhere.
    """
    suffix = Path(out).suffix.lstrip(".").lower() if out and out != STDIN else ""
    known = {one.value: one for one in WrittenFormat} | {"raw": WrittenFormat.PCM}
    if format is None and suffix and suffix not in known:
        raise click.UsageError(
            f"--out {out}: nothing is written as .{suffix}; say what it is with --format, or end "
            f"the name with one of {', '.join(f'.{one}' for one in WrittenFormat)}"
        )
    chosen = known[format or suffix or "wav"]
    usual = {WrittenFormat.MP3: 16000, WrittenFormat.ALAW: 8000, WrittenFormat.ULAW: 8000}
    for path in [one for one in (out, subtitles_file) if one not in (None, STDIN)]:
        folder = Path(str(path)).parent
        if not folder.is_dir():
            raise click.UsageError(f"{path}: there is no folder {folder}")
    return Target(out, chosen, int(rate) if rate else usual.get(chosen), subtitles_file)


@contextmanager
def sink(target: Target, rate: int) -> Iterator[Take]:
    """What takes the sounds; they are all heard, or written, at the end of the context.

    Args:
        rate: of most of them; a voice that a text itself names may have another.
    """
    if target.out is None:
        with Loudspeaker(rate) as loudspeaker:

            async def play(sound: Sound) -> None:
                await loudspeaker.play(sound.at_rate(rate))

            yield play
        return
    writer = AudioWriter(target.format, rate, target.rate or rate)
    if target.out == STDIN:
        with writing("standard output"):
            yield _written_to(sys.stdout.buffer, writer, rate)
            sys.stdout.buffer.write(writer.flush())
        return
    # A file of this name is there whole or not at all.
    part = Path(f"{target.out}.part")
    with writing(target.out):
        try:
            with part.open("wb") as file:
                file.write(target.tag)
                yield _written_to(file, writer, rate)
                file.write(writer.flush())
                if target.format is WrittenFormat.WAV:
                    size = file.tell()
                    header = wav_header(target.rate or rate, 0)
                    file.seek(0)
                    file.write(wav_header(target.rate or rate, max(size - len(header), 0)))
            part.replace(target.out)
        finally:
            part.unlink(missing_ok=True)


def _written_to(file: BinaryIO, writer: AudioWriter, rate: int) -> Take:
    async def take(sound: Sound) -> None:
        file.write(writer.feed(sound.at_rate(rate)))

    return take
