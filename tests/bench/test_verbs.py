"""The verbs as they are called: for seconds, on the fake engine; all but the numbers."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bench.__main__ import main
from bench.capacity import Stage, met, slowdown
from bench.latency import Latency, Window
from bench.load_result import Clock, LoadResult
from bench.null_server import NullRecognition, running_null_server
from bench.servers import FAKE_ENGINE
from bench.wire_clients import SisClient

SHORT = ("--warm-up", "0", "--window", "2")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a verb; its JSON line, or its output where it fails."""
    monkeypatch.delenv("RASR_SPEECH_DIR", raising=False)
    config = tmp_path / "rasr.toml"
    config.write_text(FAKE_ENGINE + "[decoding]\nmax_rounds = 2\n[capacity]\nmax_load = 0\n")

    def run(verb: str, *arguments: str) -> dict[str, Any]:
        to, picture = tmp_path / "line.json", tmp_path / "picture.png"
        outputs = ("--json", str(to), "--plot", str(picture))
        result = call(verb, *(one.replace("CONFIG", str(config)) for one in arguments), *outputs)
        assert result.exit_code == 0, result.output
        assert picture.read_bytes().startswith(b"\x89PNG")
        (line,) = to.read_text().splitlines()
        assert str(to) in result.output
        told: dict[str, Any] = json.loads(line)
        return told

    return run


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_a_load_tells_what_became_of_every_stream_and_on_what_machine(bench: Any) -> None:
    line = bench("load", "2", "--config", "CONFIG", "--processes", "2", *SHORT)
    (load,) = line["figures"]["loads"]
    assert (load["clients"], load["streams"], load["ended"]) == (2, 2, 2)
    assert (load["refused"], load["errors"], load["lost"], load["doubled"]) == ({}, {}, 0, 0)
    assert load["server_cpu"] > 0
    assert load["words"] > 0
    assert line["settings"]["clients"] == [2]
    assert line["settings"]["window_s"] == 2.0
    assert set(line) == {"verb", "commit", "machine", "settings", "figures"}
    assert line["machine"]["packages"]["rasr"]


@pytest.mark.long
def test_more_clients_than_a_server_takes_are_refused_and_nothing_is_lost(bench: Any) -> None:
    line = bench("overload", "--config", "CONFIG", "--capacity", "ask", *SHORT)
    figures = line["figures"]
    assert figures["capacity"] == 2
    full, more, twice = figures["stages"]
    assert (full["admitted"], sum(full["refused"].values())) == (2, 0)
    assert (more["clients"], twice["clients"]) == (3, 4)
    assert (twice["admitted"], sum(twice["refused"].values())) == (2, 2)
    assert all("SIS.0312" in said for said in twice["refused"])
    assert all(
        (one["errors"], one["lost"], one["ended"]) == ({}, 0, 2) for one in (full, more, twice)
    )


def test_the_null_server_answers_each_step_at_once(bench: Any) -> None:
    line = bench("null", "2", "--turn", "0", *SHORT)
    (load,) = line["figures"]["loads"]
    assert (load["errors"], load["ended"]) == ({}, 2)
    # Two seconds have four whole steps; some are before or after the window.
    assert load["clocks"]["step"]["values"] >= 4


@pytest.mark.long
def test_a_search_tells_each_load_that_it_tried(bench: Any) -> None:
    with running_null_server() as server:
        line = bench(
            *("capacity", "--url", server.url, "--model", "measured", "--limit", "step=10000"),
            *("--start", "2", "--most", "3", "--resolution", "1", *SHORT),
        )
    figures = line["figures"]
    assert (figures["clients"], figures["limits_ms"]) == (3, {"chunk compute": 10000})
    assert [(one["clients"], one["held"]) for one in figures["loads"]] == [(2, True), (3, True)]


@pytest.mark.long
def test_one_speaker_is_measured_against_the_bars(bench: Any) -> None:
    figures = bench("speaker", "--config", "CONFIG", "--turn", "0", *SHORT)["figures"]
    assert figures["load"]["clients"] == 1
    assert figures["first_p50_ms"] is None or figures["first_p50_ms"] > -1000
    assert 10 < figures["server_megabytes"] < 2000


@pytest.mark.long
def test_calls_of_short_audio_are_timed_alone_and_beside_speakers(bench: Any) -> None:
    line = bench(
        *("short-audio", "--config", "CONFIG", "--calls", "3", "--speakers", "1"),
        *("--turn", "0", *SHORT),
    )
    figures = line["figures"]
    assert (figures["calls"], figures["errors"]) == (3, 0)
    assert 0 < figures["call_p50_ms"] <= figures["call_p95_ms"]
    assert figures["calls_beside"] >= 1
    assert len(figures["final_p95_ms"]) == 2


