"""Commands of clients: START, END, and what is neither."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rasr.wire.sis.codec import MAX_TEXT_BYTES
from rasr.wire.sis.fields import START_FIELDS
from rasr.wire.sis.modes import Mode
from rasr.wire.sis.received import read
from tests.fuzz.examples import fuzz

TEXTS = st.text(st.characters(codec=None, exclude_categories=()), max_size=80)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(-(10**30), 10**30),
        st.floats(),
        TEXTS,
        st.sampled_from(["yes", "no", "pcm16k16bit", "english_16k_common", "ulaw8k8bit", ""]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(TEXTS, inner, max_size=5)),
    max_leaves=10,
)
FIELDS = st.dictionaries(st.one_of(st.sampled_from(sorted(START_FIELDS)), TEXTS), VALUES)
STARTS = st.fixed_dictionaries(
    {},
    optional={
        "command": st.one_of(st.sampled_from(["START", "END"]), VALUES),
        "config": st.one_of(FIELDS, VALUES),
        "cancel": VALUES,
    },
)
DEEP = st.builds(
    lambda begin, count, end: begin * count + end * count,
    st.sampled_from(["[", '{"command":', '{"config":', "[[],", '{"command":"START","config":']),
    st.integers(0, 4000),
    st.sampled_from(["", "]", "}"]),
)


@st.composite
def frames(draw: st.DrawFn) -> str:
    """Text that is JSON, or nearly."""
    text: str = draw(st.one_of(st.builds(json.dumps, st.one_of(STARTS, VALUES)), DEEP, TEXTS))
    at = draw(st.integers(0, len(text)))
    changed: str = draw(st.sampled_from([text, text[:at], text[:at] + draw(TEXTS) + text[at:]]))
    return changed


@given(frame=frames(), mode=st.sampled_from(Mode))
@fuzz
def test_every_text_is_a_command_or_has_a_sentence(frame: str, mode: Mode) -> None:
    # A websocket's text is UTF-8.
    frame = frame.encode(errors="replace").decode()
    received = read(frame, mode, 1000)
    if received.broken is None:
        assert len(frame.encode()) <= MAX_TEXT_BYTES
        return
    sentence = str(received.broken)
    assert sentence.isprintable() or "\n" not in sentence
    sentence.encode()
    # Every field may be wrong, and repeats 60 characters of its value.
    assert len(sentence) < 400 * (len(START_FIELDS) + 1)


@given(config=FIELDS, mode=st.sampled_from(Mode))
@fuzz
def test_every_field_that_is_wrong_is_named(config: dict[str, Any], mode: Mode) -> None:
    text = json.dumps({"command": "START", "config": config})
    received = read(text, mode, 1000)
    if received.config is not None:
        known = {name for name, field in START_FIELDS.items() if mode in field.modes}
        for name in known & config.keys():
            assert START_FIELDS[name].kind.read(config[name]) == getattr(received.config, name)
    else:
        assert received.broken is not None
        assert "'" in str(received.broken)
