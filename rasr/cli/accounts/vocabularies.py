"""`rasr vocabularies`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rasr.cli.accounts.opened import Accounts, Change, of_the_store
from rasr.cli.accounts.options import domain_option, json_option, project_option
from rasr.cli.accounts.shown import show_list, show_one
from rasr.cli.accounts.word_lists import ListFault, ListFormat, read_list, write_list
from rasr.cli.writing import writing

if TYPE_CHECKING:
    from rasr.store.records import ProjectRecord, Vocabulary
    from rasr.store.store import Work
    from rasr.wire.sis.vocabularies import VocabularyContent

_ALL = 1_000_000
_STANDARD_INPUT = Path("-")
_format_option = click.option(
    "--format",
    "format_name",
    type=click.Choice([one.value for one in ListFormat]),
    help="How the list is written; default: as the file's name ends, else one word a line.",
)


@click.group()
@of_the_store
def vocabularies() -> None:
    """Hot words of a project: names and terms that are recognised better.

    A round has those of the vocabulary whose id its START names as vocabulary_id.

    \b
      rasr vocabularies import team.txt --project cn-north-4
    """


@vocabularies.command("list")
@project_option
@domain_option
@json_option
@click.pass_obj
def list_vocabularies(accounts: Accounts, project: str, domain: str, as_json: bool) -> None:
    """Every vocabulary of a project."""

    async def do(work: Work) -> list[Vocabulary]:
        where = await work.projects.get(domain, project)
        _, page = await work.vocabularies.page(where.id, limit=_ALL)
        return [await work.vocabularies.get(where.id, one.id) for one in page]

    rows = [_facts(one) | {"words": len(one.words)} for one in accounts.read(do)]
    columns = ("name", "vocabulary_id", "language", "words", "description")
    show_list(rows, columns, as_json=as_json)


@vocabularies.command()
@click.argument("vocabulary")
@project_option
@domain_option
@json_option
@click.pass_obj
def show(accounts: Accounts, vocabulary: str, project: str, domain: str, as_json: bool) -> None:
    """A vocabulary, by name or id, and its words."""
    found = _found(accounts, vocabulary, project, domain)
    show_one(_facts(found) | {"contents": list(found.words)}, as_json=as_json)


@vocabularies.command()
@click.argument("vocabulary")
@click.argument(
    "file", type=click.Path(dir_okay=False, path_type=Path, allow_dash=True), default="-"
)
@project_option
@_format_option
@domain_option
@click.pass_obj
def export(
    accounts: Accounts,
    vocabulary: str,
    file: Path,
    project: str,
    format_name: str | None,
    domain: str,
) -> None:
    """Write the words of a vocabulary, by name or id, into a file; to standard output without one.

    \b
      rasr vocabularies export team team.csv --project cn-north-4
    """
    found = _found(accounts, vocabulary, project, domain)
    told = _facts(found) | {"contents": list(found.words)}
    text = write_list(told, _format(format_name, file))
    with writing(file), click.open_file(str(file), "w", encoding="utf-8") as output:
        output.write(text)


@vocabularies.command("import")
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path, allow_dash=True)
)
@project_option
@click.option("--name", metavar="NAME", help="Of the vocabulary; default: the file's.")
@click.option(
    "--language",
    metavar="NAME",
    help="chinese_mandarin (default), whose words have neither spaces nor digits, or another "
    "language, such as english, whose words may be phrases.",
)
@click.option("--description", metavar="TEXT", help="A line for whoever reads lists.")
@_format_option
@domain_option
@json_option
@click.pass_obj
def import_words(
    accounts: Accounts,
    file: Path,
    project: str,
    name: str | None,
    language: str | None,
    description: str | None,
    format_name: str | None,
    domain: str,
    as_json: bool,
) -> None:
    """Make a vocabulary of the words in a file, or put them in the place of those that it has.

    One word a line, the first column of a table (CSV), or JSON; - is standard input.

    \b
      rasr vocabularies import team.txt --project cn-north-4
      echo "Doctor Kaelith" | rasr vocabularies import - --name team --language english \\
        --project cn-north-4
    """
    from rasr.wire.sis.vocabularies import MANDARIN, MOST_VOCABULARIES

    try:
        with click.open_file(str(file), "rb") as source:
            document = read_list(source.read(), _format(format_name, file))
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read: {error.strerror}") from error
    except ListFault as error:
        raise click.ClickException(f"{file} is no list of words: {error}") from error
    given = {"name": name, "language": language, "description": description}
    document |= {key: value for key, value in given.items() if value is not None}
    if "name" not in document:
        if file == _STANDARD_INPUT:
            raise click.UsageError("--name is needed: the words come from standard input")
        document["name"] = file.stem

    async def do(change: Change) -> Vocabulary:
        tables = change.work.vocabularies
        where = await change.work.projects.get(domain, project)
        known = await tables.named(where.id, str(document["name"]))
        kept = {} if known is None else {"description": known.description}
        language = MANDARIN if known is None else known.language
        content = _checked({"language": language, **kept, **document})
        told = content.name, content.language, content.description, content.words, change.now
        if known is None:
            made = await tables.create(where.id, *told, most=MOST_VOCABULARIES)
        else:
            made = known.id
            await tables.replace(where.id, made, *told)
        await _note(change, "create" if known is None else "update", made, where)
        return await tables.get(where.id, made)

    made = accounts.change(do)
    show_one(_facts(made) | {"words": len(made.words)}, as_json=as_json)


@vocabularies.command()
@click.argument("vocabulary")
@project_option
@domain_option
@click.pass_obj
def delete(accounts: Accounts, vocabulary: str, project: str, domain: str) -> None:
    """Delete a vocabulary, by name or id."""

    async def do(change: Change) -> Vocabulary:
        where = await change.work.projects.get(domain, project)
        found = await change.work.vocabularies.find(where.id, vocabulary)
        await change.work.vocabularies.remove(where.id, found.id)
        await _note(change, "delete", found.id, where)
        return found

    click.echo(f"the vocabulary {accounts.change(do).name} is deleted")


def _checked(document: Mapping[str, Any]) -> VocabularyContent:
    """What a vocabulary is to hold.

    Raises:
        click.ClickException: with what is wrong.
    """
    from rasr.models.catalogue import load
    from rasr.models.languages import languages
    from rasr.wire.sis.errors import ProtocolError
    from rasr.wire.sis.vocabularies import VocabularyContent

    try:
        return VocabularyContent.read(document, [one.name for one in languages(load())])
    except ProtocolError as error:
        raise click.ClickException(error.message) from error


async def _note(change: Change, what: str, vocabulary_id: str, where: ProjectRecord) -> None:
    await change.note(f"sis:vocabulary:{what}", vocabulary_id, where)


def _facts(one: Vocabulary) -> dict[str, Any]:
    from rasr.wire.sis.vocabularies import vocabulary_body

    return vocabulary_body(one.id, one.name, one.language, one.description)


def _format(name: str | None, file: Path) -> ListFormat:
    return ListFormat.of(file) if name is None else ListFormat(name)


def _found(accounts: Accounts, vocabulary: str, project: str, domain: str) -> Vocabulary:
    async def do(work: Work) -> Vocabulary:
        where = await work.projects.get(domain, project)
        return await work.vocabularies.find(where.id, vocabulary)

    return accounts.read(do)
