"""A subset of SSML: a document to spans of text, each with what its elements say of it.

Known are `speak`, `p`, `s`, `break`, `say-as`, `sub`, `prosody`, `phoneme` (in pinyin) and `voice`;
the text of any other element is read. Documents come from anybody: entities and document types are
refused by defusedxml, depth and size here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from rasr.synthesis.errors import TextRefused

_DEEPEST: Final = 16
_MOST_ELEMENTS: Final = 1000
_LONGEST_BREAK_S: Final = 10.0
_STRENGTHS: Final = {
    "none": 0.0, "x-weak": 0.1, "weak": 0.2, "medium": 0.4, "strong": 0.8, "x-strong": 1.2,
}  # fmt: skip
_RATES: Final = {
    "x-slow": 0.5, "slow": 0.75, "medium": 1.0, "default": 1.0, "fast": 1.33, "x-fast": 2.0,
}  # fmt: skip
_PITCHES: Final = {
    "x-low": 0.7, "low": 0.85, "medium": 1.0, "default": 1.0, "high": 1.2, "x-high": 1.4,
}  # fmt: skip
_VOLUMES: Final = {
    "silent": 0.0, "x-soft": 0.25, "soft": 0.5, "medium": 1.0, "default": 1.0, "loud": 1.5,
    "x-loud": 2.0,
}  # fmt: skip
_TIME: Final = re.compile(r"\+?(\d{1,5}(?:\.\d+)?)(ms|s)")
_PERCENT: Final = re.compile(r"([+-]?)(\d{1,4}(?:\.\d+)?)%")
_DECIBEL: Final = re.compile(r"([+-]?\d{1,2}(?:\.\d+)?)dB")
_SEMITONES: Final = re.compile(r"([+-]?\d{1,2}(?:\.\d+)?)st")
_SYLLABLE: Final = re.compile(r"[a-zü:]{1,6}[1-5]")
_XML_NAME: Final = re.compile(r"^\{[^}]*\}")

SAY_AS: Final = frozenset(
    {"characters", "spell-out", "digits", "telephone", "cardinal", "number", "ordinal", "date",
     "time", "currency"}
)  # fmt: skip
"""What `interpret-as` may name; the text of any other is read as it stands."""


@dataclass(frozen=True, slots=True)
class Prosody:
    """Factors on the manner."""

    tempo: float = 1.0
    pitch: float = 1.0
    gain: float = 1.0


@dataclass(frozen=True, slots=True)
class Span:
    """A text between two tags."""

    text: str
    prosody: Prosody = field(default_factory=Prosody)
    voice: str = ""
    """A name of a voice; empty for the one that was asked for."""
    say_as: str = ""
    alias: str | None = None
    """What is said in its place."""
    pinyin: tuple[str, ...] = ()
    pause_s: float = 0.0
    """Silence behind it."""
    ends_sentence: bool = False

    @property
    def is_read_as_one(self) -> bool:
        """True where an element says how its text is read."""
        return bool(self.say_as or self.pinyin) or self.alias is not None


def is_ssml(text: str) -> bool:
    """True for a text that is meant as SSML: it begins as such a document does."""
    return re.match(r"\s*(?:<\?xml\s|<!DOCTYPE\s|<speak[\s>/])", text) is not None


def spans(document: str) -> tuple[Span, ...]:
    """The spans of a document.

    Raises:
        TextRefused: it is no XML, has entities, is too deep, or an attribute is of no use.
    """
    _refuse_depth(document)
    try:
        root: Element = fromstring(document.strip(), forbid_dtd=True)
    except ParseError as error:
        raise TextRefused(f"the SSML is not well-formed XML: {error}") from error
    except DefusedXmlException as error:
        raise TextRefused("SSML may have no document type and no entities") from error
    except ValueError as error:
        raise TextRefused(f"the SSML cannot be read: {error}") from error
    return tuple(_spans(root, Span("")))


def _refuse_depth(document: str) -> None:
    """Before it is parsed: a tree that is too deep costs a stack to walk."""
    depth = 0
    elements = 0
    for found in re.finditer(r"<(/?)[A-Za-z][^<>]*?(/?)>", document):
        if found[1]:
            depth -= 1
            continue
        elements += 1
        depth += not found[2]
        if depth > _DEEPEST:
            raise TextRefused(f"the SSML is nested deeper than {_DEEPEST} elements")
        if elements > _MOST_ELEMENTS:
            raise TextRefused(f"the SSML has more than {_MOST_ELEMENTS} elements")


def _spans(element: Element, around: Span) -> Iterator[Span]:
    name = _XML_NAME.sub("", str(element.tag))
    inside = around
    match name:
        case "break":
            yield replace(around, text="", pause_s=_pause(element))
        case "say-as":
            kind = element.get("interpret-as", "")
            inside = replace(around, say_as=kind if kind in SAY_AS else "")
        case "sub":
            alias = element.get("alias")
            if alias is None:
                raise TextRefused("the SSML element sub has no attribute alias")
            yield replace(around, text=_whole(element) or alias, alias=alias)
            return
        case "prosody":
            inside = replace(around, prosody=_prosody(element, around.prosody))
        case "voice":
            inside = replace(around, voice=element.get("name", ""))
        case "phoneme":
            yield _phoneme(element, around)
            return
        case "p" | "s":
            yield replace(around, text="", ends_sentence=True)
    yield from _content(element, inside)
    if name in ("p", "s"):
        yield replace(around, text="", ends_sentence=True)


def _content(element: Element, inside: Span) -> Iterator[Span]:
    if element.text:
        yield replace(inside, text=element.text)
    for child in element:
        if isinstance(child.tag, str):
            yield from _spans(child, inside)
        if child.tail:
            yield replace(inside, text=child.tail)


def _whole(element: Element) -> str:
    return "".join(element.itertext()).strip()


def _phoneme(element: Element, around: Span) -> Span:
    alphabet, given = element.get("alphabet", "pinyin"), element.get("ph", "")
    text = _whole(element)
    if alphabet not in ("pinyin", "py", "x-pinyin"):
        # In an alphabet that is not known here: what is written is right too.
        return replace(around, text=text)
    syllables = tuple(given.lower().replace("v", "ü").split())
    if not syllables or not all(_SYLLABLE.fullmatch(one) for one in syllables):
        raise TextRefused(
            f"the SSML element phoneme has ph={given!r}; in pinyin it is syllables with their "
            "tones, as in ph='chong2 qing4'"
        )
    if len(syllables) != len(text):
        raise TextRefused(
            f"the SSML element phoneme has {len(syllables)} syllables for {len(text)} characters"
        )
    return replace(around, text=text, pinyin=tuple(one.replace("ü", "v") for one in syllables))


def _pause(element: Element) -> float:
    time, strength = element.get("time"), element.get("strength", "medium")
    if time is None:
        return _STRENGTHS.get(strength, _STRENGTHS["medium"])
    found = _TIME.fullmatch(time.strip())
    if found is None:
        raise TextRefused(f"the SSML element break has time={time!r}; allowed is 500ms or 0.5s")
    seconds = float(found[1]) / (1000 if found[2] == "ms" else 1)
    if seconds > _LONGEST_BREAK_S:
        raise TextRefused(
            f"the SSML element break has time={time!r}; the longest is {_LONGEST_BREAK_S:g} s"
        )
    return seconds


def _prosody(element: Element, around: Prosody) -> Prosody:
    return Prosody(
        around.tempo * _factor(element, "rate", _RATES),
        around.pitch * _factor(element, "pitch", _PITCHES),
        around.gain * _factor(element, "volume", _VOLUMES),
    )


def _factor(element: Element, attribute: str, words: dict[str, float]) -> float:
    value = element.get(attribute, "default").strip()
    if value in words:
        return words[value]
    if percent := _PERCENT.fullmatch(value):
        share = float(percent[2]) / 100
        # "+20%" is on top; "120%" is the whole for a rate, and on top is not meant either.
        return (
            max(1 + share, 0)
            if percent[1] == "+"
            else max(1 - share, 0)
            if percent[1] == "-"
            else share
        )
    if attribute == "volume" and (decibel := _DECIBEL.fullmatch(value)):
        return float(10 ** (float(decibel[1]) / 20))
    if attribute == "pitch" and (semitones := _SEMITONES.fullmatch(value)):
        return float(2 ** (float(semitones[1]) / 12))
    raise TextRefused(
        f"the SSML element prosody has {attribute}={value!r}; allowed are "
        f"{', '.join(words)}, and a percentage such as +20%"
    )
