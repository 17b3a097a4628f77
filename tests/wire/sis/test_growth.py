"""Commands: the work grows with the text, whatever is in it, up to the longest that is read."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from rasr.wire.sis.codec import MAX_TEXT_BYTES, decode_client
from rasr.wire.sis.errors import ProtocolError
from rasr.wire.sis.modes import Mode
from tests.growth import assert_linear


def start(**fields: object) -> str:
    config = {"audio_format": "pcm16k16bit", "property": "english_16k_common", **fields}
    return json.dumps({"command": "START", "config": config}, separators=(",", ":"))


TEXTS: dict[str, Callable[[int], str]] = {
    "hot words": lambda size: start(user_words=["a"] * (size // 4)),
    "long hot words": lambda size: start(user_words=["ab" * (size // 2)]),
    "fields": lambda size: start(**{f"a{at:06}": 1 for at in range(size // 12)}),
    "values that are wrong": lambda size: start(add_punc=[1] * (size // 2)),
    "objects": lambda size: start(user_words=[{}] * (size // 3)),
    "brackets": lambda size: "[" * size,
    "closed brackets": lambda size: "[" * (size // 2) + "]" * (size // 2),
    "nested fields": lambda size: '{"a":' * (size // 5),
    "a number": lambda size: "1" * size,
    "the same key": lambda size: "{" + '"a":1,' * (size // 6) + '"b":2}',
    "escapes": lambda size: start(property="\\" * (size // 4)),
    "surrogates": lambda size: '{"command":"' + "\\ud800" * (size // 6) + '"}',
}


def decoded(text: str) -> None:
    for _ in range(5):
        try:
            decode_client(text, Mode.CONTINUE)
        except ProtocolError:
            pass


@pytest.mark.parametrize("case", TEXTS)
def test_the_work_grows_with_the_text(case: str) -> None:
    make = TEXTS[case]
    assert len(make(64_000)) < MAX_TEXT_BYTES
    assert_linear(make, decoded, 8000)
