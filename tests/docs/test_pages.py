"""The documents say what the code does: its tables, names and links."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import re
import sys
import tokenize
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import pytest

from decoder.fake import FakeOptions
from decoder.live import LiveOptions
from decoder.moonshine import MoonshineOptions
from decoder.pocketsphinx.options import PocketSphinxOptions
from decoder.sherpa import SherpaOptions
from decoder.sherpa.offline import SherpaOfflineOptions
from decoder.whisper.options import WhisperOptions
from rasr.audio import FILE_FORMATS, FORMATS, FindingCode
from rasr.cli import main as rasr
from rasr.configuration.schema import dotted, leaves, written
from rasr.models import catalogue
from rasr.recognition.events import WarningCode
from rasr.server.auth.paths import OPEN, RIGHTS
from rasr.settings import Settings
from rasr.wire.sis.errors import ERROR_TABLE
from rasr.wire.sis.fields import START_FIELDS
from rasr.wire.sis.kinds import Field, TextList, WholeNumber
from rasr.wire.sis.messages import EndReason, EventName
from rasr.wire.sis.modes import MODE_TRAITS, Mode
from rasr.wire.sis.short_audio import SHORT_AUDIO_FIELDS
from rasr.wire.sis.states import diagram
from tests.docs.conftest import Place
from tests.docs.pages import EXAMPLES, PAGES, ROOT, anchors, blocks, links

DOCS = ROOT / "docs"
PROTOCOL = DOCS / "protocol.md"
SETTINGS = DOCS / "settings.md"
SHORT_AUDIO = DOCS / "short-audio.md"
CLIENT = DOCS / "client.md"
COMMANDS = DOCS / "commands.md"
ACCOUNTS = DOCS / "accounts.md"


def page_name(page: Path) -> str:
    """The page, for the names of tests."""
    return str(page.relative_to(ROOT))


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def field_row(name: str, field: Field) -> str:
    """The row of a START field."""
    match field.kind:
        case WholeNumber():
            kind = "integer"
        case TextList():
            kind = "array"
        case _:
            kind = "string"
    match field.default:
        case bool():
            default = "yes" if field.default else "no"
        case int():
            default = str(field.default)
        case None:
            default = "required" if field.required else "–"
    modes = "all" if field.modes == frozenset(Mode) else ", ".join(sorted(field.modes))
    key = f"`{name}` (**ours**)" if field.extension else f"`{name}`"
    return row(key, kind, field.kind.allowed, default, modes, field.meaning)


def setting_rows() -> list[str]:
    """Each setting's row."""
    rows = []
    for path, leaf, value in leaves(Settings()):
        default = str(value) if isinstance(value, str) else written(value)
        rows.append(row(f"`{dotted(path)}`", leaf.allowed, default, leaf.meaning))
    return rows


def option_rows(options: type) -> list[str]:
    """The rows of an engine's options, without what they mean."""
    return [
        f"| `{option.name}` | {str(option.default).lower()} |"
        for option in dataclasses.fields(options)
    ]


def missing(lines: Iterable[str], page: Path) -> list[str]:
    text = page.read_text("utf-8")
    return [line for line in lines if line not in text]


def test_the_protocol_has_every_start_field_as_the_parser_reads_it() -> None:
    assert missing((field_row(*item) for item in START_FIELDS.items()), PROTOCOL) == []


def test_the_page_of_short_audio_has_every_field_and_every_format() -> None:
    fields = (
        f"| `{name}`{' (**ours**)' if field.extension else ''} |"
        for name, field in SHORT_AUDIO_FIELDS.items()
    )
    formats = (f"`{name}`" for name in (*FORMATS, *FILE_FORMATS))
    assert missing([*fields, *formats], SHORT_AUDIO) == []


def test_the_page_of_settings_has_each_with_its_range_and_default() -> None:
    assert missing(setting_rows(), SETTINGS) == []


@pytest.mark.parametrize(
    "options",
    [
        PocketSphinxOptions,
        MoonshineOptions,
        SherpaOptions,
        SherpaOfflineOptions,
        WhisperOptions,
        LiveOptions,
        FakeOptions,
    ],
)
def test_the_page_of_settings_has_every_option_of_an_engine(options: type) -> None:
    assert missing(option_rows(options), SETTINGS) == []


