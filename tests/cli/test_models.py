"""`rasr models` at a terminal, and what `rasr config` and `rasr serve` make of models."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import signal
import sys
import threading
import tomllib
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from click.testing import Result

from rasr.cli.server import private
from rasr.models import store as stores
from rasr.models.catalogue import Catalogue
from rasr.settings import Served, Settings
from rasr.wire.sis.properties import Property
from tests.cli.conftest import Rasr
from tests.models.archives import NAME, STEM, contents, release, written
from tests.models.conftest import make_model, make_store, put, tree
from tests.models.host import Host, breaking, hosting, once, ranged, silent

RELEASE = release()
TINY = make_model(name="tiny", bundled=True, archive=None)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rasr: Rasr) -> Callable[..., Result]:
    """`rasr models …` with a catalogue of one model, in a folder of the test."""
    model = make_model(RELEASE)
    catalogue = Catalogue((model, TINY), ("http://127.0.0.1:9",))
    monkeypatch.setattr(stores, "load", lambda: catalogue)
    return lambda *arguments, **options: rasr(
        "models", "--folder", tmp_path / "models", *arguments, **options
    )


@pytest.fixture
def mirrored(monkeypatch: pytest.MonkeyPatch) -> Callable[[Host], None]:
    return lambda host: monkeypatch.setenv("RASR_MODELS__MIRROR", host.url)


def test_a_model_is_listed_pulled_checked_and_removed(
    models: Callable[..., Result], mirrored: Callable[[Host], None], tmp_path: Path
) -> None:
    listed = models("list").stdout.splitlines()
    assert listed[0].split() == ["NAME", "KIND", "STATE", "DOWNLOAD", "LANGUAGES", "GOOD", "FOR"]
    assert re.fullmatch(
        rf"{NAME} +streaming +not installed +0 MB +chinese, english +tests", listed[1]
    )
    with hosting(RELEASE) as host:
        mirrored(host)
        pulled = models("pull", NAME)
    assert pulled.exit_code == 0, pulled.output
    assert pulled.stdout.splitlines() == [
        f"{NAME} is installed in {tmp_path}/models/{NAME}",
        f"Serve it: rasr serve --model {NAME}",
    ]
    assert pulled.stderr.splitlines() == ["fetching …", "verifying …", "unpacking …"]
    assert " installed " in models("list").stdout.splitlines()[1]
    checked = models("check", NAME)
    assert checked.stdout == f"{NAME} is whole: 6 files are as they were installed\n"
    (tmp_path / "models" / NAME / "tokens.txt").write_text("?")
    damaged = models("check", NAME)
    assert damaged.exit_code == 1
    assert "is damaged:\n  tokens.txt has 1 bytes, and had " in damaged.stderr
    removed = models("remove", NAME)
    assert removed.stdout == f"{tmp_path}/models/{NAME} is deleted\n"
    assert models("remove", NAME).exit_code == 1


def test_a_pull_that_broke_is_continued_by_the_same_command(
    models: Callable[..., Result], mirrored: Callable[[Host], None]
) -> None:
    with hosting(RELEASE, once(breaking(70_000), silent)) as host:
        mirrored(host)
        broken = models("pull", NAME)
        assert broken.exit_code == 1
        assert f"rasr models pull {NAME} --from FILE" in broken.stderr
        assert "Traceback" not in broken.output
        host.answer = ranged
        assert models("pull", NAME).exit_code == 0
        assert host.asked[-1] == "bytes=70000-"


def test_what_a_broken_pull_left_is_removed_and_called_that(
    models: Callable[..., Result], mirrored: Callable[[Host], None], tmp_path: Path
) -> None:
    with hosting(RELEASE, once(breaking(70_000), silent)) as host:
        mirrored(host)
        models("pull", NAME)
    removed = models("remove", NAME)
    assert removed.stdout == (
        f"{NAME} was not installed; what a pull had fetched of it is deleted\n"
    )
    assert not (tmp_path / "models" / "downloads" / NAME).exists()
    assert models("remove", NAME).exit_code == 1


def test_a_script_may_pull_what_can_be_had(
    models: Callable[..., Result], mirrored: Callable[[Host], None]
) -> None:
    failed = models("pull", "--if-possible", NAME)
    assert (failed.exit_code, failed.stdout) == (0, "")
    fetching, why = failed.stderr.splitlines()
    assert fetching == "fetching …"
    assert re.fullmatch(
        rf"{NAME} could not be had \(http://127\.0\.0\.1:9/{STEM}\.tar\.bz2: .*\); "
        rf"later: rasr models pull {NAME}",
        why,
    )
    with hosting(RELEASE) as host:
        mirrored(host)
        assert "is installed in" in models("pull", "--if-possible", NAME).stdout
    again = models("pull", "--if-possible", NAME)
    assert (again.exit_code, again.output) == (0, "")
    assert models("pull", "--if-possible", "unheard").exit_code == 1


def test_without_the_default_model_it_is_told_what_serves_english(
    models: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_model(RELEASE, default=True, kind="offline", engine="moonshine")
    monkeypatch.setattr(stores, "load", lambda: Catalogue((model,), ()))
    archive = written(tmp_path / "archive", RELEASE[:-1])
    failed = models("pull", "--if-possible", NAME, "--from", archive)
    assert failed.exit_code == 0
    assert failed.stderr.splitlines()[-1].endswith(
        "fetch it anew). English is served by PocketSphinx, which gets about every third word "
        f"wrong: rasr setup english brings the default model, {NAME}"
    )


def test_make_fetches_the_default_model() -> None:
    default = stores.open_store("", os.environ).catalogue.default_english
    assert default is not None
    makefile = (Path(__file__).parents[2] / "Makefile").read_text("utf-8")
    assert f"rasr models pull --if-possible {default.name}\n" in makefile


def test_serve_says_that_the_default_model_is_missing(
    rasr: Rasr, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(
        "rasr.server.serve.serve", lambda settings, on_ready, *_: on_ready("Open it")
    )
    monkeypatch.delenv("RASR_PROPERTIES__ENGLISH")
    monkeypatch.setenv("RASR_MODELS__FOLDER", str(tmp_path / "models"))
    first, better = rasr("serve").stdout.splitlines()
    assert first == "Open it"
    assert "rasr setup english brings the default model, moonshine-tiny-en" in better
    store = stores.open_store(str(tmp_path / "models"), os.environ)
    default = store.catalogue.get("moonshine-tiny-en")
    store.path(default).mkdir(parents=True)
    for name in default.required:
        (store.path(default) / name).touch()
    assert rasr("serve").stdout == "Open it\n"
    printed = [" ".join(line.split()) for line in rasr("config").stdout.splitlines()]
    assert 'english = "moonshine-tiny-en" # installed model moonshine-tiny-en' in printed


def test_a_release_file_is_installed_from_disk(
    models: Callable[..., Result], tmp_path: Path
) -> None:
    archive = written(tmp_path / "archive", RELEASE)
    assert models("pull", NAME, "--from", archive).exit_code == 0
    assert models("pull", NAME, "--from", tmp_path / "gone").exit_code == 2


def test_all_that_is_known_of_a_model_is_shown(
    models: Callable[..., Result], tmp_path: Path
) -> None:
    archive = written(tmp_path / "archive", RELEASE)
    models("pull", NAME, "--from", archive)
    shown = models("show", STEM).stdout
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    for line in (
        "languages chinese, english",
        "rate 16000 Hz",
        "licence Apache-2.0",
        "speed unknown",
        "error rate none published that is known here",
        "state installed",
        f"address http://127.0.0.1:9/{STEM}.tar.bz2",
        f"came from {archive}",
    ):
        assert line in lines


def test_of_many_languages_a_few_are_listed(
    models: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_model(languages=("one", "two", "three", "four", "five", "six", "seven"))
    monkeypatch.setattr(stores, "load", lambda: Catalogue((model,), ()))
    assert " one, two, three, four, five and 2 more  tests" in models("list").stdout
    assert "one, two, three, four, five, six, seven" in models("show", NAME).stdout


def test_a_bundled_model_is_listed_as_such(models: Callable[..., Result], rasr: Rasr) -> None:
    assert "tiny" in models("list").stdout
    assert models("pull", "tiny").exit_code == 1


@pytest.mark.parametrize("command", ["show", "pull", "check", "remove"])
def test_a_name_that_nobody_knows_is_told_with_where_to_look(
    models: Callable[..., Result], command: str
) -> None:
    result = models(command, "unheard")
    assert result.exit_code == 1
    assert "there is no model 'unheard'; rasr models list shows which there are" in result.stderr


async def test_ctrl_c_at_a_terminal_leaves_nothing_half_installed(tmp_path: Path) -> None:
    """A process of its own, on a terminal of its own, stopped while it fetches."""
    loop = asyncio.get_running_loop()
    fetching = asyncio.Event()

    def stall(request: object) -> None:
        loop.call_soon_threadsafe(fetching.set)
        ranged(request, most=70_000)  # type: ignore[arg-type]
        stopped.wait()

    stopped = threading.Event()
    ours, theirs = pty.openpty()
    script = (
        "import sys\n"
        "from rasr.models import store\n"
        "from rasr.models.catalogue import Catalogue\n"
        "from tests.models.conftest import make_model\n"
        "address = sys.argv.pop(1)\n"
        "store.load = lambda: Catalogue((make_model(),), (address,))\n"
        "from rasr.cli import main\n"
        "main()\n"
    )
    with hosting(RELEASE, stall) as host:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", script, host.url, "models"),
            *("--folder", str(tmp_path), "pull", NAME),
            stdout=asyncio.subprocess.PIPE,
            stderr=theirs,
            env=os.environ | {"TERM": "xterm", "COLUMNS": "100"},
        )
        os.close(theirs)
        try:
            async with asyncio.timeout(60):
                await fetching.wait()
                screen = b""
                while b"fetching" not in screen:
                    screen += await loop.run_in_executor(None, os.read, ours, 4096)
            process.send_signal(signal.SIGINT)
            out, _ = await process.communicate()
        finally:
            stopped.set()
            os.close(ours)
    assert process.returncode == 1
    assert out == b""
    assert not (tmp_path / NAME).exists()
    assert "unpacked" not in "".join(tree(tmp_path))


async def test_sigterm_ends_the_program_that_fetches_a_package_too(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    stopped = threading.Event()

    def stall(request: object) -> None:
        loop.call_soon_threadsafe(asked.set)
        stopped.wait()

    script = (
        "from rasr.models import store\n"
        "from rasr.models.catalogue import Catalogue\n"
        "from tests.models.test_packages import one_package\n"
        "store.load = lambda: Catalogue((one_package(),), ())\n"
        "from rasr.cli import main\n"
        "main()\n"
    )
    with hosting(b"", stall) as host:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", script, "models", "--folder", str(tmp_path), "pull", NAME),
            stderr=asyncio.subprocess.DEVNULL,
            env=os.environ | {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": f"{host.url}/simple"},
        )
        try:
            async with asyncio.timeout(60):
                await asked.wait()
                (pip,) = psutil.Process(process.pid).children()  # type: ignore[no-untyped-call]
                process.terminate()
                await process.wait()
            assert not pip.is_running()
        finally:
            stopped.set()
    assert process.returncode == 128 + signal.SIGTERM
    assert "incoming" not in "".join(tree(tmp_path))


def test_config_shows_what_models_serve(
    rasr: Rasr, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("RASR_PROPERTIES__ENGLISH")
    monkeypatch.setenv("RASR_MODELS__FOLDER", str(tmp_path / "models"))
    real = stores.open_store("", os.environ).catalogue
    put(make_store(tmp_path, *real.models), real.get("zipformer-zh"))
    for name in real.get("zipformer-zh").files:
        (tmp_path / "models" / "zipformer-zh" / name).touch()
    printed = rasr("config").stdout
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    assert 'chinese = "zipformer-zh" # installed model zipformer-zh' in lines
    assert f'model = "{tmp_path}/models/zipformer-zh" # installed model zipformer-zh' in lines
    # Given back, it is the same, and nothing is looked for any more.
    file = written(tmp_path / "back.toml", printed.encode())
    again = rasr("config", "--config", file).stdout
    assert Settings.model_validate(tomllib.loads(again)) == Settings.model_validate(
        tomllib.loads(printed)
    )
    named = rasr("config", "--model", "english=zipformer-zh").stdout
    assert tomllib.loads(named)["properties"] == {"english": "zipformer-zh"}


def test_serve_refuses_a_model_that_is_not_installed(rasr: Rasr) -> None:
    result = rasr("serve", "--model", "zipformer-zh-en", "--port", "0")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "Loading …",
        "Error: the settings cannot be used:",
        "  flag --model zipformer-zh-en: the model zipformer-zh-en is not installed; fetch it "
        "with: rasr models pull zipformer-zh-en",
    ]


def test_serve_hands_the_folder_of_a_model_to_its_engine(
    rasr: Rasr, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started: list[Settings] = []
    monkeypatch.setattr("rasr.server.serve.serve", lambda settings, *_: started.append(settings))
    folder = tmp_path / "mine"
    for name, content in contents(100).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    result = rasr("serve", "--model", f"cantonese={folder}", "--port", "0")
    assert result.exit_code == 0, result.output
    (settings,) = started
    # The fixture's environment maps English: that entry stays beside the flag's.
    assert settings.properties == {"english": "fake", "cantonese": "mine"}
    assert settings.engines["mine"].options == {"model": str(folder)}


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        ("chinese_8k_bank", {"chinese": "a", "chinese_8k": "b"}),
        ("chinese_16k_common", {"chinese": "a"}),
        ("english_16k_common", {"english": "c", "english_16k_common": "d"}),
        ("welsh_16k_common", {"chinese", "chinese_8k", "english", "english_16k_common"}),
    ],
)
def test_a_server_for_one_command_loads_only_what_may_serve_it(
    wanted: str, kept: dict[str, str] | set[str]
) -> None:
    served: dict[str, Served] = {
        "chinese": "a",
        "chinese_8k": "b",
        "english": "c",
        "english_16k_common": "d",
    }
    asked = Property.parse(wanted)
    assert asked is not None
    found = private(Settings(properties=served), asked).properties
    assert found == (kept if isinstance(kept, dict) else served)
