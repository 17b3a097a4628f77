"""What holds for every conversation, however odd."""

from __future__ import annotations

import json
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from rasr.wire.dialect import Farewell
from rasr.wire.sis.modes import Mode
from tests.recognition.talk import hush, speech
from tests.wire.sis.conversation import Conversation

_modes = st.sampled_from(list(Mode))
_PROFILE = settings(max_examples=60)


def _actions() -> st.SearchStrategy[Callable[[Conversation], object]]:
    def engine(talk: Conversation, what: str, which: int) -> None:
        if not talk.open:
            return
        number = talk.open[which % len(talk.open)]
        if what == "final" and number in talk.finished:
            talk.final("some words", utterance=number)
        elif what == "partial":
            talk.partial("some", utterance=number)
        elif what == "fail":
            talk.fail()

    return st.one_of(
        st.just(lambda talk: talk.start(interim_results="yes", vad_tail=200, max_seconds=1)),
        st.just(lambda talk: talk.start(resume="yes")),
        st.integers(-1, 9).map(lambda seq: lambda talk: talk.command("ACK", seq=seq)),
        st.sampled_from(["token", "", None]).map(
            lambda token: lambda talk: talk.command("RESUME", token=token, seq=0)
        ),
        st.sampled_from([None, True, "true", False, 7]).map(
            lambda cancel: lambda talk: talk.end(cancel)
        ),
        st.tuples(st.integers(0, 1500), st.integers(0, 600)).map(
            lambda ms: lambda talk: talk.audio(speech(ms[0]), hush(ms[1]))
        ),
        st.binary(max_size=2000).map(lambda data: lambda talk: talk.audio(data)),
        st.text(max_size=60).map(lambda text: lambda talk: talk.text(text)),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: st.dictionaries(
                st.sampled_from(["command", "config", "cancel", "vad_tail", "START", "END"]), inner
            ),
            max_leaves=6,
        ).map(lambda value: lambda talk: talk.text(json.dumps(value))),
        st.tuples(st.sampled_from(["final", "partial", "fail"]), st.integers(0, 3)).map(
            lambda what: lambda talk: engine(talk, *what)
        ),
        st.floats(0, 12).map(lambda seconds: lambda talk: talk.wait(seconds)),
        st.just(lambda talk: talk.shut_down(Farewell.RETIREMENT)),
        st.just(lambda talk: talk.shut_down()),
        st.just(lambda talk: talk.shut_down(Farewell.NOT_KNOWN)),
    )


@_PROFILE
@given(mode=_modes, actions=st.lists(_actions(), max_size=25))
def test_random_orders_never_raise_and_always_end_closed_with_nothing_held(
    mode: Mode, actions: list[Callable[[Conversation], object]]
) -> None:
    talk = Conversation(mode)
    for action in actions:
        action(talk)
    talk.leave()
    talk.leave()
    assert talk.closed
    assert talk.conversation.deadline() is None
    assert talk.open == []


@_PROFILE
@given(mode=_modes, actions=st.lists(_actions(), max_size=25))
def test_each_round_ends_once_and_nothing_comes_outside_of_it_but_errors(
    mode: Mode, actions: list[Callable[[Conversation], object]]
) -> None:
    talk = Conversation(mode)
    for action in actions:
        action(talk)
    open_round: str | None = None
    fatal = False
    for message in talk.messages():
        assert not fatal, "nothing follows FATAL_ERROR"
        match message["resp_type"]:
            case "START":
                assert open_round is None
                open_round = message["trace_id"]
            case "RESULT" | "EVENT":
                assert message["trace_id"] == open_round
            case "END":
                assert message["trace_id"] == open_round
                open_round = None
            case "FATAL_ERROR":
                fatal = True
            case "ERROR":
                assert open_round in (None, message["trace_id"])


@_PROFILE
@given(
    mode=_modes,
    parts=st.lists(st.tuples(st.integers(20, 900), st.integers(20, 700)), min_size=1, max_size=4),
    cuts=st.lists(st.integers(1, 9000), min_size=1, max_size=12),
)
def test_the_same_sound_cut_anyhow_gives_the_same_utterances_and_messages(
    mode: Mode, parts: list[tuple[int, int]], cuts: list[int]
) -> None:
    audio = b"".join(hush(silence) + speech(loud) for loud, silence in parts) + hush(600)
    config = {"vad_tail": 300, "max_seconds": 1}
    whole = Conversation(mode).start(**config).audio(audio, chunk=len(audio)).end()
    pieces = Conversation(mode).start(**config)
    at = 0
    for cut in cuts:
        pieces.audio(audio[at : at + cut])
        at += cut
    pieces.audio(audio[at:]).end()
    given = [[talk.audio_of(number) for number in talk.decoded] for talk in (whole, pieces)]
    assert given[0] == given[1]
    for talk in (whole, pieces):
        for number in list(talk.open):
            talk.final(f"words {number}", utterance=number)
    assert pieces.told() == whole.told()
