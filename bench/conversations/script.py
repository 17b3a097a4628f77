"""What is said in a generated conversation: drawn from a seed, so that the same comes again."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bench.conversations.sounds import LONGEST_MS, PLACES_MS, Recording, Stretch
from rasr.audio import FORMATS
from rasr.client import Mode

SETTINGS = """\
[engines.fake]
kind = "fake"
options = { test_samples = true }
[properties]
english = "fake"
[vocabularies]
team = ["Dashwood", "Brandon"]
[vad]
kind = "webrtc"
[capacity]
max_load = 0.0
"""
"""Of the server that the conversations are for, as TOML."""
LONGEST_S = {Mode.SHORT: 60, Mode.SENTENCE: 60, Mode.CONTINUE: 5 * 3600, Mode.ONE_SENTENCE: 60}
"""Audio that a round of each mode may have (protocol, section 3.8)."""
WITH_ENDPOINTS = (Mode.SENTENCE, Mode.CONTINUE)
LAST_WORD = json.dumps({"command": "LAST"})
"""Sent behind everything else. It is wrong, so it is answered, behind all other answers."""

_INVALID = "SIS.0032"
_FORMATS = ("pcm16k16bit",) * 5 + (
    *("pcm8k16bit", "ulaw16k8bit", "alaw16k8bit"),
    *("ulaw8k8bit", "alaw8k8bit"),
)
_END_OUTSIDE = ("'command' is invalid", "END")


class Ending(StrEnum):
    """How a round ends."""

    END = "END"
    CANCEL = "END with cancel"
    WRONG = "a wrong message"
    FAILS = "the engine fails"
    CLOSE = "the client closes"
    BREAK_OFF = "the client breaks off"


@dataclass(frozen=True, slots=True)
class Message:
    """A frame that is out of order or wrong."""

    frame: str | bytes
    code: str = ""
    """Of the ERROR that answers it; empty: nothing does."""
    says: tuple[str, ...] = ()
    """Stands in the text of the answer."""


@dataclass(frozen=True, slots=True)
class Round:
    """From START to its end."""

    fields: Mapping[str, Any]
    """`config` of START."""
    recording: Recording
    sizes: tuple[int, ...]
    """Bytes of the binary frames, again and again."""
    ending: Ending
    last: Message
    """The frame that ends it; nothing is sent where the client goes."""
    awaits_start: bool
    """Audio is sent when START has been answered, not behind it."""
    behind: tuple[Message, ...] = ()
    """Frames sent before the end has been answered."""

    @property
    def start(self) -> str:
        """The text frame of START."""
        return json.dumps({"command": "START", "config": dict(self.fields)})

    def asks(self, name: str) -> bool:
        """Whether a field that is "yes" or "no" is "yes"; SIS's default of those is "no"."""
        return bool(self.fields.get(name, "no") == "yes")


@dataclass(frozen=True, slots=True)
class Script:
    """All that a client does on one connection."""

    seed: int
    mode: Mode
    steps: tuple[Message | Round, ...] = field(default=())

    @property
    def leaves(self) -> bool:
        """Whether the client goes in the middle of a round."""
        return any(
            isinstance(one, Round) and one.ending in (Ending.CLOSE, Ending.BREAK_OFF)
            for one in self.steps
        )


def script(seed: int) -> Script:
    """The conversation of a seed."""
    return _Writer(random.Random(seed), seed).script()


