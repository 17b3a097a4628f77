"""Which language a text is read in, and who speaks it.

Chinese characters make a sentence Chinese (Cantonese where that is asked for). One without any is
English, unless it has nothing but digits and the text around it is Chinese.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from decoder.joining import is_unspaced
from rasr.synthesis.errors import VoiceUnavailable
from rasr.synthesis.voice import Voice

_CHINESE = ("chinese", "cantonese")


def has_characters(text: str) -> bool:
    """True if there is a Chinese character in it."""
    return any(is_unspaced(one) and one.isalpha() and "CJK" in unicodedata.name(one, "")
               for one in text)  # fmt: skip


def sentences(text: str) -> Iterator[tuple[str, bool]]:
    """The sentences of a plain text that has Chinese characters somewhere; True for those that are
    read as Chinese."""
    for sentence in _behind_stops(text):
        letters = any(one.isalpha() for one in sentence)
        yield sentence, not letters or has_characters(sentence)


def spoken_by(voice: Voice, asked: str, *, characters: bool, chinese: bool) -> str:
    """The language in which a voice says something.

    Args:
        asked: the language that Chinese characters are read in; "" for the voice's first such one.
        characters: it has Chinese characters.
        chinese: the text around it has some.

    Raises:
        VoiceUnavailable: the voice does not speak it.
    """
    if characters:
        wanted = [asked] if asked in _CHINESE else list(_CHINESE)
    elif "english" in voice.languages or not chinese:
        wanted = ["english"]
    else:
        wanted = list(_CHINESE)
    for one in wanted:
        if one in voice.languages:
            return one
    raise VoiceUnavailable(
        f"the voice {voice.name} speaks {' and '.join(voice.languages)}, and the text is "
        f"{wanted[0]}; `rasr voices` shows which voice speaks what"
    )


def refuse_other_scripts(text: str, voice: Voice) -> None:
    """
    Raises:
        VoiceUnavailable: most letters are of a script that no voice reads.
    """
    foreign: list[str] = []
    known = 0
    for one in text:
        if not one.isalpha():
            continue
        name = unicodedata.name(one, "")
        if name.startswith(("LATIN", "CJK", "FULLWIDTH LATIN", "IDEOGRAPHIC")):
            known += 1
        else:
            foreign.append(name.split(" ")[0].lower())
    if foreign and len(foreign) > known:
        raise VoiceUnavailable(
            f"the text is in {foreign[0]} letters; the voice {voice.name} speaks "
            f"{' and '.join(voice.languages)}, and none here reads those"
        )


def _behind_stops(text: str) -> Iterator[str]:
    """A text cut behind its stops, for the choice of its language alone."""
    begin = 0
    for index, one in enumerate(text):
        is_stop = one in "?!" or (one == "." and text[index + 1 : index + 2] in ("", " ", '"'))
        if is_stop or (one == "." and has_characters(text[index + 1 : index + 2])):
            yield text[begin : index + 1]
            begin = index + 1
    if begin < len(text):
        yield text[begin:]
