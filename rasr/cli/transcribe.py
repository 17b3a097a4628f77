"""`rasr transcribe`: recordings to text."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from rasr.audio import AudioFileError, CompressedFormat, audio_info
from rasr.cli.addresses import captions_address, url_option
from rasr.cli.config_options import config_option, model_option
from rasr.cli.credentials import Credentials, credential_options
from rasr.cli.formats import Format, Transcript, heading, write
from rasr.cli.line_remarks import line_remarks
from rasr.cli.result_printer import ResultPrinter
from rasr.cli.screen import Screen
from rasr.cli.server import run, server_at
from rasr.cli.start_options import MODES, start_config, start_options
from rasr.cli.stdin import STDIN, stdin_chunks
from rasr.client import (
    ClientError,
    Mode,
    Options,
    Pace,
    Segment,
    StartConfig,
    chunks_of_file,
    connect,
    stream_recording,
)
from rasr.wire.sis.modes import MODE_TRAITS

_LONG_S = 10.0
"""Recordings longer than this have a progress bar."""


@dataclass(frozen=True, slots=True)
class _Task:
    """What the flags say; it is the same for every file."""

    mode: Mode
    config: StartConfig
    pace: Pace
    format: Format
    shows_text: bool
    """True if finals are printed as they come; else the document is written at the end."""
    several: bool
    credentials: Credentials


@click.command()
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE…",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
)
@url_option
@credential_options
@model_option
@config_option
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in MODES]),
    default=Mode.CONTINUE.value,
    help="continue (default): sentence after sentence, up to 5 h. sentence: the first sentence "
    "only. short: up to 60 s as one text.",
)
@click.option(
    "--pace",
    type=click.Choice([pace.value for pace in Pace]),
    help="fast: as fast as the server takes it. real: at the speed of speech. Default: fast; real "
    "with --channel.",
)
@click.option(
    "--format",
    type=click.Choice([format.value for format in Format]),
    default=Format.TEXT.value,
    help="Form of the result; default text, a line a sentence.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Write the result to this file; to files in this folder where several were given.",
)
@start_options
def transcribe(
    files: tuple[str, ...],
    url: str | None,
    credentials: Credentials,
    model: tuple[str, ...],
    config: Path | None,
    mode: str,
    pace: str | None,
    format: str,
    output: Path | None,
    **start: Any,
) -> None:
    """Turn recordings into text.

    Speech is taken for English unless --property names another language; `rasr setup` shows which
    there are and fetches what they need. Any file with audio that FFmpeg reads will do, films
    included. `-` is audio from standard input, in the format that --audio-format names. With
    ogg-opus, webm-opus, mp3 or aac as --audio-format the bytes of a file are sent as they are, and
    the server decodes them.

    \b
      rasr transcribe --add-punc talk.mp3
      rasr transcribe film.mkv --format srt --output film.srt
      arecord -q -f S16_LE -r 16000 -t raw | rasr transcribe - --interim-results
    """
    names = [Path(file).name if file != STDIN else STDIN for file in files]
    chosen = Format(format)
    outputs = _outputs(names, chosen, output)
    shows_text = chosen is Format.TEXT and output is None
    start_message = start_config(Mode(mode), start)
    published = start_message.caption_channel is not None
    seen = (shows_text and sys.stdout.isatty()) or published
    if start["interim_results"] is None and seen:
        start_message = replace(start_message, interim_results=True)
    if start["need_word_info"] is None and chosen.holds_cues:
        start_message = replace(start_message, need_word_info=True)
    chosen_pace = Pace(pace) if pace is not None else Pace.REAL if published else Pace.FAST
    task = _Task(
        Mode(mode), start_message, chosen_pace, chosen, shows_text, len(files) > 1, credentials
    )
    run(_transcribe(files, names, outputs, task, url, model, config))


def _outputs(names: Sequence[str], format: Format, output: Path | None) -> list[Path | None]:
    """Where each recording's document goes; None for standard output."""
    if output is None and format is Format.XLSX:
        raise click.UsageError("a workbook is not for the terminal: name a file with --output")
    if len(names) == 1:
        if output is not None and output.is_dir():
            output = output / f"{_stem(names[0])}{format.suffix}"
        elif output is not None and not output.parent.is_dir():
            raise click.UsageError(f"--output {output}: there is no folder {output.parent}")
        return [output]
    if output is None:
        if format.holds_cues:
            raise click.UsageError(
                f"{format} describes one recording: name a folder with --output, or give one FILE"
            )
        return [None for _ in names]
    if not output.is_dir():
        raise click.UsageError(
            f"--output {output} is no folder, and several recordings need one: make it first"
        )
    paths = [output / f"{_stem(name)}{format.suffix}" for name in names]
    if len(set(paths)) < len(paths):
        raise click.UsageError("two of the files would write the same output: give them apart")
    return list(paths)


