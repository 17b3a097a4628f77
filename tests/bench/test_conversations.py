"""The oracle of generated conversations: what it must find, shown on answers that were spoilt."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bench.__main__ import main
from bench.conversations.oracle import judge
from bench.conversations.player import Heard, play
from bench.conversations.script import SETTINGS, Ending, Message, Round, Script, script
from bench.conversations.sounds import Recording, Stretch, cut, heard
from rasr.audio import FORMATS
from rasr.client import Mode
from rasr.server.service import Service
from rasr.settings import Settings

Messages = list[dict[str, Any]]
END = Message('{"command":"END"}')
TALK = Recording(
    "pcm16k16bit",
    (
        Stretch(False, 300),
        Stretch(True, 900, 1000),
        Stretch(False, 1500, 500),
        Stretch(True, 700, 9000),
        Stretch(False, 900, 3000),
    ),
)


def spoken(mode: Mode, recording: Recording = TALK, ending: Ending = Ending.END) -> Script:
    """A conversation with one round, and with everything that can be asked for."""
    fields = {
        "audio_format": recording.audio_format,
        "property": "english_16k_common",
        "interim_results": "yes",
        "need_word_info": "yes",
        "warnings": "no",
    }
    wrong = Message("{", "SIS.0032", ("not JSON",))
    return Script(0, mode, (wrong, Round(fields, recording, (3200,), ending, END, True)))


@pytest.fixture
async def url() -> AsyncIterator[str]:
    sections = tomllib.loads(SETTINGS) | {"server": {"port": 0}}
    async with Service(Settings.model_validate(sections)) as service:
        yield service.url


def _first(messages: Messages, kind: str) -> int:
    return next(at for at, one in enumerate(messages) if kind in (one["resp_type"], _name(one)))


def _name(message: dict[str, Any]) -> str:
    if message["resp_type"] == "RESULT":
        return "final" if message["segments"][0]["is_final"] else "partial"
    return str(message.get("event", ""))


def _change(kind: str, change: Callable[[dict[str, Any]], object]) -> Callable[[Messages], object]:
    return lambda messages: change(messages[_first(messages, kind)])


def _segment(kind: str, change: Callable[[dict[str, Any]], object]) -> Callable[[Messages], object]:
    return _change(kind, lambda message: change(message["segments"][0]))


def _swap(one: str, other: str) -> Callable[[Messages], object]:
    def swap(messages: Messages) -> None:
        a, b = _first(messages, one), _first(messages, other)
        messages[a], messages[b] = messages[b], messages[a]

    return swap


def _lose(kind: str) -> Callable[[Messages], object]:
    return lambda messages: messages.pop(_first(messages, kind))


def _double(kind: str) -> Callable[[Messages], object]:
    def double(messages: Messages) -> None:
        at = _first(messages, kind)
        messages.insert(at, copy.deepcopy(messages[at]))

    return double


def _later(ms: int) -> Callable[[dict[str, Any]], None]:
    def later(segment: dict[str, Any]) -> None:
        for one in (segment, *segment["result"]["word_info"]):
            one["start_time"] += ms
            one["end_time"] += ms

    return later


def _lose_word(segment: dict[str, Any]) -> None:
    segment["result"]["text"] = " ".join(segment["result"]["text"].split()[:-1])
    segment["result"]["word_info"].pop()
    segment["end_time"] = segment["result"]["word_info"][-1]["end_time"]


def _other_word(segment: dict[str, Any]) -> None:
    words = segment["result"]["text"].split()
    segment["result"]["text"] = " ".join([*words[:-1], "other"])
    segment["result"]["word_info"][-1]["word"] = "other"


SPOILT: dict[str, Callable[[Messages], object]] = {
    "START is lost": _lose("START"),
    "END is lost": _lose("END"),
    "END comes twice": _double("END"),
    "a final is lost": _lose("final"),
    "a final comes twice": _double("final"),
    "the answer to a wrong message is lost": _lose("ERROR"),
    "the answer comes twice": _double("ERROR"),
    "the answer comes late": _swap("ERROR", "START"),
    "a result comes before START": _swap("START", "partial"),
    "a result comes behind END": _swap("final", "END"),
    "no trace_id": _change("final", lambda one: one.pop("trace_id")),
    "another trace_id": _change("final", lambda one: one.update(trace_id="another")),
    "another code": _change("ERROR", lambda one: one.update(error_code="SIS.0031")),
    "a text that says nothing": _change("ERROR", lambda one: one.update(error_msg="invalid")),
    "another reason": _change("END", lambda one: one.update(reason="ERROR")),
    "a word is lost": _segment("final", _lose_word),
    "a word is another": _segment("final", _other_word),
    "words are moved": _segment("final", _later(250)),
    "words are moved by a sample's worth": _segment("final", _later(1)),
    "a score of 2": _segment("final", lambda one: one["result"].update(score=2)),
    "no word_info": _segment("final", lambda one: one["result"].pop("word_info")),
    "a final says how much of it is stable": _segment(
        "final", lambda one: one["result"].update(stable=1)
    ),
    "a partial that turns out otherwise": _segment(
        "partial", lambda one: one["result"].update(text="other", word_info=[])
    ),
}


@pytest.mark.parametrize("mode", [Mode.CONTINUE, Mode.SHORT, Mode.SENTENCE])
async def test_the_oracle_finds_each_fault_and_none_where_there_is_none(
    url: str, mode: Mode
) -> None:
    told = spoken(mode)
    came = await play(url, told)
    assert judge(told, came) == []
    missed = []
    for fault, spoil in SPOILT.items():
        messages = copy.deepcopy(came.messages)
        spoil(messages)
        if not judge(told, Heard(messages, 1000)):
            missed.append(fault)
    assert missed == []


@pytest.mark.parametrize(
    ("fault", "spoil"),
    [
        ("VOICE_START is lost", _lose("VOICE_START")),
        ("VOICE_END is lost", _lose("VOICE_END")),
        ("VOICE_END comes twice", _double("VOICE_END")),
        ("VOICE_END comes before the final", _swap("VOICE_END", "final")),
        (
            "another event",
            _change("VOICE_END", lambda one: one.update(event="EXCEEDED_AUDIO")),
        ),
        ("an event of nowhere", _change("VOICE_END", lambda one: one.update(event="NOISE"))),
        ("an event out of time", _change("VOICE_END", lambda one: one.update(timestamp=9_999_999))),
    ],
)
async def test_it_finds_faults_of_events(
    url: str, fault: str, spoil: Callable[[Messages], object]
) -> None:
    told = spoken(Mode.SENTENCE)
    came = await play(url, told)
    assert judge(told, came) == []
    spoil(came.messages)
    assert judge(told, came) != [], fault


async def test_it_finds_what_nobody_asked_for(url: str) -> None:
    asked = spoken(Mode.CONTINUE)
    came = await play(url, asked)
    (wrong, one) = asked.steps
    assert isinstance(one, Round)
    for name in ("interim_results", "need_word_info"):
        less = Round(
            {**one.fields, name: "no"}, one.recording, one.sizes, one.ending, one.last, True
        )
        assert judge(Script(0, asked.mode, (wrong, less)), came) != []


async def test_it_finds_a_pause_that_ends_nothing_and_one_that_should_not(url: str) -> None:
    for tail, other in ((3000, 500), (500, 3000)):
        told = spoken(Mode.CONTINUE)
        (wrong, one) = told.steps
        assert isinstance(one, Round)
        asked, judged = (
            Round({**one.fields, "vad_tail": ms}, one.recording, one.sizes, one.ending, END, True)
            for ms in (tail, other)
        )
        came = await play(url, Script(0, told.mode, (wrong, asked)))
        assert judge(Script(0, told.mode, (wrong, asked)), came) == []
        assert judge(Script(0, told.mode, (wrong, judged)), came) != []


async def test_it_finds_audio_that_was_lost_or_doubled_on_the_way(url: str) -> None:
    told = spoken(Mode.CONTINUE)
    one = told.steps[1]
    assert isinstance(one, Round)
    speech = one.recording.stretches
    shorter = Stretch(True, speech[1].ms - 100, speech[1].at_ms)
    doubled = (*speech[:2], speech[1], *speech[2:])
    for stretches in ((speech[0], shorter, *speech[2:]), doubled):
        other = Recording("pcm16k16bit", stretches)
        came = await play(url, spoken(Mode.CONTINUE, other))
        assert judge(told, came) != []


async def test_it_finds_an_answer_that_never_came_and_a_close_that_should_not_be(url: str) -> None:
    told = spoken(Mode.CONTINUE)
    came = await play(url, told)
    assert judge(told, Heard(came.messages, 1000, "END")) == ["END did not come"]
    assert judge(told, Heard(came.messages, 1011)) != []


async def test_a_failure_of_the_engine_is_told_and_a_silent_one_is_found(url: str) -> None:
    failing = Recording("pcm16k16bit", TALK.stretches, fails=True)
    told = spoken(Mode.CONTINUE, failing, Ending.FAILS)
    came = await play(url, told)
    assert judge(told, came) == []
    came.messages = [one for one in came.messages if one.get("error_code") != "SIS.0305"]
    assert judge(told, came) != []


def test_the_same_seed_is_the_same_conversation_and_another_is_another() -> None:
    assert script(7) == script(7)
    assert script(7) != script(8)


def test_the_scripts_have_every_mode_ending_and_format() -> None:
    scripts = [script(seed) for seed in range(400)]
    rounds = [one for told in scripts for one in told.steps if isinstance(one, Round)]
    assert {told.mode for told in scripts} == set(Mode)
    assert {one.ending for one in rounds} == set(Ending)
    raw = {one.recording.audio_format for one in rounds}
    assert raw == {name for name in raw if name in FORMATS}
    assert len(raw) == 6
    assert any(one.recording.ms > 60_000 for one in rounds)


def test_no_stretch_of_speech_repeats_and_pieces_are_all_of_it() -> None:
    data = TALK.encoded()
    assert b"".join(cut(data, (1, 7, 4000))) == data
    samples = heard(data, "pcm16k16bit")
    blocks = {samples[at : at + 4000].tobytes() for at in range(0, len(samples) - 4000, 4000)}
    assert len(blocks) == (len(samples) - 1) // 4000


def test_the_verb_holds_them_with_a_server_of_its_own(tmp_path: Path) -> None:
    line = tmp_path / "line.json"
    asked = ("conversations", "--count", "30", "--seed", "5", "--json", str(line))
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 0, done.output
    figures = json.loads(line.read_text("utf-8"))["figures"]
    assert figures["conversations"] == 30
    assert (figures["faulty"], figures["held"]) == (0, {})
    assert figures["slowest_s"] > 0