class _Writer:
    """Draws one conversation."""

    def __init__(self, choice: random.Random, seed: int) -> None:
        self._choice = choice
        self._seed = seed
        self._mode = choice.choice(list(Mode))
        self._endpoints = self._mode in WITH_ENDPOINTS

    def script(self) -> Script:
        choice = self._choice
        steps: list[Message | Round] = []
        if choice.random() < 0.1:
            audio = choice.randbytes(choice.randrange(1, 3000))
            steps.append(Message(audio, _INVALID, (f"{len(audio)} bytes", "START")))
        for is_last in [False] * choice.choice((0, 0, 1, 2)) + [True]:
            while choice.random() < 0.25:
                steps.append(self._wrong(in_round=False))
            # Audio behind an answer, or behind a round, belongs to nothing and is not answered.
            if steps and choice.random() < 0.2:
                steps.append(Message(choice.randbytes(choice.randrange(0, 2000))))
            steps.append(self._round(is_last))
        return Script(self._seed, self._mode, tuple(steps))

    def _round(self, is_last: bool) -> Round:
        choice = self._choice
        endings = [Ending.END] * 12 + [Ending.CANCEL, Ending.CANCEL, Ending.WRONG, Ending.WRONG]
        if is_last:
            endings += [Ending.FAILS, Ending.CLOSE, Ending.BREAK_OFF]
        ending = choice.choice(endings)
        fields = self._fields()
        recording = self._recording(fields, ending)
        rate = FORMATS[recording.audio_format].sample_rate
        fields |= {
            "audio_format": recording.audio_format,
            "property": f"english_{rate // 1000}k_common",
        }
        behind: tuple[Message, ...] = ()
        if ending in (Ending.END, Ending.CANCEL, Ending.WRONG) and choice.random() < 0.2:
            behind = tuple(self._behind() for _ in range(choice.randrange(1, 4)))
        most = choice.choice((200, 2000, 9000, 70_000))
        return Round(
            fields,
            recording,
            tuple(max(recording.ms * 32 // 400, choice.randrange(1, most)) for _ in range(7)),
            ending,
            self._last(ending),
            choice.random() < 0.6,
            behind,
        )

    def _last(self, ending: Ending) -> Message:
        match ending:
            case Ending.CANCEL:
                cancel = self._choice.choice((True, "true", "True"))
                return Message(json.dumps({"command": "END", "cancel": cancel}))
            case Ending.WRONG:
                return self._wrong(in_round=True)
            case _:
                bodies: tuple[dict[str, object], ...] = (
                    {},
                    {"cancel": False},
                    {"cancel": "false"},
                    {"cancel": None},
                )
                return Message(json.dumps({"command": "END"} | self._choice.choice(bodies)))

    def _behind(self) -> Message:
        """A frame sent behind the one that ends a round, before anything has answered that."""
        one = self._choice.random()
        if one < 0.4:
            return Message('{"command":"END"}', _INVALID, _END_OUTSIDE)
        if one < 0.7:
            return Message(self._choice.randbytes(self._choice.randrange(0, 2000)))
        return Message("{", _INVALID, ("not JSON",))

    def _fields(self) -> dict[str, Any]:
        choice = self._choice
        fields: dict[str, Any] = {}
        for name, share in (
            *(("interim_results", 0.5), ("need_word_info", 0.6)),
            *(("add_punc", 0.3), ("digit_norm", 0.5)),
        ):
            if choice.random() < 0.7:
                fields[name] = "yes" if choice.random() < share else "no"
        if choice.random() < 0.3:
            fields["warnings"] = choice.choice(("yes", "no"))
        # In modes without endpoints these are not known, hence ignored, whatever their value.
        if choice.random() < 0.6:
            fields["vad_tail"] = choice.choice((0, 200, 300, 500, 800, 3000))
        if choice.random() < 0.4:
            fields["max_seconds"] = choice.choice((1, 2, 5, 60))
        if choice.random() < 0.5:
            fields["vad_head"] = choice.choice((0, 500, 1500, 60_000))
        if not self._endpoints and choice.random() < 0.2:
            fields["vad_tail"] = "nonsense"
        if choice.random() < 0.2:
            fields |= {"vad_threshold": 0, "max_second": "thirty"}
        if choice.random() < 0.1:
            fields["vocabulary_id"] = "team"
        if choice.random() < 0.1:
            fields["user_words"] = ["Elinor", "Marianne"]
        return fields

    def _recording(self, fields: Mapping[str, Any], ending: Ending) -> Recording:
        choice, fails = self._choice, ending is Ending.FAILS
        if fails:
            # What comes first must be decoded: nothing has ended the round before.
            stretches = [self._silence(100), self._speech()]
        else:
            stretches = []
            if choice.random() < 0.8:
                stretches.append(self._silence(choice.choice((50, 300, 900, 2200))))
            for number in range(choice.choice((0, 1, 1, 1, 2, 2, 3))):
                if number:
                    stretches.append(self._silence(choice.choice((60, 100, 150, 1300, 1800, 2500))))
                stretches.append(self._speech())
        if choice.random() < 0.5:
            stretches.append(self._silence(choice.choice((100, 600, 1500, 3900))))
        # A START behind a round that the limit has ended would begin another.
        if ending in (Ending.END, Ending.CANCEL) and choice.random() < 0.015:
            stretches += [self._silence(LONGEST_MS) for _ in range(13)]
        form = "pcm16k16bit" if fails else choice.choice(_FORMATS)
        header = form.startswith("pcm") and choice.random() < 0.15
        return Recording(form, tuple(stretches), header, fails)

    def _speech(self) -> Stretch:
        ms = self._choice.choice((400, 700, 1200, 2500)) + self._choice.randrange(200)
        return Stretch(True, ms, self._choice.randrange(PLACES_MS))

    def _silence(self, ms: int) -> Stretch:
        return Stretch(False, ms, self._choice.randrange(PLACES_MS))

    def _wrong(self, *, in_round: bool) -> Message:
        """A text frame that is answered with ERROR."""
        choice = self._choice
        wrong = [
            Message("{not json", _INVALID, ("not JSON", "{not json")),
            Message("[1, 2]", _INVALID, ("not a JSON object", "allowed")),
            Message('{"command":"STOP"}', _INVALID, ("'command' is invalid", "STOP")),
            Message("{}", _INVALID, ("'command' is invalid", "missing")),
            Message('{"command":"END","cancel":7}', _INVALID, ("'cancel' is invalid", "7")),
            Message('{"command":"START"}', _INVALID, ("'config' is invalid", "missing")),
            Message(json.dumps({"command": "x" * 70_000}), _INVALID, ("too long", "65536")),
            self._wrong_field(),
        ]
        good = {"audio_format": "pcm16k16bit", "property": "english_16k_common"}
        if in_round:
            middle = Message(_start(good), _INVALID, ("'command' is invalid", "START"))
            long = Message(bytes((1 << 20) + 1), _INVALID, ("too long", str(1 << 20)))
            wrong += [middle, middle, middle, long]
        else:
            eight = good | {"audio_format": "pcm8k16bit"}
            klingon = good | {"property": "klingon_16k_common"}
            wrong += [
                Message('{"command":"END"}', _INVALID, _END_OUTSIDE),
                Message(_start(eight), "SIS.0301", ("'audio_format' is not match model",)),
                Message(_start(klingon), "SIS.0031", ("'property'", "klingon", "english")),
                Message(
                    _start(good | {"vocabulary_id": "nobody"}),
                    "SIS.0201",
                    ("'vocabulary_id' is invalid", "nobody"),
                ),
            ]
        return choice.choice(wrong)

    def _wrong_field(self) -> Message:
        values: list[tuple[str, object]] = [
            ("audio_format", "mp9"),
            ("property", "klingon"),
            ("add_punc", "maybe"),
            ("interim_results", 1),
            ("need_word_info", True),
            ("user_words", "Elinor"),
            ("vocabulary_id", ""),
        ]
        if self._endpoints:
            values += [("vad_tail", 3001), ("vad_head", -1), ("max_seconds", 0)]
            values += [("max_seconds", 1.5), ("vad_tail", True)]
        name, value = self._choice.choice(values)
        good = {"audio_format": "pcm16k16bit", "property": "english_16k_common"}
        says = (f"'{name}' is invalid", json.dumps(value).strip('"'), "allowed")
        return Message(_start(good | {name: value}), _INVALID, says)


def _start(fields: Mapping[str, object]) -> str:
    return json.dumps({"command": "START", "config": dict(fields)})