@pytest.mark.long
def test_speakers_are_measured_beside_jobs(bench: Any) -> None:
    figures = bench(
        *("jobs-beside-live", "--config", "CONFIG", "--minutes", "1", "--speakers", "1"),
        *("--turn", "0", *SHORT),
    )["figures"]
    assert figures["errors"] == 0
    assert len(figures["final_p95_ms"]) == 2


@pytest.mark.long
def test_a_long_recording_is_timed_alone_and_beside_speakers(bench: Any) -> None:
    line = bench(
        *("flash", "--config", "CONFIG", "--minutes", "0.5", "--speakers", "1"),
        *("--turn", "0", *SHORT),
    )
    figures = line["figures"]
    assert (figures["minutes"], figures["errors"]) == (0.5, 0)
    assert figures["speed"] == pytest.approx(30 / figures["took_s"])
    assert len(figures["final_p95_ms"]) == 2


@pytest.mark.long
def test_a_speaker_whose_connection_breaks_gets_the_same_finals(bench: Any) -> None:
    figures = bench("breaks", "--seconds", "8", "--every", "2")["figures"]
    assert (figures["breaks"], figures["wrong"]) == (3, 0)
    assert figures["finals"] >= 1
    assert 0 < figures["back_p50_ms"] <= figures["back_p95_ms"]


@pytest.mark.engine
@pytest.mark.long
def test_while_workers_die_everybody_is_answered_as_in_peace(bench: Any) -> None:
    line = bench(
        *("chaos", "--minutes", "0.1", "--clients", "2", "--workers", "2"),
        *("--every", "4", "--speed", "4", "--only", "rain", "--only", "idea"),
    )
    figures = line["figures"]
    assert (figures["not_answered"], figures["wrong"], figures["server_faults"]) == ({}, [], 0)
    assert figures["killed"] + figures["stopped"] >= 1
    assert figures["sentences"] >= figures["recordings"] >= 2
    assert figures["after"]["sessions"] == 0


@pytest.mark.long
def test_two_servers_are_searched_in_one_run_and_their_capacities_are_compared(
    bench: Any,
) -> None:
    line = bench(
        *("capacity", "--config", "CONFIG", "--versus", "CONFIG", "--required", "3"),
        *("--limit", "word=10000", "--limit", "final=10000", "--turn", "0"),
        *("--start", "1", "--most", "1", *SHORT),
    )
    figures = line["figures"]
    (versus,) = figures["versus"]
    assert set(figures["limits_ms"]) == set(versus["limits_ms"])
    assert [len(one["loads"]) for one in (figures, versus)] == [1, 1]


def test_a_server_that_carries_not_one_client_has_the_capacity_none(bench: Any) -> None:
    line = bench(
        *("capacity", "--url", "ws://127.0.0.1:1", "--start", "1", "--most", "1", *SHORT),
    )
    assert line["figures"]["clients"] == 0
    (load,) = line["figures"]["loads"]
    assert sum(load["errors"].values()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("load", "--url", "ws://a", "--config", __file__), "--config is for a server of our own"),
        (("load", "--url", "ws://a", "--model", "x"), "--model says 'measured' or nothing"),
        (("load", "--pid", "1"), "--pid goes with --url"),
        (("load", "--url", "ws://a", "--no-admission"), "--admission is for a server of our own"),
        (("load", "--url", "ws://a", "--server-path", "."), "--server-path is for a server of our"),
        (("soak", "--url", "ws://a", "--server-path", "."), "--server-path is for a server of our"),
        (("load", "--property", "german_16k_common"), "english or chinese"),
        (
            ("overload", "--capacity", "ask", "--url", "ws://127.0.0.1:1"),
            "give --capacity a number or 'find'",
        ),
        (("capacity", "--limit", "words=5"), "allowed: step, word, final, end"),
        (("capacity", "--versus", __file__, "--url", "ws://a"), "leave out --url and --model"),
        (("capacity", "--required", "3"), "--required goes with --versus"),
        (("overload", "--turn", "3", "--url", "ws://a"), "--turn is not for overload"),
        (("overload", "--capacity", "many", "--url", "ws://a"), "'many' is no capacity"),
        (("null", "--json", "/no/such/folder/x.json"), "its folder does not exist"),
    ],
)
def test_what_does_not_go_together_is_said_before_anything_is_measured(
    arguments: tuple[str, ...], said: str
) -> None:
    result = call(*arguments)
    assert result.exit_code != 0
    assert said in result.output


