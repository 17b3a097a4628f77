"""`rasr jobs`: recordings of up to hours, transcribed by a server while one does something else."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import click
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from rasr.cli.addresses import http_url, server_url
from rasr.cli.credentials import Credentials, credential_options
from rasr.cli.formats import Format, Transcript, write
from rasr.cli.screen import aligned, console
from rasr.client import CallRefused, CannotConnect, ClientError, RestClient
from rasr.wire.sis.analysis import ChannelRule

Command = TypeVar("Command", bound=Callable[..., Any])

_DEFAULT_URL = "127.0.0.1:8765"
_JOBS = "/asr/transcriber/jobs"
_UPLOADS = "/asr/transcriber/uploads"
_POLL_S = 0.5
_SCHEMES = ("http://", "https://", "obs://")
_FORMATS = click.Choice([format.value for format in Format])
_TRIES = 3
_ID = re.compile(r"[0-9A-Za-z_-]+")


class _JobId(click.ParamType[str]):
    """What stands in a path as it is."""

    name = "job"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if _ID.fullmatch(value) is None:
            self.fail(f"{value!r} is no id of a job; `rasr jobs list` shows them", param, ctx)
        return value


@click.group()
def jobs() -> None:
    """Recordings of up to hours, transcribed by a server in the background.

    \b
      rasr jobs submit talk.mp3 https://files.example/call.wav --wait
      rasr jobs list
      rasr jobs export JOB --format srt --output talk.srt
    """


def _of_a_server(command: Command) -> Command:
    url = click.option(
        "--url",
        default=_DEFAULT_URL,
        show_default=True,
        metavar="URL",
        callback=lambda context, parameter, value: server_url(value),
        help="The server.",
    )
    return url(credential_options(command))


@jobs.command()
@click.argument("recordings", nargs=-1, required=True, metavar="FILE|URL…")
@_of_a_server
@click.option(
    "--property",
    default="english_16k_common",
    show_default=True,
    help="Language, rate and domain of the model.",
)
@click.option("--audio-format", default="auto", show_default=True, help="Format of the recordings.")
@click.option("--add-punc", is_flag=True, help="Punctuation and sentence case.")
@click.option("--no-digit-norm", is_flag=True, help="Numbers as they are spoken.")
@click.option("--need-word-info", is_flag=True, help="Words with their times.")
@click.option("--vocabulary-id", metavar="ID", help="Hot words by table.")
@click.option("--callback-url", metavar="URL", help="Where the server sends the answer.")
@click.option(
    "--channel",
    type=click.Choice([rule.value for rule in ChannelRule]),
    help="What the channels are: who is on the left, or one for all.",
)
@click.option("--diarization", is_flag=True, help="Speakers, told apart by their voices.")
@click.option("--emotion", is_flag=True, help="The mood of each sentence.")
@click.option("--speed", is_flag=True, help="Characters a second of each sentence.")
@click.option("--wait", is_flag=True, help="Wait for the end, with a bar for each.")
def submit(
    recordings: tuple[str, ...],
    url: str,
    credentials: Credentials,
    wait: bool,
    **options: Any,
) -> None:
    """Begin a job for each FILE or URL and print its id.

    A file is sent to the server; a URL, or obs://BUCKET/KEY, is fetched by the server.
    """
    config: dict[str, Any] = {
        "property": options["property"],
        "audio_format": options["audio_format"],
        "add_punc": "yes" if options["add_punc"] else "no",
        "digit_norm": "no" if options["no_digit_norm"] else "yes",
        "need_word_info": "yes" if options["need_word_info"] else "no",
        **{
            name: options[name]
            for name in ("vocabulary_id", "callback_url")
            if options[name] is not None
        },
    }
    asked = {name: options[name] for name in ("diarization", "emotion", "speed")}
    if options["channel"] is not None or any(asked.values()):
        config["need_analysis_info"] = {
            **asked,
            "channel": options["channel"] or ChannelRule.MONO.value,
        }
    _check(config)
    begun = {}
    with _asking(url, credentials) as client:
        for one in recordings:
            if one.startswith(_SCHEMES):
                job = _begun(client, config, one)
            else:
                job = _begun_with(client, config, Path(one))
            begun[job] = one
            click.echo(job)
        if wait and not _wait(client, begun):
            raise click.exceptions.Exit(1)


@jobs.command("list")
@_of_a_server
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--mark", metavar="LIST", help="Only those in which something of LIST stands.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_(url: str, credentials: Credentials, limit: int, mark: str | None, as_json: bool) -> None:
    """The jobs of the project, the newest first.

    Lists of words are those of the settings, recordings.word_lists.
    """
    wanted = {"limit": limit} if mark is None else {"limit": limit, "mark": mark}
    with _asking(url, credentials) as client:
        told = client.ask("GET", f"{_JOBS}?{urlencode(wanted)}")
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    rows = [("job", "state", "progress", "audio", "created", "marks")]
    rows += [
        (
            one["job_id"],
            _state(one),
            f"{one.get('progress', 0)}%",
            _length(one),
            one["create_time"],
            ", ".join(f"{name} {places}" for name, places in one.get("marks", {}).items()),
        )
        for one in told["jobs"]
    ]
    for line in aligned(rows):
        click.echo(line)
    more = told["count"] - len(told["jobs"])
    if more > 0:
        click.echo(f"and {more} more", err=True)


@jobs.command()
@click.argument("job", type=_JobId())
@_of_a_server
def show(job: str, url: str, credentials: Credentials) -> None:
    """What is known of JOB, as JSON."""
    with _asking(url, credentials) as client:
        click.echo(json.dumps(_told(client, job), ensure_ascii=False, indent=2))


@jobs.command()
@click.argument("job", type=_JobId(), nargs=-1, required=True, metavar="JOB…")
@_of_a_server
def wait(job: tuple[str, ...], url: str, credentials: Credentials) -> None:
    """Wait until each JOB is over, with a bar for each. Exit code 1 if one has failed."""
    with _asking(url, credentials) as client:
        if not _wait(client, {one: one for one in job}):
            raise click.exceptions.Exit(1)


@jobs.command()
@click.argument("job", type=_JobId(), nargs=-1, required=True, metavar="JOB…")
@_of_a_server
def cancel(job: tuple[str, ...], url: str, credentials: Credentials) -> None:
    """Take each JOB back: it is done no more and forgotten, with its text if it has one."""
    with _asking(url, credentials) as client:
        for one in job:
            client.ask("DELETE", f"{_JOBS}/{one}")


@jobs.command()
@click.argument("job", type=_JobId())
@_of_a_server
@click.option("--format", type=_FORMATS, default=Format.TEXT.value, show_default=True)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="PATH",
    help="Write the result to this file.",
)
def export(job: str, url: str, credentials: Credentials, format: str, output: Path | None) -> None:
    """The text of JOB, which has to be done, as a document."""
    chosen = Format(format)
    if chosen is Format.XLSX and output is None:
        raise click.UsageError("a workbook is not for the terminal: name a file with --output")
    with _asking(url, credentials) as client:
        told = _told(client, job)
    if told["status"] != "FINISHED":
        raise click.ClickException(f"the job is not done: {_state(told)}")
    from rasr.wire.sis.codec import segment_in

    transcript = Transcript(
        job,
        tuple(segment_in(one) for one in told["segments"]),
        tuple(_speaker(one["result"].get("analysis_info", {})) for one in told["segments"]),
    )
    # The server knows no name of the recording any more.
    document = write(chosen, [transcript], "job")
    if output is None:
        click.echo(document, nl=False)
        return
    try:
        output.write_bytes(document)
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}") from error


@contextmanager
def _asking(url: str, credentials: Credentials) -> Iterator[RestClient]:
    shown = credentials.token if credentials.token is not None else credentials.key
    try:
        with RestClient(http_url(url), credentials.project_id, shown) as client:
            yield client
    except ClientError as error:
        raise click.ClickException(credentials.explained(error)) from error
    except KeyboardInterrupt:
        raise click.exceptions.Exit(130) from None


def _check(config: Mapping[str, Any]) -> None:
    """See that a job can be wanted like that, before anything is sent."""
    from rasr.wire.sis.errors import ProtocolError
    from rasr.wire.sis.recordings import read_recording_request

    try:
        read_recording_request({"config": config, "data_url": "any"})
    except ProtocolError as error:
        raise click.UsageError(error.message) from None


def _begun(client: RestClient, config: Mapping[str, Any], data_url: str) -> str:
    """Begin a job. Returns its id."""
    body = {"config": config, "data_url": data_url}
    return str(client.ask("POST", _JOBS, body)["job_id"])


def _begun_with(client: RestClient, config: Mapping[str, Any], path: Path) -> str:
    """Send a file to the server, and begin a job with it. Returns its id."""
    try:
        size = path.stat().st_size
        file = path.open("rb")
    except OSError as error:
        raise click.UsageError(
            f"{path} is no file that can be read ({error.strerror}), and no URL, which begins with "
            "http://, https:// or obs://"
        ) from error
    with file, _bars() as bars:
        upload = client.ask("POST", _UPLOADS)
        sent = f"{_UPLOADS}/{upload['upload_id']}"
        bar = bars.add_task(f"sending {path.name}", total=size)
        try:
            number = 0
            while part := file.read(upload["most_part_bytes"]):
                _put(client, f"{sent}/{number}", part)
                bars.advance(bar, len(part))
                number += 1
            return _begun(client, config, str(upload["data_url"]))
        except BaseException:
            # Where a job has been taken all the same, the server keeps what it needs.
            with suppress(ClientError):
                client.ask("DELETE", sent)
            raise


def _put(client: RestClient, path: str, part: bytes) -> None:
    for tries in range(1, _TRIES + 1):
        try:
            client.ask("PUT", path, content=part)
            return
        except CannotConnect as error:
            if tries == _TRIES or not error.retryable:
                raise


def _wait(client: RestClient, names: Mapping[str, str]) -> bool:
    """Wait for the end of jobs. True if none has failed."""
    succeeded = True
    open_ones = list(names)
    with _bars() as bars:
        tasks = {job: bars.add_task(names[job], total=100) for job in names}
        while open_ones:
            for job in list(open_ones):
                told = _told(client, job)
                bars.update(tasks[job], completed=told.get("progress", 0))
                if told["status"] == "WAITING":
                    continue
                open_ones.remove(job)
                if told["status"] == "ERROR":
                    succeeded = False
                    bars.console.print(f"{names[job]}: {told['error_msg']}", markup=False)
            if open_ones:
                time.sleep(_POLL_S)
    return succeeded


def _bars() -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console(stderr=True),
    )


def _told(client: RestClient, job: str) -> dict[str, Any]:
    """What is told of a job, also of one that has failed."""
    try:
        return client.ask("GET", f"{_JOBS}/{job}")
    except CallRefused as error:
        if error.body.get("status") == "ERROR":
            return error.body
        raise


def _state(told: Mapping[str, Any]) -> str:
    if told["status"] == "ERROR":
        return f"failed: {told['error_msg']}"
    return str(told["status"]).lower()


def _speaker(analysis: Mapping[str, Any]) -> str:
    """Who says a sentence, for a person."""
    if "role" in analysis:
        return str(analysis["role"])
    return f"speaker {analysis['speaker'] + 1}" if "speaker" in analysis else ""


def _length(told: Mapping[str, Any]) -> str:
    milliseconds = told.get("audio_duration")
    return "" if milliseconds is None else f"{milliseconds / 1000:.1f} s"