def _stem(name: str) -> str:
    return "stdin" if name == STDIN else Path(name).stem


async def _transcribe(
    files: Sequence[str],
    names: Sequence[str],
    outputs: Sequence[Path | None],
    task: _Task,
    url: str | None,
    models: Sequence[str],
    config: Path | None,
) -> None:
    failures = 0
    transcripts: list[Transcript] = []
    async with server_at(url, config, models, task.config.property) as server:
        if task.config.caption_channel is not None:
            address = captions_address(server, task.config.caption_channel)
            lasts = "" if url is not None else ", as long as this command runs"
            click.echo(f"Captions: {address}{lasts}", err=True)
        for file, name, path in zip(files, names, outputs, strict=True):
            if task.shows_text and task.several:
                click.echo(("\n" if transcripts else "") + heading(name))
            segments, failure = await _one(file, name, task, server)
            transcripts.append(Transcript(name, segments))
            if failure is not None:
                failures += 1
                click.echo(f"Error: {failure}", err=True)
            elif not any(segment.text for segment in segments):
                click.echo(
                    f"{name}: no words were heard, as {task.config.property.name}; `rasr setup` "
                    "shows other languages",
                    err=True,
                )
            if path is not None:
                _write(path, write(task.format, transcripts[-1:]))
    if not task.shows_text and outputs[0] is None:
        click.echo(write(task.format, transcripts), nl=False)
    if failures:
        raise click.exceptions.Exit(1)


async def _one(
    file: str, name: str, task: _Task, server: str
) -> tuple[tuple[Segment, ...], str | None]:
    """The finals of one recording, and why they are not all, if so."""
    audio_format = task.config.audio_format
    finals: list[Segment] = []
    try:
        duration_s = None if file == STDIN else audio_info(file).duration_s
        long = duration_s is not None and duration_s > _LONG_S
        with Screen(total_s=duration_s if long else None) as screen:
            printer = ResultPrinter(
                screen, task.mode, task.config, _text if task.shows_text else None
            )
            finals = printer.finals
            options = Options(task.config, task.mode, **task.credentials.options)
            async with connect(server, options, on_line=line_remarks(screen)) as session:
                await stream_recording(
                    session,
                    stdin_chunks(audio_format)
                    if file == STDIN
                    else chunks_of_file(file, audio_format),
                    printer.show,
                    pace=task.pace,
                    byte_rate=_byte_rate(file, duration_s)
                    if isinstance(audio_format, CompressedFormat)
                    else None,
                    # Fast, all is sent long before it is recognised: then finals move the bar.
                    on_sent=None
                    if task.pace is Pace.FAST and MODE_TRAITS[task.mode].endpoints
                    else screen.progress,
                )
        return tuple(finals), printer.failure and f"{name}: {printer.failure}"
    except AudioFileError as error:
        # It names the file itself.
        return tuple(finals), str(error)
    except ClientError as error:
        return tuple(finals), f"{name}: {task.credentials.explained(error)}"


def _byte_rate(file: str, duration_s: float | None) -> float | None:
    """The mean byte rate of a compressed file; None where its duration is unknown or 0."""
    return Path(file).stat().st_size / duration_s if duration_s else None


def _text(segment: Segment) -> str:
    return segment.text


def _write(path: Path, document: bytes) -> None:
    try:
        path.write_bytes(document)
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from error