@pytest.mark.parametrize("verb", sorted(main.commands))
def test_every_verb_explains_itself_and_has_both_outputs(verb: str) -> None:
    result = call(verb, "--help")
    assert result.exit_code == 0
    assert result.output.count("--json") == 1
    assert result.output.count("--plot") == 1


def stage(factor: float, p95: float, **more: Any) -> Stage:
    known = {"streams": 10, "ended": 10} | more
    latencies = {Clock.STEP: (Latency(0, 1.0, p95),)}
    return Stage(factor, LoadResult(10, Window(0, 2), latencies, **known))


FULL = stage(1, 100.0)


def test_admitted_sessions_may_be_half_as_slow_again() -> None:
    refused = {"streams": 20, "refused": ("full",) * 10}
    assert slowdown(stage(2, 150.0, **refused), FULL, Clock.STEP) == 1.5
    assert met(stage(2, 150.0, **refused), FULL, Clock.STEP)
    assert not met(stage(2, 151.0, **refused), FULL, Clock.STEP)


@pytest.mark.parametrize(
    "fault", [{"errors": ("gone",)}, {"lost": 1}, {"doubled": 1}, {"ended": 9}]
)
def test_an_overload_that_loses_anything_does_not_meet_the_bar(fault: dict[str, Any]) -> None:
    known = {"streams": 20, "refused": ("full",) * 10} | fault
    assert not met(stage(2, 100.0, **known), FULL, Clock.STEP)


def test_a_server_that_refuses_nobody_does_not_meet_the_bar() -> None:
    assert not met(stage(2, 100.0, streams=20, ended=20), FULL, Clock.STEP)
    assert met(FULL, FULL, Clock.STEP)


def test_the_null_server_tells_each_step_once_however_its_sound_is_cut() -> None:
    client = SisClient("ws://a")

    def words(*pieces: int) -> list[str]:
        recognition, texts = NullRecognition(), []
        for piece in pieces:
            for message in recognition.audio(piece):
                (answer,) = client.read(0.0, json.dumps(message).encode())
                texts.append(answer.text)
        *_, end = recognition.end()
        assert client.is_over(json.dumps(end).encode())
        return texts

    assert words(*[1600] * 100) == words(160_000)
    assert len(words(160_000)) == 30


@pytest.mark.long
def test_the_fuzzers_of_every_parser_run_and_say_how_much_they_tried(bench: Any) -> None:
    line = bench("fuzz", "--minutes", "0", "--examples", "2")
    parsers = line["figures"]["parsers"]
    assert line["figures"]["turns"] == 1
    assert parsers.keys() >= {"wav", "ogg", "webm", "mp3", "adts", "start", "settings"}
    assert all(one["examples"] >= 2 and one["faults"] == 0 for one in parsers.values())


@pytest.mark.long
def test_a_busy_start_tells_how_many_are_admitted_when(tmp_path: Path) -> None:
    config, to = tmp_path / "rasr.toml", tmp_path / "line.json"
    config.write_text(FAKE_ENGINE + "[decoding]\nmax_rounds = 2\n[capacity]\nmax_load = 0\n")
    result = call(
        *("busy-start", "--busy", "1", "--seconds", "2", "--idle", "0"),
        *("--config", str(config), "--json", str(to)),
    )
    assert result.exit_code == 0, result.output
    figures = json.loads(to.read_text())["figures"]
    assert figures["wanted"] == 2
    assert [len(run["admitted_s"]) for run in figures["runs"]] == [2, 2, 2]
    assert all(run["refused"] and not run["failures"] for run in figures["runs"])
    assert "2 of 2 rounds are open" in result.output


@pytest.mark.long
@pytest.mark.skipif(find_spec("ray") is None, reason="needs Ray: make ray-for-tests")
def test_what_rays_proxy_costs_is_told_beside_the_server_itself(tmp_path: Path) -> None:
    to = tmp_path / "line.json"
    result = call("ray", "--clients", "2", *SHORT, "--json", str(to))
    assert result.exit_code == 0, result.output
    figures = json.loads(to.read_text())["figures"]
    for carried in (figures["direct"], figures["ray"]):
        assert carried["ended"] == carried["streams"] > 0
    assert figures["direct"]["proxy_ms"] == 0
    assert figures["ray"]["proxy_ms"] > 0


@pytest.mark.long
def test_live_speech_is_measured_alone_and_beside_speaking(bench: Any) -> None:
    line = bench("speaking", "--clients", "1", "--config", "CONFIG", *SHORT)
    figures = line["figures"]
    assert figures["spoken_bytes"] > 0
    assert set(figures["ratios"]) == {"first", "final"}
    assert figures["alone"]["clients"] == figures["beside"]["clients"] == 1
