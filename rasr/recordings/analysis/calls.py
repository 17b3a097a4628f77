"""What a recording is besides its words: `analysis_info` of each of its sentences.

It is one function of what was recognised and what was asked: no clock, no file, no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rasr.recordings.analysis.review import WordList, marks_of
from rasr.recordings.analysis.voices import Turn, by_voice
from rasr.wire.sis.analysis import AnalysisInfo, AnalysisOptions, ChannelRule, Emotion, Mark, Role
from rasr.wire.sis.messages import Segment

EMOTION_MODEL = "sensevoice"
"""The model of the catalogue that tells moods."""
_NO_MOOD = frozenset({"", "unknown", "emo_unknown"})
_VOICES_OF_A_CALL = 2


@dataclass(frozen=True, slots=True)
class AnalysedSegment:
    """A sentence, and what was found out of it."""

    segment: Segment
    info: AnalysisInfo
    marks: tuple[Mark, ...] = ()


def analyse(
    channels: Sequence[Sequence[Segment]],
    options: AnalysisOptions,
    turns: Sequence[Turn] = (),
    word_lists: Sequence[WordList] = (),
) -> list[AnalysedSegment]:
    """The sentences of a recording in the order of time, with what is asked of them.

    Args:
        channels: the finals of each channel of `options.channels_of`, with their words: without
            these a sentence of two voices is not cut, and marks have the times of their sentence.
        turns: who speaks when, where `options.tells_voices`; none where nobody told.
        word_lists: what a review looks for.
    """
    spoken = _by_role(channels, options, turns)
    spoken.sort(key=lambda one: (one[0].start_time, one[0].end_time))
    return [
        AnalysedSegment(
            segment, _info(segment, role, speaker, options), marks_of(segment, word_lists)
        )
        for segment, role, speaker in spoken
    ]


def speed_of(segment: Segment) -> float:
    """Characters a second, without spaces and marks."""
    seconds = (segment.end_time - segment.start_time) / 1000
    return round(sum(map(str.isalnum, segment.text)) / seconds, 2) if seconds > 0 else 0.0


def emotion_of(segment: Segment) -> Emotion:
    """The mood that the engine says, in the words of SIS."""
    said = segment.emotion.lower()
    if said in _NO_MOOD:
        return Emotion.UNKNOWN
    return Emotion.ANGRY if said == "angry" else Emotion.NORMAL


def _by_role(
    channels: Sequence[Sequence[Segment]], options: AnalysisOptions, turns: Sequence[Turn]
) -> list[tuple[Segment, Role | None, int | None]]:
    if options.channel is not ChannelRule.MONO:
        left = options.channel is ChannelRule.LEFT_AGENT
        roles = (Role.AGENT, Role.USER) if left else (Role.USER, Role.AGENT)
        # A single channel stands for both, as in SIS.
        both = channels if len(channels) > 1 else (channels[0], channels[0])
        return [
            (segment, role, None)
            for role, segments in zip(roles, both, strict=True)
            for segment in segments
        ]
    (segments,) = channels
    voiced = by_voice(segments, turns if options.diarization else ())
    speakers = {speaker for _, speaker in voiced if speaker is not None}
    if len(speakers) > _VOICES_OF_A_CALL:
        # A meeting has no agent.
        return [(segment, None, speaker) for segment, speaker in voiced]
    # Whoever takes a call says the first words.
    role_of = {0: Role.AGENT, 1: Role.USER}
    return [
        (segment, None if speaker is None else role_of[speaker], speaker)
        for segment, speaker in voiced
    ]


def _info(
    segment: Segment,
    role: Role | None,
    speaker: int | None,
    options: AnalysisOptions,
) -> AnalysisInfo:
    emotion = emotion_of(segment) if options.emotion else None
    return AnalysisInfo(
        role=role,
        speaker=speaker,
        emotion=emotion,
        emotion_model=EMOTION_MODEL if options.emotion and not segment.emotion else None,
        speed=speed_of(segment) if options.speed else None,
    )
