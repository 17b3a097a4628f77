"""The rules of the oracle for messages: their shape, their order, and which there may be."""

from __future__ import annotations

from typing import Any

from bench.conversations.answers import RoundAnswers, bare, words_of
from rasr.client import Mode


class MessageRules:
    """Applied to one round."""

    def __init__(self, answers: RoundAnswers) -> None:
        self._answers = answers
        self._round = answers.round
        self._faults: list[str] = []

    def faults(self) -> list[str]:
        """Each in one sentence."""
        for message in self._answers.told:
            match message["resp_type"]:
                case "RESULT":
                    self._check_shape(message)
                case "EVENT":
                    self._check_event(message)
                case "ERROR" | "END":
                    pass
                case other:
                    self._fault(f"{other} within a round")
        if not self._faults:
            self._check_order()
            self._check_events()
        return self._faults

    def _fault(self, sentence: str) -> None:
        self._faults.append(sentence)

    # Each message

    def _check_shape(self, message: dict[str, Any]) -> None:
        if len(message["segments"]) != 1:
            self._fault(f"{len(message['segments'])} segments in a RESULT")
            return
        (segment,) = message["segments"]
        result, final = segment["result"], segment["is_final"]
        start, end = segment["start_time"], segment["end_time"]
        if not 0 <= start <= end <= self._answers.audio_ms + 1:
            self._fault(f"a RESULT from {start} to {end} ms of {self._answers.audio_ms}")
        if not final and not self._round.asks("interim_results"):
            self._fault("a partial that nobody asked for")
        if not 0 <= result["score"] <= 1:
            self._fault(f"a score of {result['score']}")
        if ("stable" in result) is final:
            self._fault("'stable' in a final" if final else "a partial without 'stable'")
        words = result.get("word_info")
        if (words is not None) is not self._round.asks("need_word_info"):
            self._fault(f"word_info {'missing' if words is None else 'that nobody asked for'}")
        elif words is not None:
            self._check_word_info(words, segment)
        if self._answers.has_endpoints and not result["text"]:
            self._fault("a RESULT without text")

    def _check_word_info(self, words: list[dict[str, Any]], segment: dict[str, Any]) -> None:
        if [bare(one["word"]) for one in words] != words_of(segment):
            self._fault(f"word_info has other words than the text: {words}")
        if not words:
            return
        times = [time for one in words for time in (one["start_time"], one["end_time"])]
        if times != sorted(times):
            self._fault(f"times of words go back: {times}")
        if (times[0], times[-1]) != (segment["start_time"], segment["end_time"]):
            self._fault("a RESULT does not last from its first word to its last")

    def _check_event(self, message: dict[str, Any]) -> None:
        name, at = message["event"], message["timestamp"]
        allowed = {"EXCEEDED_AUDIO"}
        if self._answers.mode is Mode.SENTENCE:
            allowed |= {"VOICE_START", "VOICE_END", "EXCEEDED_SILENCE"}
        if self._round.fields.get("warnings") != "no":
            allowed |= {"WARNING"}
        if name not in allowed:
            self._fault(f"EVENT {name} in this mode, or with these options")
        if not 0 <= at <= self._answers.audio_ms + 1:
            self._fault(f"EVENT {name} at {at} ms of {self._answers.audio_ms}")

    # Their order

    def _check_order(self) -> None:
        """Sentences in order, not overlapping, each final once, behind its partials."""
        over, shown = 0, ""
        for segment in self._answers.segments:
            start, text = segment["start_time"], " ".join(words_of(segment))
            if start < over:
                self._fault(f"a RESULT from {start} ms behind a final until {over} ms")
            is_sentence = segment["is_final"] and self._round.asks("add_punc")
            if is_sentence and shown.startswith(text):
                # With punctuation a final may be the first sentence of what was shown.
                over, shown = segment["end_time"], shown[len(text) :].lstrip()
                continue
            if not text.startswith(shown) and self._answers.is_whole:
                self._fault(f"{shown!r} was shown, then {text!r}")
            shown = text
            if segment["is_final"]:
                over, shown = segment["end_time"], ""
        if shown and self._answers.is_whole:
            self._fault(f"a partial without its final: {shown!r}")
        if self._answers.mode is not Mode.CONTINUE and len(self._answers.finals) > 1:
            self._fault(f"{len(self._answers.finals)} finals in a mode of one")

    def _check_events(self) -> None:
        told = [message.get("event", message["resp_type"]) for message in self._answers.told]
        order = [name for name in told if name != "WARNING"]
        if self._answers.mode is Mode.SENTENCE:
            self._check_voice_events(order)
        exceeded = order.count("EXCEEDED_AUDIO")
        is_due = (
            self._answers.is_too_long
            and not self._answers.strict_limit
            and self._answers.is_whole
            and not self._answers.has_ended_early
        )
        if self._answers.is_whole and exceeded != int(is_due):
            self._fault(f"{exceeded} EXCEEDED_AUDIO, {int(is_due)} expected")
        if exceeded and "RESULT" in order[order.index("EXCEEDED_AUDIO") :]:
            self._fault("a RESULT behind EXCEEDED_AUDIO")

    def _check_voice_events(self, order: list[str]) -> None:
        """VOICE_START, results, VOICE_END; or EXCEEDED_SILENCE in place of what is missing."""
        for name in ("VOICE_START", "VOICE_END", "EXCEEDED_SILENCE"):
            if order.count(name) > 1:
                self._fault(f"{name} more than once")
        said = [name for name in order if name not in ("EXCEEDED_AUDIO", "ERROR", "END")]
        if not said or said == ["EXCEEDED_SILENCE"]:
            return
        if said[0] != "VOICE_START":
            self._fault(f"before VOICE_START came {said[0]}")
            return
        if not self._answers.is_whole:
            return
        # No final without words, so what was heard was no sentence.
        if said[-1] == "EXCEEDED_SILENCE" and said.count("RESULT") == 0:
            return
        if said[-2:] != ["RESULT", "VOICE_END"] or len(self._answers.finals) != 1:
            self._fault(f"the final and VOICE_END were expected at the end of {said}")
        else:
            start, end = self._answers.events("VOICE_START", "VOICE_END")
            if not start["timestamp"] <= end["timestamp"]:
                self._fault("VOICE_END lies before VOICE_START")
