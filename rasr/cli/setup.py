"""`rasr setup`: a language from nothing to served."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

import click

from decoder.cores import cores
from rasr.cli.bring import at_terminal, bring_language, command_of, shared_store
from rasr.cli.config_options import config_option, configuration
from rasr.cli.fetching import in_megabytes, plain_errors
from rasr.cli.machine import free_bytes, memory
from rasr.cli.screen import aligned
from rasr.models.catalogue import Catalogue, Model
from rasr.models.errors import ModelError
from rasr.models.languages import Language, languages, meant_language
from rasr.models.store import State, Store
from rasr.settings import language_of, live_engine

_NEAR = 0.7
"""From which likeness on, of 1, a name is taken for a misspelt one."""


@click.command()
@click.argument("wanted", nargs=-1, metavar="[LANGUAGE]…")
@click.option(
    "--model",
    metavar="NAME",
    help="Take this model instead of the recommended one (`rasr models list`).",
)
@click.option("--yes", is_flag=True, help="Answer every question with yes, for scripts.")
@config_option
def setup(wanted: tuple[str, ...], model: str | None, yes: bool, config: Path | None) -> None:
    """Have a language recognised: fetch its model and write the settings.

    Without a LANGUAGE it shows which there are, what each needs and what is here, and asks which
    you want. Chinese is Mandarin. What is here already is not fetched again; what broke is
    continued by the same command.

    \b
      rasr setup
      rasr setup chinese
      rasr setup german --yes
    """
    with plain_errors():
        store, _ = shared_store(config)
        if model is not None and len(wanted) != 1:
            raise click.UsageError("--model is for one LANGUAGE: name it")
        chosen = model and store.catalogue.get(model)
        if not wanted:
            _show(store, config)
            wanted = _asked(store.catalogue) if at_terminal() else ()
        known = [_known(store.catalogue, name) for name in dict.fromkeys(wanted)]
        if chosen and not chosen.recognises:
            raise click.UsageError(
                f"{chosen.name} is of kind {chosen.kind}, and recognises nothing; fetch it with: "
                f"rasr models pull {chosen.name}"
            )
        if chosen and known[0].name not in chosen.languages:
            raise click.UsageError(
                f"{chosen.name} does not know {known[0].name}, only {', '.join(chosen.languages)}"
            )
    _bring_all(known, chosen or None, yes, config)


def _bring_all(
    wanted: Sequence[Language], model: Model | None, yes: bool, config: Path | None
) -> None:
    failed = []
    for language in wanted:
        try:
            with plain_errors():
                served = bring_language(language, config, model, yes=yes)
        except click.ClickException as error:
            error.show()
            failed.append(language.name)
            continue
        click.echo(f"{language.name} is served by {served.model.name}")
        if served.written is not None:
            click.echo(f"Settings: {served.written}")
    if failed:
        commands = "".join(f"\n  {command_of(name, config, model, yes=yes)}" for name in failed)
        click.echo(f"Not set up: {', '.join(failed)}. To go on:{commands}", err=True)
        raise click.exceptions.Exit(1)
    if wanted:
        option = f" --config {config}" if config is not None else ""
        click.echo(f"Now start the server, or start it anew where it runs: rasr serve{option}")


def _show(store: Store, config: Path | None) -> None:
    """Every language with what it needs and what is here."""
    here, cores_text = memory(), f"{cores()} cores"
    free = f", {here.free_mb} of {here.total_mb} MB of memory free" if here is not None else ""
    room = f"{in_megabytes(free_bytes(store.folder))} free for models in {store.folder}"
    click.echo(f"This machine: {cores_text}{free}, {room}\n")
    served = _served(config)
    rows = [
        (
            language.name,
            language.model.name,
            in_megabytes(language.model.download_bytes),
            f"{language.model.memory_mb} MB" if language.model.memory_mb else "unknown",
            _now(store, language, served),
        )
        for language in languages(store.catalogue)
    ]
    for row in aligned([("LANGUAGE", "MODEL", "DOWNLOAD", "MEMORY", "NOW"), *rows]):
        click.echo(row.rstrip())
    click.echo("\nrasr setup LANGUAGE fetches the model and has it served.")


def _served(config: Path | None) -> dict[str, str]:
    """Language → what serves it; empty where the settings do not allow to say."""
    try:
        properties = configuration(config).settings.properties
    except click.ClickException as error:
        error.show()
        return {}
    return {language_of(key): live_engine(served) for key, served in properties.items()}


def _now(store: Store, language: Language, served: dict[str, str]) -> str:
    if language.name in served:
        return f"served by {served[language.name]}"
    return "installed" if store.state(language.model) is State.INSTALLED else "–"


def _asked(catalogue: Catalogue) -> tuple[str, ...]:
    """The languages that a person at the terminal wants."""
    while True:
        answer = click.prompt(
            "Which languages do you want? Names with spaces between, or Enter for none",
            default="",
            show_default=False,
            err=True,
        )
        names = tuple(str(answer).replace(",", " ").lower().split())
        try:
            for name in names:
                _known(catalogue, name)
        except ModelError as error:
            click.echo(f"{error}", err=True)
            continue
        return names


def _known(catalogue: Catalogue, name: str) -> Language:
    """The language that is meant.

    Raises:
        ModelError: there is no such language.
    """
    found = meant_language(catalogue, name)
    if found is not None:
        return found
    names = [one.name for one in languages(catalogue)]
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=_NEAR)
    told = f"did you mean {near[0]}?" if near else f"there are: {', '.join(names)}"
    raise ModelError(f"no model is known for the language {name!r}; {told}")
