"""The server that a load is put on, and the options that say which server and which load.

It is a server at any address, or one of our own that is started for each load.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from bench.model import cached
from bench.servers import (
    MeasuredServer,
    measured_model,
    running_server,
    server_path_option,
)
from bench.wire_clients import SisClient
from bench.workload import CONTINUOUS, CorpusChoice, Load, Talk, read_corpus

MEASURED = "measured"
"""The name of the measured model among those of --model."""
TALKS = {"speech": Talk.SPEECH, "conversation": Talk.CONVERSATION}

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Target:
    """A server, and the load that is put on it but for the number of clients."""

    start: Callable[[], AbstractContextManager[MeasuredServer]] = running_server
    """Starts a server of our own; it raises RuntimeError where it does not start."""
    url: str | None = None
    """A server that runs already, in place of one of our own."""
    pid: int | None = None
    """Its process, where its use of this machine is watched."""
    property_name: str = "english_16k_common"
    corpus: CorpusChoice = CONTINUOUS
    tells_steps: bool = False
    interim: bool = True
    talk: Talk = Talk.SPEECH
    warm_s: float = 10.0
    window_s: float = 60.0
    turn_s: tuple[float, float] | None = None
    seed: int = 1

    @contextmanager
    def running(self) -> Iterator[tuple[str, MeasuredServer | None]]:
        """Give the URL of the server at the address, or of one of our own for as long as this
        lasts, and the server if it is on this machine.

        Raises:
            click.ClickException: it did not start.
        """
        if self.url is not None:
            yield self.url, None if self.pid is None else MeasuredServer(self.url, self.pid)
            return
        try:
            with self.start() as server:
                yield server.url, server
        except RuntimeError as error:
            raise click.ClickException(str(error)) from error

    def load(self, url: str, clients: int) -> Load:
        """Return the load of so many clients on the server at an address."""
        return Load(
            SisClient(url, self.property_name, self.interim),
            self.talk,
            clients,
            self.warm_s,
            self.window_s,
            self.turn_s,
            self.seed,
            self.corpus,
            self.tells_steps,
        )

    def notes(self) -> tuple[str, ...]:
        """Say what stands behind the numbers."""
        audio = "speech in which no moment is silent, of whatever language"
        if self.corpus.folder is not None:
            audio = f"recordings of {self.corpus.folder}"
        elif self.corpus.language is not None:
            audio = f"bundled sentences ({self.corpus.language}) with known word times"
        missing = {
            (True, False): "user-perceived latency is left out: the words of the measured model "
            "tell the time, not what was said",
            (False, True): "chunk compute latency is left out: only the measured model's words "
            "(--model measured) say which step they are of",
            (False, False): "chunk compute and user-perceived latency are left out: neither the "
            "steps nor the times of the words are known for these recordings",
        }[self.tells_steps, self.corpus.knows_words]
        turns = (
            f"streams of {self.turn_s[0]:.0f} to {self.turn_s[1]:.0f} s, one after the other"
            if self.turn_s
            else "one stream for each client"
        )
        return (
            f"audio: {audio}; {turns}; {self.window_s:.0f} s after {self.warm_s:.0f} s of warm-up",
            missing,
        )


def server_options(command: Command) -> Command:
    """--url, --config, --model, --property and more: the options that `target` reads."""
    for option in reversed(
        (
            click.option(
                "--url",
                metavar="URL",
                help="Server to measure, such as ws://127.0.0.1:8765; any that speaks SIS. "
                "Without it one of our own is started.",
            ),
            click.option(
                "--config",
                type=click.Path(path_type=Path, exists=True, dir_okay=False),
                help="Settings of a server of our own.",
            ),
            click.option(
                "--model",
                metavar="NAME",
                help=f"Model of a server of our own, as of `rasr serve`; {MEASURED!r} is the one "
                "that `python -m bench model` makes, whose words tell the time. With --url: "
                f"{MEASURED!r} says that it is what runs there.",
            ),
            click.option(
                "--property",
                "property_name",
                default="english_16k_common",
                show_default=True,
                help="What is asked for at START; 16k.",
            ),
            click.option(
                "--speech",
                type=click.Path(path_type=Path, exists=True, file_okay=False),
                envvar="RASR_SPEECH_DIR",
                show_envvar=True,
                help="A folder with transcripts.tsv: its recordings instead of the bundled ones.",
            ),
            click.option("--pid", type=int, help="With --url: the process whose CPU is watched."),
            click.option(
                "--admission/--no-admission",
                default=None,
                help="Whether a server of our own refuses recognitions for its load; if not, what "
                "is too much shows as latency. Default: as the settings say; for `capacity`, not.",
            ),
            server_path_option,
        )
    ):
        command = option(command)
    return command


talk_option = click.option(
    "--talk",
    type=click.Choice(list(TALKS)),
    default="conversation",
    show_default=True,
    help="Without pauses, or with pauses that leave 40 % speech.",
)


def load_options(command: Command) -> Command:
    """--talk, --turn, --window, --warm-up, --seed, --processes."""
    for option in reversed(
        (
            talk_option,
            click.option(
                "--turn",
                type=click.FloatRange(min=0),
                default=30.0,
                show_default=True,
                help="Each client's streams last about so long, s: from two thirds of it to four. "
                "0: one stream for all the time.",
            ),
            click.option(
                "--window",
                "window_s",
                type=click.FloatRange(min=1),
                default=60.0,
                show_default=True,
                help="What counts, s.",
            ),
            click.option(
                "--warm-up",
                "warm_s",
                type=click.FloatRange(min=0),
                default=10.0,
                show_default=True,
                help="What comes before, s; clients begin at random within it.",
            ),
            click.option("--seed", default=1, show_default=True, help="Who says what when."),
            click.option(
                "--processes",
                type=click.IntRange(min=1),
                help="Processes of clients. Default: one for each 150 clients.",
            ),
        )
    ):
        command = option(command)
    return command


def turns(turn: float) -> tuple[float, float] | None:
    """Return how long streams are for --turn, in s: the shortest and the longest."""
    return (turn * 2 / 3, turn * 4 / 3) if turn else None


def target(
    *,
    url: str | None,
    config: Path | None,
    model: str | None,
    property_name: str,
    speech: Path | None,
    pid: int | None,
    talk: str,
    window_s: float,
    warm_s: float,
    seed: int,
    turn: float,
    admission: bool | None,
    server_path: Path | None,
) -> Target:
    """Make a target of the options.

    Raises:
        click.ClickException: they do not go together, or there are no recordings.
    """
    own = {"--config": config, "--admission": admission, "--server-path": server_path}
    for option, value in own.items():
        if url is not None and value is not None:
            raise click.UsageError(f"{option} is for a server of our own: leave it out, or --url")
    if url is not None and model not in (None, MEASURED):
        raise click.UsageError(f"with --url, --model says {MEASURED!r} or nothing")
    if url is None and pid is not None:
        raise click.UsageError("--pid goes with --url: a server of our own is watched anyway")
    measured = model == MEASURED
    text = "" if config is None else config.read_text(encoding="utf-8")
    if measured and url is None and config is None:
        text = measured_model(cached())
    try:
        # Words that tell the time need no sentences: there, speech that nobody calls silence.
        corpus = CONTINUOUS
        if speech is not None or not measured:
            corpus = CorpusChoice.of(property_name, speech)
        read_corpus(corpus)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    arguments = () if model is None or measured else ("--model", model)
    return Target(
        start=partial(
            running_server,
            text,
            *arguments,
            admission=admission is not False,
            server_path=server_path,
        ),
        url=url,
        pid=pid,
        property_name=property_name,
        corpus=corpus,
        tells_steps=measured,
        talk=TALKS[talk],
        warm_s=warm_s,
        window_s=window_s,
        turn_s=turns(turn),
        seed=seed,
    )