def test_every_path_is_written_down() -> None:
    paths = [f"`/v1/{{project_id}}/{traits.path}`" for traits in MODE_TRAITS.values()]
    assert missing(paths, PROTOCOL) == []


def test_the_protocol_has_every_alias_of_a_path() -> None:
    aliases = [f"`/v1/{{project_id}}/{a}`" for t in MODE_TRAITS.values() for a in t.aliases]
    assert missing(aliases, PROTOCOL) == []


def test_every_error_code_is_explained() -> None:
    codes = [f"| {code} | {line.meaning} |" for code, line in ERROR_TABLE.items()]
    assert missing(codes, PROTOCOL) == []


def test_every_event_and_every_reason_of_an_end_is_written_down() -> None:
    assert missing((f"`{word}`" for word in (*EventName, *EndReason)), PROTOCOL) == []


def test_the_protocol_has_every_code_of_a_warning() -> None:
    codes = [f"| `{code}` |" for code in (*FindingCode, *WarningCode)]
    assert missing(codes, PROTOCOL) == []


def test_the_example_of_plain_websockets_needs_nothing_else() -> None:
    tree = ast.parse((EXAMPLES / "session.py").read_text("utf-8"))
    names = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
        )
    }
    assert names - sys.stdlib_module_names == {"websockets"}


def test_the_example_of_the_client_shows_what_is_said_and_how_late(place: Place) -> None:
    (example,) = (block for block in blocks(CLIENT) if block.language == "python")
    lines = place.run("python", "-c", place.here(example.text), place.recording).stdout.splitlines()
    assert any(re.fullmatch(r"\d+ ms: .+", line) for line in lines)
    assert any(re.fullmatch(r"  \d+\.\d\d s after its last word was sent", line) for line in lines)
    assert lines[-1] == "NORMAL"


def test_every_message_that_is_quoted_for_those_in_trouble_is_one() -> None:
    sources = [*(ROOT / "rasr").rglob("*.py"), ROOT / "Makefile"]
    # Texts that are written over several lines are one.
    said = [re.sub(r'"\s*\n\s*f?"', "", source.read_text("utf-8")) for source in sources]
    cells = re.findall(
        r"^\| ([^|]*) \|", (DOCS / "troubleshoot.md").read_text("utf-8"), re.MULTILINE
    )
    quoted = [text for cell in cells for text in re.findall(r'"([^"]+)"', cell)]
    assert len(quoted) > 4
    assert [text for text in quoted if not any(text in source for source in said)] == []


def test_models_to_choose_from_are_in_the_catalogue_with_their_sizes() -> None:
    text = (DOCS / "choose-a-model.md").read_text("utf-8")
    table = text.partition("## By language")[2].partition("## By cores")[0]
    models = {model.name: model for model in catalogue.load().models}
    assert set(re.findall(r"`([a-z]\w*-[\w-]+)`", table)) - set(models) == set()
    sizes = re.findall(r"`([\w-]+)`(?:, the default)?, ([\d.]+) (MB|GB)", table)
    assert len(sizes) > 5
    for name, number, unit in sizes:
        size = models[name].download_bytes
        assert size is not None
        shown = {f"{size / 1e6:.0f}"} if unit == "MB" else {f"{size / 1e9:.{n}f}" for n in (1, 2)}
        assert number in shown, name


def test_every_command_is_described() -> None:
    text = COMMANDS.read_text("utf-8")
    names = rasr.list_commands(click.Context(rasr))
    assert names
    assert [name for name in names if f"| `rasr {name}" not in text] == []


