"""`rasr doctor`: every check, what is wrong, what cures it, and how the command tells it."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import rasr as package
from rasr.cli import machine_checks, service_checks
from rasr.cli.config_options import configuration
from rasr.cli.findings import Finding, Status
from rasr.cli.machine import Memory
from rasr.cli.microphone import MicrophoneError
from rasr.models import store as stores
from rasr.models.catalogue import Catalogue
from rasr.models.store import Store, open_store
from rasr.server.certificate import self_signed
from rasr.server.service import Service
from rasr.settings import ServerSettings, Settings
from tests.cli.conftest import Rasr
from tests.models.archives import NAME
from tests.models.conftest import make_model, make_store, put
from tests.models.host import hosting
from tests.models.shelf import Shelf, wheel
from tests.models.test_packages import packed, shelf
from tests.processes import LONG_S
from tests.server.conftest import fake_settings

__all__ = ["shelf"]


def only(findings: Iterable[Finding]) -> Finding:
    (finding,) = findings
    return finding


@pytest.fixture
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which nothing is wrong, whatever runs the tests."""
    monkeypatch.setattr(machine_checks, "memory", lambda: Memory(8000, 4000))
    monkeypatch.setattr(machine_checks, "free_bytes", lambda folder: 10**10)
    monkeypatch.setattr(machine_checks, "may_write", lambda folder: True)
    monkeypatch.setattr(machine_checks, "list_devices", lambda: "  1  Desk microphone (48000 Hz)")
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (10**6, 10**6))
    monkeypatch.setenv("RASR_SERVER__PORT", "0")


def test_where_nothing_is_wrong_it_says_so_and_ends_with_0(rasr: Rasr, calm: None) -> None:
    result = rasr("doctor")
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith("\nNothing is wrong.\n")
    assert (
        "\nok     microphone   1 that can record: 1  Desk microphone (48000 Hz)\n" in result.stdout
    )
    assert "WRONG" not in result.stdout


def test_what_is_wrong_stands_with_its_cure_and_ends_with_1(
    rasr: Rasr, calm: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_checks, "free_bytes", lambda folder: 10**6)
    result = rasr("doctor")
    assert result.exit_code == 1
    assert ", for models, has room for 1 MB\n       → free some room" in result.stdout
    assert result.stdout.endswith("\n2 things are wrong.\n")


