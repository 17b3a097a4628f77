"""What folders of all families have: graphs in several precisions, tokens, lexicons, languages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from rasr.synthesis.engines.sherpa.families import FrontEnd
from rasr.synthesis.errors import VoiceUnavailable

_PRECISIONS = ("fp32", "int8", "fp16")
"""The best first. Some archives have a file of int8 that is a stub."""
_PHONES_OF = {"en": "english", "cmn": "chinese", "zh": "chinese"}
"""The languages whose sounds we make, by how espeak-ng's names of voices begin."""
_READ = ("chinese", "english", "cantonese")
"""The languages that texts are read in."""


def spoken_languages(
    folder: Path, front_end: FrontEnd, said: str, accent: str, languages: Sequence[str]
) -> tuple[str, ...]:
    """The languages of a model, of those in which texts are read.

    Args:
        said: what the model says of them.
        accent: whose sounds it is told, if it is told sounds.
        languages: what the settings say.

    Raises:
        VoiceUnavailable: there are none, or not those that the settings say.
    """
    if front_end is FrontEnd.PHONES:
        start = re.split("[-_ ]", accent)[0]
        if start not in _PHONES_OF:
            raise VoiceUnavailable(
                f"the voice in {folder} needs the sounds of {accent!r}, and texts are read in "
                f"English and Mandarin for such voices"
            )
        found: tuple[str, ...] = (_PHONES_OF[start],)
    else:
        found = tuple(one for one in _READ if one in said)
    if not languages:
        if not found:
            raise VoiceUnavailable(
                f"the voice in {folder} does not say which language it speaks, or none of "
                f"{', '.join(_READ)}; set languages to what it speaks of those"
            )
        return found
    wrong = set(languages) - set(found if front_end is FrontEnd.PHONES else _READ)
    if wrong:
        allowed = ", ".join(found if front_end is FrontEnd.PHONES else _READ)
        raise VoiceUnavailable(
            f"the voice in {folder} cannot speak {', '.join(sorted(wrong))}; allowed: {allowed}"
        )
    return tuple(languages)


def best(folder: Path, candidates: Sequence[Path]) -> Path:
    """The one of the best precision that is there.

    Raises:
        VoiceUnavailable: there is none, or more than one.
    """
    for precision in _PRECISIONS:
        fitting = [path for path in candidates if _precision(path) == precision]
        if len(fitting) > 1:
            there = ", ".join(path.name for path in fitting)
            raise VoiceUnavailable(
                f"{folder} holds {len(fitting)} voices: {there}; give each a folder of its own"
            )
        if fitting:
            return fitting[0]
    raise VoiceUnavailable(f"{folder} holds no voice: there is no …onnx file in it")


def _precision(path: Path) -> str:
    return next((one for one in _PRECISIONS if f".{one}." in path.name), _PRECISIONS[0])


def lacks_vocoder(folder: Path, name: str) -> str:
    """The sentence for a folder without one."""
    return (
        f"the voice in {folder} lacks a vocoder, which makes sound of what it says; put {name} of "
        "sherpa-onnx's release vocoder-models into the folder"
    )


def tokens_file(folder: Path) -> Path:
    """
    Raises:
        VoiceUnavailable: there is none.
    """
    tokens = folder / "tokens.txt"
    if not tokens.is_file():
        raise VoiceUnavailable(f"the voice in {folder} lacks its tokens.txt; pull the model again")
    return tokens


def text_of(file: Path, encoding: str = "utf-8") -> str:
    """
    Raises:
        VoiceUnavailable: it is no text.
    """
    try:
        return file.read_text(encoding)
    except UnicodeDecodeError as error:
        raise VoiceUnavailable(f"{file} is no text in UTF-8") from error


def lexicons_in(folder: Path, pattern: str = "lexicon*.txt") -> tuple[Path, ...]:
    """The lexicons, that of Mandarin first.

    Raises:
        VoiceUnavailable: one of them is no text. The library would take it, and know no word.
    """
    found = tuple(sorted(folder.glob(pattern))[::-1])
    for one in found:
        text_of(one)
    return found


def symbols_of(tokens: Path) -> dict[str, int]:
    """The lines of `tokens.txt`: a symbol, which may be the space, and its number.

    Raises:
        VoiceUnavailable: it holds none, or is no text.
    """
    symbols: dict[str, int] = {}
    for line in text_of(tokens).splitlines():
        symbol, _, number = line.rpartition(" ")
        if number.isdecimal():
            symbols.setdefault(symbol.strip() or " ", int(number))
    if not symbols:
        raise VoiceUnavailable(f"{tokens} holds no tokens; pull the model again")
    return symbols