def test_every_document_is_in_the_index() -> None:
    index = {(DOCS / link).resolve() for link in links(DOCS / "README.md")}
    adr = {path for path in PAGES if path.parent.name == "adr"}
    assert [page for page in PAGES if page.name != "README.md" and page not in index | adr] == []


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    targets = [link for link in links(page) if not link.startswith(("http", "#"))]
    files = [(page.parent / one.partition("#")[0]).resolve() for one in targets]
    assert [file for file in files if not file.exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_link_to_a_heading_leads_to_one(page: Path) -> None:
    targets = [link.partition("#") for link in links(page) if not link.startswith("http")]
    assert [
        f"{name}#{anchor}"
        for name, _, anchor in targets
        if anchor and anchor not in anchors(page.parent / name if name else page)
    ] == []


PACKAGES = ("rasr", "vad", "decoder", "bench", "tests")
PATH = re.compile(rf"(?<![\w/.-])(?:{'|'.join(PACKAGES)})(?:/[\w.*-]*\w)+")
DOTTED = re.compile(rf"(?<![\w/.-])(?:{'|'.join(PACKAGES)})(?:\.\w+)+")


def prose(module: Path) -> Iterator[str]:
    """The comments and docstrings of a Python file."""
    with module.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT or (
                token.type == tokenize.STRING and '"""' in token.string
            ):
                yield token.string


def is_path(name: str) -> bool:
    return any(next(ROOT.glob(one), None) is not None for one in (name, f"{name}.py"))


def is_known(name: str) -> bool:
    """True for a module or what it defines, for a setting, and for the file of a model."""
    if name in {dotted(path) for path, _, _ in leaves(Settings())} or name.endswith(".onnx"):
        return True
    parts = name.split(".")
    if is_path("/".join(parts)):
        return True
    for length in range(len(parts) - 1, 0, -1):
        if is_path("/".join(parts[:length])):
            return defines(importlib.import_module(".".join(parts[:length])), parts[length:])
    return False


def defines(owner: object, names: list[str]) -> bool:
    """True if `owner` has the first of `names`, that one the second, and so on."""
    for name in names:
        if name in getattr(owner, "__annotations__", {}):
            return True  # A field: it has a value in an instance only.
        if not hasattr(owner, name):
            return False
        owner = getattr(owner, name)
    return True


def unknown_names(text: str) -> list[str]:
    """Paths of the repository and dotted names of its modules in `text` that lead nowhere."""
    paths = [name for name in PATH.findall(text) if not is_path(name)]
    return paths + [name for name in DOTTED.findall(text) if not is_known(name)]


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_path_and_module_that_a_page_names_is_there(page: Path) -> None:
    assert unknown_names(page.read_text("utf-8")) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_path_and_module_that_the_code_names_is_there(package: str) -> None:
    modules = sorted((ROOT / package).rglob("*.py"))
    unknown = {
        str(module.relative_to(ROOT)): names
        for module in modules
        if module != Path(__file__)
        and (names := [name for text in prose(module) for name in unknown_names(text)])
    }
    assert unknown == {}


def test_a_path_or_a_module_that_is_gone_is_found() -> None:
    text = "`rasr/session/round.py`, rasr/audio/wire.py; `rasr.house` and `rasr.audio.Tape`."
    assert unknown_names(text) == [
        "rasr/session/round.py",
        "rasr/audio/wire.py",
        "rasr.house",
        "rasr.audio.Tape",
    ]
    known = "rasr/audio/buffer.py, `decoder/sherpa/`, `rasr.wire.dialect.Send.replaces`, `vad.kind`"
    assert unknown_names(known) == []


def test_the_page_of_accounts_has_every_right_and_every_open_path() -> None:
    paths: dict[str, list[str]] = {}
    for (method, path), right in RIGHTS.items():
        paths.setdefault(right.action, []).append(f"{method} `{path}`")
    rows = [row(f"`{action}`", ", ".join(of_it)) for action, of_it in paths.items()]
    rows += [row(f"`{path}`", reason) for path, reason in OPEN.items()]
    assert missing(rows, ACCOUNTS) == []


ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text("utf-8")


def test_the_architecture_has_the_rooms_in_the_order_of_the_import_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    (layers,) = [
        one["layers"] for one in contracts["contracts"] if one.get("containers") == ["rasr"]
    ]
    rooms = [name.strip() for layer in layers for name in layer.split("|")]
    section = ARCHITECTURE.split("## Rooms")[1].split("## Laws")[0]
    drawn = re.findall(r"^\| `rasr\.(\w+)` \|", section, re.MULTILINE)
    # The module that `python -m rasr` runs is no room.
    assert set(drawn) == set(rooms) - {"__main__"}
    place = {
        name.strip(): number for number, layer in enumerate(layers) for name in layer.split("|")
    }
    assert [place[name] for name in drawn] == sorted(place[name] for name in drawn)


def test_the_architecture_draws_the_states_of_a_connection_from_their_table() -> None:
    assert f"```mermaid\n{diagram()}\n```" in ARCHITECTURE


def test_the_glossary_is_short() -> None:
    words = re.findall(r"^\| (?!word|-)", ARCHITECTURE.split("## Glossary")[1], re.MULTILINE)
    assert 0 < len(words) <= 25