def test_scripts_read_the_findings_as_json(
    rasr: Rasr, calm: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = json.loads(rasr("doctor", "--json").stdout)
    assert (body["ok"], body["version"]) == (True, package.__version__)
    assert {one["check"] for one in body["findings"]} == {
        *("python", "settings", "models", "port", "memory", "cores", "descriptors", "folders"),
        *("microphone", "browser"),
    }
    assert all(one.keys() == {"check", "status", "message", "cure"} for one in body["findings"])
    monkeypatch.setenv("RASR_SERVER__PORT", "http")
    broken = rasr("doctor", "--json")
    assert broken.exit_code == 1
    assert json.loads(broken.stdout)["ok"] is False


def test_settings_that_cannot_be_used_do_not_keep_the_rest_from_being_looked_at(
    rasr: Rasr, calm: None, tmp_path: Path
) -> None:
    file = tmp_path / "rasr.toml"
    file.write_text("[sever]\nport = 1\n")
    result = rasr("doctor", "--config", file)
    assert result.exit_code == 1
    assert "WRONG  settings     the settings cannot be used:\n" in result.stdout
    assert f"file {file}: there is no setting sever; did you mean" in result.stdout
    assert "\nok     cores" in result.stdout


def test_settings_in_force_are_told_with_their_file(rasr: Rasr, tmp_path: Path) -> None:
    assert service_checks.settings_file(None, os.environ)[1] == Finding(
        "settings", Status.OK, "no file; the defaults are in force"
    )
    file = tmp_path / "rasr.toml"
    file.write_text("[server]\nport = 9000\n")
    configured, finding = service_checks.settings_file(file, os.environ)
    assert configured is not None
    assert configured.settings.server.port == 9000
    assert finding == Finding("settings", Status.OK, f"{file} can be used")


@pytest.mark.parametrize(
    ("version", "status"),
    [((3, 10, 9), Status.WRONG), ((3, 11, 0), Status.OK), ((4, 0), Status.OK)],
)
def test_an_old_python_is_wrong(version: tuple[int, ...], status: Status) -> None:
    assert only(machine_checks.python_version(version)).status is status


def test_this_python_is_not(rasr: Rasr) -> None:
    assert only(machine_checks.python_version()).status is Status.OK


# Models


def test_models_are_whole_damaged_incomplete_or_not_fetched_to_the_end(tmp_path: Path) -> None:
    damaged, broken, fetching = (
        make_model(name=name) for name in ("damaged", "broken", "fetching")
    )
    whole = make_model()
    store = make_store(tmp_path, whole, damaged, broken, fetching, make_model(name="absent"))
    for model in (whole, damaged, broken):
        put(store, model)
    (store.path(broken) / "tokens.txt").unlink()
    (store.path(damaged) / "rasr-model.json").write_text(
        json.dumps(
            {
                "name": "damaged",
                "kind": "streaming",
                "languages": ["chinese"],
                "archive": None,
                "source": "here",
                "bytes": 1,
                "sha256": None,
                "files": {"tokens.txt": {"bytes": 1, "sha256": "0" * 64}},
            }
        )
    )
    store.workplace(fetching).mkdir(parents=True)
    found = list(service_checks.models(None, store))
    assert [(one.status, one.message.partition(" is ")[0].split(" in ")[0]) for one in found] == [
        (Status.WRONG, "the model damaged"),
        (Status.WRONG, "the model broken"),
        (Status.NOTE, "a pull of fetching"),
        (Status.OK, f"installed and whole: {NAME}"),
    ]
    assert found[0].cure == "rasr models remove damaged, then rasr models pull damaged"


def test_english_without_the_default_model_is_wrong(
    rasr: Rasr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RASR_PROPERTIES__ENGLISH")
    finding = list(service_checks.models(configuration(None), open_store("", os.environ)))[-1]
    assert (finding.status, finding.cure) == (Status.WRONG, "rasr setup english")
    assert "every third word wrong" in finding.message


def test_packages_that_a_model_lacks_are_wrong(
    rasr: Rasr, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model = make_model(engine="whisper", kind="offline")
    monkeypatch.setattr(stores, "load", lambda: Catalogue((model,), ()))
    monkeypatch.setenv("RASR_MODELS__FOLDER", str(tmp_path / "models"))
    monkeypatch.setenv("RASR_PROPERTIES__CHINESE", NAME)
    monkeypatch.setattr(service_checks, "missing_packages", lambda model: ("one>=1",))
    store = open_store(str(tmp_path / "models"), os.environ)
    put(store, model)
    whole, lacking = service_checks.models(configuration(None), store)
    assert whole.status is Status.OK
    assert lacking.message == f"{NAME} is to serve, and lacks the packages one>=1"
    assert lacking.cure == f"{sys.executable} -m pip install 'one>=1'"


def test_memory_is_that_of_all_models_that_serve(tmp_path: Path) -> None:
    one, other = make_model(memory_mb=400), make_model(name="other", memory_mb=500)
    store = make_store(tmp_path, one, other)
    settings = Settings.model_validate(
        {"properties": {"chinese": {"live": NAME, "final": "other"}}}
    )
    assert service_checks.memory_needed(settings, store) == 720
    assert service_checks.memory_needed(Settings(), store) == 180


# The machine


@pytest.mark.parametrize(
    ("here", "running", "status"),
    [
        (Memory(8000, 500), False, Status.OK),
        (Memory(8000, 499), False, Status.WRONG),
        (Memory(8000, 499), True, Status.OK),
        (None, False, Status.NOTE),
    ],
)
def test_too_little_memory_is_wrong_unless_a_server_has_it_already(
    here: Memory | None, running: bool, status: Status, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_checks, "memory", lambda: here)
    assert only(machine_checks.room_in_memory(500, running=running)).status is status


@pytest.mark.parametrize(("here", "status"), [(1, Status.NOTE), (2, Status.OK)])
def test_one_core_is_little(here: int, status: Status) -> None:
    assert only(machine_checks.enough_cores(here)).status is status


@pytest.mark.parametrize(
    ("limits", "status"),
    [
        ((1024, 1024 * 1024), Status.OK),
        ((1024, resource.RLIM_INFINITY), Status.OK),
        ((4224, 4224), Status.OK),
        ((4223, 4223), Status.NOTE),
        ((143, 143), Status.WRONG),
    ],
)
def test_few_descriptors_leave_room_for_few_connections(
    limits: tuple[int, int], status: Status
) -> None:
    finding = only(machine_checks.descriptors(Settings(), limits))
    assert finding.status is status
    assert ("ulimit -n 4224" in finding.cure) == (status is not Status.OK)


@pytest.mark.parametrize(
    ("room", "writable", "statuses"),
    [
        (10**10, True, [Status.OK, Status.OK]),
        (10**8, True, [Status.WRONG, Status.WRONG]),
        (10**10, False, [Status.WRONG, Status.NOTE]),
    ],
)
def test_folders_want_room_and_leave_to_write(
    room: int,
    writable: bool,
    statuses: list[Status],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(machine_checks, "free_bytes", lambda folder: room)
    monkeypatch.setattr(machine_checks, "may_write", lambda folder: writable)
    found = list(machine_checks.folders(make_store(tmp_path), {"HOME": str(tmp_path)}))
    assert [one.status for one in found] == statuses


def test_a_missing_microphone_is_a_note_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise MicrophoneError("there is no device that records; connect a microphone")

    monkeypatch.setattr(machine_checks, "list_devices", none)
    finding = only(machine_checks.microphone())
    assert finding.status is Status.NOTE
    assert "there is no device that records" in finding.message


# Browser and port


@pytest.mark.parametrize(
    ("host", "said", "statuses"),
    [
        ("127.0.0.1", {}, [Status.OK]),
        ("localhost", {}, [Status.OK]),
        ("::1", {}, [Status.OK]),
        ("0.0.0.0", {}, [Status.WRONG, Status.NOTE]),
        ("0.0.0.0", {"auth": {"kind": "none"}}, [Status.NOTE]),
        ("0.0.0.0", {"auth": {"kind": "accounts"}}, [Status.NOTE]),
        ("0.0.0.0", {"oidc": {"issuer": "https://id.example"}}, [Status.NOTE]),
        ("0.0.0.0", {"store": {"url": "postgresql://db/rasr"}}, [Status.NOTE]),
        ("0.0.0.0", {"store": {"url": "mysql://db/rasr"}}, [Status.WRONG, Status.NOTE]),
    ],
)
def test_browsers_elsewhere_want_https_and_the_server_somebody_to_ask(
    host: str, said: dict[str, object], statuses: list[Status], tmp_path: Path
) -> None:
    settings = Settings.model_validate({"server": {"host": host}} | said)
    found = list(service_checks.browser(settings, {"XDG_DATA_HOME": str(tmp_path)}))
    assert [one.status for one in found] == statuses


def test_with_a_store_and_a_certificate_browsers_elsewhere_lack_nothing(tmp_path: Path) -> None:
    (tmp_path / "rasr" / "store").mkdir(parents=True)
    (tmp_path / "rasr" / "store" / "store.db").touch()
    settings = Settings(server=ServerSettings(host="0.0.0.0", tls_cert="a.pem", tls_key="b.pem"))
    found = only(service_checks.browser(settings, {"XDG_DATA_HOME": str(tmp_path)}))
    assert found.status is Status.OK


def test_a_free_port_is_left_free() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]
    for _ in range(2):
        running, finding = service_checks.port(ServerSettings(port=number))
        assert (running, finding.status) == (False, Status.OK)


def test_any_port_is_always_free() -> None:
    assert service_checks.port(ServerSettings(port=0))[1].status is Status.OK


def test_a_port_of_another_program_is_wrong() -> None:
    with hosting(b"not rasr") as host:
        running, finding = service_checks.port(ServerSettings(port=int(host.url.split(":")[-1])))
    assert (running, finding.status) == (False, Status.WRONG)
    assert "--port" in finding.cure


@pytest.mark.parametrize("is_secure", [False, True])
async def test_a_rasr_that_runs_there_is_told_with_its_version(
    is_secure: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cert = key = ""
    if is_secure:
        written = self_signed(("asr.lan",), datetime.now(UTC)).write(tmp_path)
        cert, key = map(str, written)
    server = {"port": 0, "tls_cert": cert, "tls_key": key}
    async with Service(fake_settings(server=server)) as service:
        port = int(service.url.rpartition(":")[2])
        settings = ServerSettings(port=port, tls_cert=cert, tls_key=key)
        running, same = await asyncio.to_thread(service_checks.port, settings)
    told = f"a rasr {package.__version__} runs at port {settings.port}"
    assert (running, same) == (True, Finding("port", Status.OK, told))
    monkeypatch.setattr(service_checks, "_running", lambda settings: {"version": "0.0.1"})
    running, other = service_checks.port(settings)
    assert (running, other.status, other.cure) == (True, Status.NOTE, "start the server anew")


# Network


@pytest.fixture
def reached(tmp_path: Path) -> Callable[[str], Store]:
    """A store with one model of the package index, and this address for everything else."""
    return lambda address: Store(
        tmp_path, Catalogue((packed(),), (address,), f"{address}/hub"), tmp_path
    )


def test_places_that_answer_are_fine_whatever_they_say(
    reached: Callable[[str], Store], shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    # pip takes a while to begin on a machine that is busy.
    monkeypatch.setattr(service_checks, "_PIP_S", LONG_S)
    monkeypatch.setattr(service_checks, "_NETWORK_S", LONG_S)
    shelf.put_wheel("some_weights-1.0-py3-none-any.whl", wheel({"a": b"b"}))
    # The host knows no HEAD, and says so: that is an answer.
    found = list(service_checks.network(reached(shelf.url)))
    assert [one.status for one in found] == [Status.OK] * 3


def test_places_that_do_not_answer_are_wrong_and_the_setting_for_a_mirror_is_named(
    reached: Callable[[str], Store], shelf: Shelf
) -> None:
    found = list(service_checks.network(reached("http://127.0.0.1:9")))
    assert [one.status for one in found] == [Status.WRONG] * 3
    assert found[0].message.startswith("pip gets nothing from its package index: ")
    assert "models.mirror" in found[1].cure
    assert "models.hub_mirror" in found[2].cure


def test_a_package_index_that_hangs_is_wrong(
    reached: Callable[[str], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    def hangs(command: list[str], **options: Any) -> None:
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(subprocess, "run", hangs)
    first = next(iter(service_checks.network(reached("http://127.0.0.1:9"))))
    assert (first.status, "no answer within 20 s" in first.message) == (Status.WRONG, True)


def test_without_pip_it_says_how_to_get_it(
    reached: Callable[[str], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    first = next(iter(service_checks.network(reached("http://127.0.0.1:9"))))
    assert first.cure == f"{sys.executable} -m ensurepip"


def test_the_network_is_looked_at_where_it_is_asked_for(
    rasr: Rasr, calm: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = iter([Finding("network", Status.WRONG, "away", "plug it in")])
    monkeypatch.setattr(service_checks, "network", lambda store: asked)
    assert rasr("doctor").exit_code == 0
    result = rasr("doctor", "--network")
    assert result.exit_code == 1
    assert "WRONG  network      away\n       → plug it in\n\n1 thing is wrong.\n" in result.stdout
