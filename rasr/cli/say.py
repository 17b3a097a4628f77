"""`rasr say`: a text to sound, heard at once or written to a file."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from errno import ENOSPC
from pathlib import Path
from typing import BinaryIO

import click
import numpy as np

from decoder.joining import is_unspaced, join_words
from rasr.audio import Resampler, Samples
from rasr.audio.writing import AudioWriter, WrittenFormat, wav_header
from rasr.captions import TimedText, TimedWord, subtitles
from rasr.captions.files import srt
from rasr.cli.config_options import config_option
from rasr.cli.loudspeaker import Loudspeaker, LoudspeakerError
from rasr.cli.screen import Screen
from rasr.cli.speaking import speaking, voices_and_settings
from rasr.cli.stdin import STDIN
from rasr.settings import SynthesisSettings
from rasr.synthesis import (
    Lengths,
    Manner,
    Request,
    SaidWord,
    Sound,
    SynthesisError,
    Voice,
    manner_on_scale,
)
from rasr.synthesis.manner import PITCHES, SPEEDS, USUAL_VOLUME, VOLUMES
from rasr.synthesis.official import mapped, preferred
from rasr.synthesis.reading.ssml import is_ssml

_FIRST_PIECE = 12
"""Parts of words of the first piece: of a slow voice it is heard after some seconds."""
_PART = 2000
"""Characters of a long text that are read at a time, about a page."""
_LONG = 1000
"""Characters past which there is a progress bar."""
_SENTENCE = re.compile(r"[^。！？.!?\n]*(?:[。！？]+|[.!?]+(?:\s+|(?=\S)|$)|\n+|$)")
_WIDE_MARKS = str.maketrans(",.?!;:", "，。？！；：")
_Take = Callable[[Samples], Awaitable[None]]
_RATES = ("8000", "16000", "22050", "24000", "44100", "48000")


@dataclass(frozen=True, slots=True)
class _Target:
    """Where the sound goes: to a file, to standard output, or to the loudspeaker."""

    out: str | None
    format: WrittenFormat
    rate: int | None
    """Hz; None for the voice's own."""
    subtitles_file: Path | None


@click.command()
@click.argument("text", nargs=-1, metavar="[TEXT…]")
@config_option
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Read the text from this file, UTF-8, as long as a book.",
)
@click.option(
    "--voice",
    metavar="NAME",
    help="Who speaks: a name of `rasr voices`, its own or an official one. Default: the best one "
    "for the language of the text.",
)
@click.option(
    "--language",
    type=click.Choice(["chinese", "cantonese", "english"]),
    help="What Chinese characters are read as; Mandarin if nothing says otherwise.",
)
@click.option(
    "--speed",
    type=click.IntRange(*SPEEDS),
    default=0,
    help="-500, half as fast, to 500, twice as fast; at 0 about 250 characters a minute.",
)
@click.option(
    "--pitch",
    type=click.IntRange(*PITCHES),
    default=0,
    help="-500 to 500: half an octave lower to half an octave higher.",
)
@click.option("--volume", type=click.IntRange(*VOLUMES), default=USUAL_VOLUME, help="0 to 100.")
@click.option(
    "--out",
    metavar="FILE",
    help="Write the sound to this file; .wav, .mp3, .pcm, .alaw and .ulaw say what it is. `-` is "
    "standard output.",
)
@click.option("--play", is_flag=True, help="Play it; so it is without --out.")
@click.option(
    "--format",
    type=click.Choice([one.value for one in WrittenFormat]),
    help="Format of the sound. Default: as the file's name says, else wav.",
)
@click.option(
    "--rate",
    type=click.Choice(_RATES),
    help="Sample rate in Hz. Default: the voice's own; 16000 for mp3, 8000 for alaw and ulaw.",
)
@click.option(
    "--srt",
    "subtitles_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write subtitles with the times of the words to this file.",
)
def say(
    text: tuple[str, ...],
    config: Path | None,
    file: Path | None,
    voice: str | None,
    language: str | None,
    speed: int,
    pitch: int,
    volume: int,
    out: str | None,
    play: bool,
    format: str | None,
    rate: str | None,
    subtitles_file: Path | None,
) -> None:
    """Say a text in Chinese, English or both.

    The text stands in the command, in a --file or on standard input. It may be SSML: a document
    that begins with <speak>. No server is needed.

    \b
      rasr say "The meeting is at 10:30."
      rasr say 今天气温25℃ --voice chinese_xiaoyu_common --out weather.mp3
      rasr say --file book.txt --out book.mp3 --srt book.srt
    """
    if play and out is not None:
        raise click.UsageError("--play and --out exclude each other: give one of them")
    whole = _whole(text, file)
    target = _target(out, format, rate, subtitles_file)
    voices, settings = voices_and_settings(config)
    try:
        speaker = _speaker(voice, language, whole, voices, settings)
        request = _Reading(whole, speaker, manner_on_scale(speed, pitch, volume), language or "")
        asyncio.run(_say(request, target, voices, settings))
    except (SynthesisError, LoudspeakerError) as error:
        raise click.ClickException(str(error)) from error


