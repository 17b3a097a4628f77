"""Who said what, how fast, in which mood: a function of what was recognised and what is asked."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder.joining import join_words
from rasr.recordings.analysis import Turn, analyse
from rasr.recordings.analysis.calls import emotion_of, speed_of
from rasr.recordings.analysis.voices import by_voice
from rasr.wire.sis.analysis import AnalysisOptions, ChannelRule, Emotion, Role, read_analysis
from rasr.wire.sis.errors import ProtocolError
from rasr.wire.sis.messages import Segment, WordInfo


def segment(text: str, start: int, end: int, *, words: bool = True, emotion: str = "") -> Segment:
    """A final whose words share its time evenly."""
    parts = text.split() if " " in text or text.isascii() else list(text)
    each = (end - start) // max(1, len(parts))
    spoken = tuple(
        WordInfo(one, start + number * each, start + (number + 1) * each)
        for number, one in enumerate(parts)
    )
    return Segment(
        text=text,
        start_time=start,
        end_time=end,
        is_final=True,
        score=0.9,
        word_info=spoken if words else None,
        emotion=emotion,
    )


HELLO = segment("good morning", 0, 1000)
ORDER = segment("my order is late", 1500, 3000)
SORRY = segment("i am sorry", 3200, 4000)


@pytest.mark.parametrize(
    ("rule", "roles"),
    [
        (ChannelRule.LEFT_AGENT, [Role.AGENT, Role.USER, Role.AGENT]),
        (ChannelRule.RIGHT_AGENT, [Role.USER, Role.AGENT, Role.USER]),
    ],
)
@pytest.mark.parametrize("diarization", [True, False])
def test_channels_say_who_speaks(rule: ChannelRule, roles: list[Role], diarization: bool) -> None:
    options = AnalysisOptions(channel=rule, diarization=diarization)
    found = analyse([[HELLO, SORRY], [ORDER]], options)
    assert [one.segment.text for one in found] == ["good morning", "my order is late", "i am sorry"]
    assert [one.info.role for one in found] == roles
    assert {one.info.speaker for one in found} == {None}


def test_a_single_channel_stands_for_both() -> None:
    found = analyse([[HELLO, ORDER]], AnalysisOptions(channel=ChannelRule.LEFT_AGENT))
    assert [(one.segment.text, one.info.role) for one in found] == [
        ("good morning", Role.AGENT),
        ("good morning", Role.USER),
        ("my order is late", Role.AGENT),
        ("my order is late", Role.USER),
    ]


@pytest.mark.parametrize(
    ("rule", "channels", "read"),
    [
        (ChannelRule.MONO, 1, (None,)),
        (ChannelRule.MONO, 2, (None,)),
        (ChannelRule.LEFT_AGENT, 2, (0, 1)),
        (ChannelRule.RIGHT_AGENT, 6, (0, 1)),
        (ChannelRule.LEFT_AGENT, 1, (0,)),
    ],
)
def test_the_rule_says_which_channels_are_read(
    rule: ChannelRule, channels: int, read: tuple[int | None, ...]
) -> None:
    assert AnalysisOptions(channel=rule).channels_of(channels) == read


def test_without_turns_nobody_is_told_apart() -> None:
    (found,) = analyse([[HELLO]], AnalysisOptions())
    assert (found.info.role, found.info.speaker) == (None, None)
    (found,) = analyse([[HELLO]], AnalysisOptions(diarization=False), [Turn(1, 0, 1000)])
    assert (found.info.role, found.info.speaker) == (None, None)


def test_two_voices_are_an_agent_and_a_customer() -> None:
    turns = [Turn(7, 0, 1100), Turn(3, 1400, 3100), Turn(7, 3150, 4100)]
    found = analyse([[HELLO, ORDER, SORRY]], AnalysisOptions(), turns)
    assert [(one.info.speaker, one.info.role) for one in found] == [
        (0, Role.AGENT),
        (1, Role.USER),
        (0, Role.AGENT),
    ]


def test_a_meeting_has_speakers_and_no_agent() -> None:
    turns = [Turn(0, 0, 1100), Turn(1, 1400, 3100), Turn(2, 3150, 4100)]
    found = analyse([[HELLO, ORDER, SORRY]], AnalysisOptions(), turns)
    assert [(one.info.speaker, one.info.role) for one in found] == [
        (0, None),
        (1, None),
        (2, None),
    ]


def test_a_sentence_of_two_voices_is_cut_at_a_word() -> None:
    both = segment("how are you fine thanks", 0, 5000)
    pieces = by_voice([both], [Turn(4, 0, 2900), Turn(9, 2950, 5000)])
    assert [(one.text, speaker) for one, speaker in pieces] == [
        ("how are you", 0),
        ("fine thanks", 1),
    ]
    assert [(one.start_time, one.end_time) for one, _ in pieces] == [(0, 3000), (3000, 5000)]
    chinese = segment("你好吗很好", 0, 5000)
    pieces = by_voice([chinese], [Turn(4, 0, 2900), Turn(9, 2950, 5000)])
    assert [(one.text, speaker) for one, speaker in pieces] == [("你好吗", 0), ("很好", 1)]


def test_a_moment_of_another_voice_is_none() -> None:
    one = segment("a b c d e f g h i j", 0, 2000)
    turns = [Turn(0, 0, 1000), Turn(1, 1000, 1190), Turn(0, 1200, 2000)]
    assert by_voice([one], turns) == [(one, 0)]
    late = [Turn(1, 0, 190), Turn(0, 200, 2000)]
    assert by_voice([one], late) == [(one, 0)]


def test_without_words_a_sentence_is_of_whoever_speaks_most() -> None:
    one = segment("how are you fine thanks", 0, 5000, words=False)
    assert by_voice([one], [Turn(4, 0, 2900), Turn(9, 2950, 5000)]) == [(one, 0)]
    assert by_voice([one], [Turn(4, 9000, 9500), Turn(5, 5100, 5200)]) == [(one, 0)]


turns = st.lists(
    st.builds(
        lambda who, at, long: Turn(who, at, at + long),
        st.integers(0, 4),
        st.integers(0, 9000),
        st.integers(1, 3000),
    ),
    max_size=8,
)


@given(
    st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=12),
    st.integers(50, 800),
    turns,
)
def test_no_word_is_lost_or_said_twice(words: list[str], each: int, turns: list[Turn]) -> None:
    whole = segment(" ".join(words), 0, each * len(words))
    pieces = by_voice([whole], turns)
    said = [word for piece, _ in pieces for word in piece.word_info or ()]
    assert said == list(whole.word_info or ())
    for piece, _ in pieces:
        spoken = piece.word_info or ()
        assert piece.text == join_words(one.word for one in spoken)
        assert (piece.start_time, piece.end_time) == (spoken[0].start_time, spoken[-1].end_time)
    if len(pieces) > 1:
        assert all(a[1] != b[1] for a, b in pairwise(pieces))
        assert pieces[0][1] == 0


@pytest.mark.parametrize(
    ("text", "ms", "speed"),
    [
        ("你好，世界。", 2000, 2.0),
        ("hello world", 1000, 10.0),
        ("it's 5", 1000, 4.0),
        ("", 1000, 0.0),
        ("a", 0, 0.0),
    ],
)
def test_speed_counts_characters_and_no_marks(text: str, ms: int, speed: float) -> None:
    assert speed_of(segment(text, 500, 500 + ms)) == speed


@pytest.mark.parametrize(
    ("said", "mood"),
    [
        ("angry", Emotion.ANGRY),
        ("ANGRY", Emotion.ANGRY),
        ("neutral", Emotion.NORMAL),
        ("happy", Emotion.NORMAL),
        ("emo_unknown", Emotion.UNKNOWN),
        ("", Emotion.UNKNOWN),
    ],
)
def test_moods_become_those_of_the_service(said: str, mood: Emotion) -> None:
    assert emotion_of(segment("a", 0, 100, emotion=said)) is mood


def test_a_mood_that_nobody_tells_says_which_model_would() -> None:
    (without,) = analyse([[HELLO]], AnalysisOptions())
    assert (without.info.body["emotion"], without.info.body["emotion_model"]) == (
        "UNKNOWN",
        "sensevoice",
    )
    (told,) = analyse([[segment("a", 0, 100, emotion="happy")]], AnalysisOptions())
    assert told.info.body["emotion"] == "NORMAL"
    assert "emotion_model" not in told.info.body


def test_nothing_is_told_that_was_not_asked_for() -> None:
    options = AnalysisOptions(emotion=False, speed=False, diarization=False)
    (found,) = analyse([[HELLO]], options)
    assert found.info.body == {}


@pytest.mark.parametrize(
    ("raw", "options"),
    [
        (None, None),
        ({}, AnalysisOptions()),
        (
            {"diarization": False, "channel": "RIGHT_AGENT", "emotion": False, "speed": True},
            AnalysisOptions(diarization=False, channel=ChannelRule.RIGHT_AGENT, emotion=False),
        ),
        ({"unknown": 1}, AnalysisOptions()),
    ],
)
def test_what_is_asked_is_read(raw: object, options: AnalysisOptions | None) -> None:
    assert read_analysis(raw) == options


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ([], "'need_analysis_info' is invalid: it is []; allowed: an object or null"),
        (
            {"channel": "LEFT"},
            "'channel' is invalid: it is 'LEFT'; allowed: 'MONO' or 'LEFT_AGENT'",
        ),
        ({"emotion": "yes"}, "'emotion' is invalid: it is 'yes'; allowed: true or false"),
        ({"speed": None}, "'speed' is invalid: it is null"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(raw: object, words: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        read_analysis(raw)
    assert refused.value.code == "SIS.0032"
    assert words in refused.value.message
