"""What is told of a sentence of a recording, and how recordings are recognised for that."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from rasr.recognition.config import RecognitionConfig
from rasr.recognition.events import Final
from rasr.recordings.analysis.review import WordList, marks_of
from rasr.wire.sis.analysis import Mark
from rasr.wire.sis.messages import Segment, StartConfig
from rasr.wire.sis.results import segment_of


def for_recordings(config: RecognitionConfig, *, with_words: bool) -> RecognitionConfig:
    """The configuration where nobody waits, and nobody is told of warnings.

    Args:
        with_words: the times of words are needed, whether or not they are told.
    """
    return dataclasses.replace(config, warnings=False, word_times=config.word_times or with_words)


def with_all_words(final: Final, config: StartConfig) -> Segment:
    """A sentence with its words, whether or not they are told."""
    return segment_of(final, with_words=True, with_confidence=config.word_confidence)


def told(segment: Segment, config: StartConfig) -> Segment:
    """A sentence without its words, unless they are to be told."""
    return segment if config.need_word_info else dataclasses.replace(segment, word_info=None)


def reviewed(
    final: Final, config: StartConfig, lists: Sequence[WordList]
) -> tuple[Segment, tuple[Mark, ...]]:
    """A sentence as it is told, and what of some lists stands in it."""
    segment = with_all_words(final, config)
    return told(segment, config), marks_of(segment, lists)