@dataclass(frozen=True, slots=True)
class _Reading:
    """A text, however long, and how it is to be said."""

    text: str
    voice: Voice
    manner: Manner
    language: str

    def requests(self) -> Iterator[Request]:
        """Its parts, each no longer than is read at a time."""
        parts = [self.text] if is_ssml(self.text) else list(_parts(self.text))
        for number, part in enumerate(parts):
            lengths = Lengths() if number else Lengths(first=_FIRST_PIECE)
            yield Request(part, self.voice, self.manner, self.language, lengths)


def _whole(text: Sequence[str], file: Path | None) -> str:
    """The text that is to be said."""
    if text and file is not None:
        raise click.UsageError("TEXT and --file exclude each other: give one of them")
    if file is not None:
        return _decoded(file.read_bytes(), str(file))
    if text and list(text) != [STDIN]:
        return " ".join(text)
    if not text and sys.stdin.isatty():
        raise click.UsageError('there is no text: rasr say "Good morning", or --file FILE')
    return _decoded(sys.stdin.buffer.read(), "standard input")


def _decoded(data: bytes, source: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.ClickException(
            f"{source} is no text in UTF-8: byte {error.start} is none"
        ) from error


def _target(
    out: str | None, format: str | None, rate: str | None, subtitles_file: Path | None
) -> _Target:
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
    return _Target(out, chosen, int(rate) if rate else usual.get(chosen), subtitles_file)


def _speaker(
    name: str | None,
    language: str | None,
    text: str,
    voices: Sequence[Voice],
    settings: SynthesisSettings,
) -> Voice:
    if name is not None:
        return mapped(name, voices, settings.voices)
    chinese = re.search("[\u3400-\u9fff]", text) is not None
    return preferred(language or ("chinese" if chinese else "english"), voices)


def _parts(text: str) -> Iterator[str]:
    """A text cut behind sentences and paragraphs, into parts that are read at a time."""
    part = ""
    for piece in _SENTENCE.findall(text):
        if part and len(part) + len(piece) > _PART:
            yield part
            part = ""
        part += piece
    if part.strip() or not text.strip():
        yield part


async def _say(
    reading: _Reading, target: _Target, voices: Sequence[Voice], settings: SynthesisSettings
) -> None:
    said: list[TimedText] = []
    at_s, done, total = 0.0, 0, len(reading.text)
    async with speaking(voices, settings) as pool:
        with _sink(target, reading.voice.rate) as take:
            with Screen(total_s=total if total > _LONG else None) as screen:
                for request in reading.requests():
                    async with aclosing(pool.speak(request)) as sounds:
                        async for sound in sounds:
                            await take(_at_rate(sound, reading.voice.rate))
                            said += _subtitle(sound, at_s)
                            at_s += sound.seconds
                    done += len(request.text)
                    screen.progress(done)
    if target.subtitles_file is not None:
        with _plain_errors(target.subtitles_file):
            target.subtitles_file.write_text(srt(subtitles(said)), "utf-8")


def _at_rate(sound: Sound, rate: int) -> Samples:
    """The samples; a voice that the text itself names may have another rate."""
    resampler = Resampler(sound.rate, rate)
    return np.concatenate([resampler.feed(sound.samples), resampler.flush()])


@contextmanager
def _sink(target: _Target, rate: int) -> Iterator[_Take]:
    """What takes the samples; they are all heard, or written, at the end of the context."""
    if target.out is None:
        with Loudspeaker(rate) as loudspeaker:
            yield loudspeaker.play
        return
    writer = AudioWriter(target.format, rate, target.rate or rate)
    if target.out == STDIN:
        with _plain_errors("standard output"):
            yield _written_to(sys.stdout.buffer, writer)
            sys.stdout.buffer.write(writer.flush())
        return
    # A file of this name is there whole or not at all.
    part = Path(f"{target.out}.part")
    with _plain_errors(target.out):
        try:
            with part.open("wb") as file:
                yield _written_to(file, writer)
                file.write(writer.flush())
                if target.format is WrittenFormat.WAV:
                    size = file.tell()
                    header = wav_header(target.rate or rate, 0)
                    file.seek(0)
                    file.write(wav_header(target.rate or rate, max(size - len(header), 0)))
            part.replace(target.out)
        finally:
            part.unlink(missing_ok=True)


def _written_to(file: BinaryIO, writer: AudioWriter) -> _Take:
    async def take(samples: Samples) -> None:
        file.write(writer.feed(samples))

    return take


@contextmanager
def _plain_errors(what: object) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == ENOSPC:
            raise
        raise click.ClickException(f"{what} cannot be written: {error.strerror}") from error


def _subtitle(sound: Sound, at_s: float) -> list[TimedText]:
    """The words of a piece with their marks, as they are shown."""
    words = tuple(
        TimedWord(
            word.text + _shown(word),
            round((at_s + word.start_s) * 1000),
            round((at_s + word.end_s) * 1000),
        )
        for word in sound.words
    )
    if not words:
        return []
    text = join_words(word.text for word in words)
    return [TimedText(text, words[0].start_ms, words[-1].end_ms, words=words)]


def _shown(word: SaidWord) -> str:
    """The mark behind a word, as its script writes it."""
    chinese = is_unspaced(word.text[-1:] or " ")
    return word.mark.translate(_WIDE_MARKS) if chinese else word.mark
