"""How long a text may be, counted as the service counts."""

from __future__ import annotations

from rasr.synthesis.errors import TextRefused

POST_CHARACTERS = 500
"""Of a text that is spoken whole. For one that is listened to meanwhile it is a setting: 500 in the
older edition, 10,000 in the newer one."""


class TextTooLong(TextRefused):
    """There are more characters than may be."""


def refuse_too_long(text: str, most: int) -> None:
    """
    Every character of the text as it was sent counts as one: a Chinese character, a letter, a
    space, a picture outside of the basic plane, and a tag of SSML with all its letters.

    Raises:
        TextTooLong: there are more than `most`.
    """
    if len(text) > most:
        raise TextTooLong(f"the text has {len(text)} characters; the most are {most}")
