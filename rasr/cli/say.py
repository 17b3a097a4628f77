"""`rasr say`: a text to sound, heard at once or written to a file."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

import click

from decoder.joining import is_unspaced, join_words
from rasr.audio.id3 import id3_tag
from rasr.audio.writing import WrittenFormat
from rasr.captions import TimedText, TimedWord, subtitles
from rasr.captions.files import srt
from rasr.cli.chapters import chapters
from rasr.cli.config_options import config_option
from rasr.cli.ending import ended_by_sigterm
from rasr.cli.loudspeaker import LoudspeakerError
from rasr.cli.screen import Screen
from rasr.cli.sound_target import Target, sink, target_of
from rasr.cli.speaking import speaking, voices_and_settings
from rasr.cli.stdin import STDIN
from rasr.cli.writing import writing
from rasr.settings import SynthesisSettings
from rasr.synthesis.errors import SynthesisError, TextRefused
from rasr.synthesis.manner import PITCHES, SPEEDS, USUAL_VOLUME, VOLUMES, Manner, manner_on_scale
from rasr.synthesis.official import mapped, preferred
from rasr.synthesis.pool import SpeechPool
from rasr.synthesis.reading.borders import PartSize, parted
from rasr.synthesis.reading.languages import has_characters
from rasr.synthesis.reading.pieces import Lengths
from rasr.synthesis.reading.request import Request
from rasr.synthesis.reading.ssml import is_ssml
from rasr.synthesis.speech import SaidWord, Sound
from rasr.synthesis.voice import Voice

_FIRST_PIECE = 12
"""Parts of words of the first piece: of a slow voice it is heard after some seconds."""
_PART_SIZE = PartSize(2000, 2200)
"""Of a long text; the first is about a page."""
_LONG = 1000
"""Characters past which there is a progress bar."""
_BOOK = 10_000
"""Characters past which it is said how much there is, also where no bar can move."""
_PER_HOUR = 250 * 60
"""Characters that are spoken in an hour."""
_SENTENCE = re.compile(r"[^。！？.!?\n]*(?:[。！？]+|[.!?]+(?:\s+|(?=\S)|$)|\n+|$)")
_WIDE_MARKS = str.maketrans(",.?!;:", "，。？！；：")
_RATES = ("8000", "16000", "22050", "24000", "44100", "48000")


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
@click.option(
    "--chapters",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write a book: each chapter to a file in this folder, mp3 with tags unless --format says "
    "otherwise, its subtitles beside it. Given again, it goes on where it ended.",
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
    folder: Path | None,
) -> None:
    """Say a text in Chinese, English or both.

    The text stands in the command, in a --file or on standard input. It may be SSML: a document
    that begins with <speak>. No server is needed.

    \b
      rasr say "The meeting is at 10:30."
      rasr say 今天气温25℃ --voice chinese_xiaoyu_common --out weather.mp3
      rasr say --file story.txt --out story.mp3 --srt story.srt
      rasr say --file book.txt --chapters book
    """
    if folder is not None and (play or out is not None or subtitles_file is not None):
        raise click.UsageError("--chapters writes files of its own: leave --out, --play and --srt")
    if play and out is not None:
        raise click.UsageError("--play and --out exclude each other: give one of them")
    whole = _whole(text, file)
    voices, settings = voices_and_settings(config)
    try:
        speaker = _speaker(voice, language, whole, voices, settings)
        manner = manner_on_scale(speed, pitch, volume)
        if folder is None:
            tasks = [(whole, target_of(out, format, rate, subtitles_file))]
        else:
            name = file.stem if file is not None else folder.name
            tasks = _book(whole, folder, name, format, rate)
        readings = [
            (_Reading(text, speaker, manner, language or ""), target) for text, target in tasks
        ]
        with ended_by_sigterm():
            asyncio.run(_say(readings, voices, settings))
    except (SynthesisError, LoudspeakerError) as error:
        raise click.ClickException(str(error)) from error


def _book(
    text: str, folder: Path, name: str, format: str | None, rate: str | None
) -> list[tuple[str, Target]]:
    """The chapters of a book that are not in the folder yet, and where each goes."""
    if is_ssml(text):
        raise click.UsageError("--chapters is for plain texts, and this is SSML")
    with writing(folder):
        folder.mkdir(exist_ok=True)
    found = chapters(text)
    digits = max(len(str(len(found))), 2)
    todo = []
    for number, chapter in enumerate(found, 1):
        path = folder / f"{number:0{digits}}.{format or 'mp3'}"
        if path.exists():
            click.echo(f"{path} is there already", err=True)
            continue
        target = target_of(str(path), format, rate, path.with_suffix(".srt"))
        if target.format is WrittenFormat.MP3:
            track = f"{number}/{len(found)}"
            title = chapter.title or name
            target = replace(target, tag=id3_tag({"title": title, "album": name, "track": track}))
        todo.append((chapter.text, target))
    return todo


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
    """A text cut behind sentences and paragraphs, into parts that are read at a time; and within a
    sentence that is longer."""
    part = ""
    for sentence in _SENTENCE.findall(text):
        chinese = has_characters(sentence)
        for piece in parted(sentence, _PART_SIZE, chinese=chinese):
            if part and len(part) + len(piece) > _PART_SIZE.usual:
                yield part
                part = ""
            part += piece
    if part.strip() or not text.strip():
        yield part


async def _say(
    readings: Sequence[tuple[_Reading, Target]],
    voices: Sequence[Voice],
    settings: SynthesisSettings,
) -> None:
    total = sum(len(reading.text) for reading, _ in readings)
    async with speaking(voices, settings) as pool:
        with Screen(total_s=total if total > _LONG else None) as screen:
            if total > _BOOK:
                hours = total / _PER_HOUR
                screen.remark(f"{total:,} characters, about {hours:,.1f} h of speech at speed 0")
            done = 0
            for reading, target in readings:
                done = await _said(pool, reading, target, screen, done)


async def _said(
    pool: SpeechPool, reading: _Reading, target: Target, screen: Screen, done: int
) -> int:
    """Say one text to where it goes; returns how many characters are done then."""
    said: list[TimedText] = []
    at_s = 0.0
    requests = list(reading.requests())
    with sink(target, reading.voice.rate) as take:
        refused: TextRefused | None = None
        for request in requests:
            written = 0
            try:
                async with aclosing(pool.speak(request)) as sounds:
                    async for sound in sounds:
                        await take(sound)
                        said += _subtitle(sound, at_s)
                        at_s += sound.seconds
                        written += sum(len(word.text) + 1 for word in sound.words)
                        screen.progress(done + min(written, len(request.text)))
            except TextRefused as error:
                # A page of a book may be a row of stars.
                refused = error
            done += len(request.text)
            screen.progress(done)
        if refused is not None and not said:
            raise refused
    if target.subtitles_file is not None:
        with writing(target.subtitles_file):
            target.subtitles_file.write_text(srt(subtitles(said)), "utf-8")
    return done


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
