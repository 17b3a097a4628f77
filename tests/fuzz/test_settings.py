"""Settings: TOML files and environments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasr.configuration import ConfigurationError, load
from rasr.configuration.schema import dotted, leaves
from rasr.settings import Settings
from tests.fuzz.examples import fuzz

KEYS = sorted({dotted(path) for path, _, _ in leaves(Settings())})
WORDS = sorted({word for key in KEYS for word in key.split(".")} | {"live", "final", "options"})
TEXTS = st.text(max_size=60)
SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(10**25), 10**25),
    st.floats(),
    TEXTS,
    st.sampled_from(["", "0", "true", "inf", "1e999", "[]", "{}", "[1, 2", "'", "fake", "a,b"]),
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=8,
)
PATHS = st.one_of(
    st.sampled_from(KEYS).map(lambda key: key.split(".")),
    st.lists(st.one_of(st.sampled_from(WORDS), TEXTS), min_size=1, max_size=4),
)


def toml(value: Any) -> str:
    """A value in TOML."""
    match value:
        case bool():
            return str(value).lower()
        case float():
            return repr(value)
        case list():
            return f"[{', '.join(map(toml, value))}]"
        case dict():
            inside = ", ".join(f"{quoted(key)} = {toml(one)}" for key, one in value.items())
            return f"{{{inside}}}"
        case str():
            return quoted(value)
        case _:
            return str(value)


def quoted(text: str) -> str:
    return json.dumps(text).replace("\x7f", "\\u007F")


LINES = st.builds(
    lambda path, value: f"{'.'.join(map(quoted, path))} = {toml(value)}", PATHS, VALUES
)
FILES = st.one_of(
    st.lists(LINES, max_size=6).map("\n".join),
    st.lists(
        st.one_of(LINES, PATHS.map(lambda path: f"[{'.'.join(map(quoted, path))}]")), max_size=6
    ).map("\n".join),
    st.builds(
        lambda begin, count, end: begin * count + end * count,
        st.sampled_from(["[", "a = [", "a.", "[[", '"', "{a = "]),
        st.integers(0, 6000),
        st.sampled_from(["", "]", "}"]),
    ),
    TEXTS,
)


def check(file: Path | None, environ: dict[str, str]) -> None:
    found = None
    mistakes: tuple[str, ...] = ()
    try:
        found = load(file, environ, {})
    except ConfigurationError as fault:
        mistakes = fault.mistakes
    assert all(0 < len(one) < 3000 for one in mistakes)
    if found is None:
        assert mistakes
        return
    assert {dotted(path) for path, _, _ in leaves(found.settings)} <= set(found.origins)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "rasr.toml"


@given(content=st.one_of(FILES.map(lambda text: text.encode(errors="replace")), st.binary()))
@fuzz
def test_every_file_is_settings_or_has_a_sentence_for_each_mistake(
    file: Path, content: bytes
) -> None:
    file.write_bytes(content)
    check(file, {})


NAMES = st.one_of(
    PATHS.map(lambda path: "RASR_" + "__".join(path).upper()),
    TEXTS.map(lambda text: f"RASR_{text}"),
).filter(lambda name: name != "RASR_CONFIG")
TYPED = st.one_of(
    TEXTS, VALUES.map(toml), st.builds(lambda count: "[" * count, st.integers(0, 6000))
)


@given(environ=st.dictionaries(NAMES, TYPED, max_size=5))
@fuzz
def test_every_environment_is_settings_or_has_a_sentence_for_each_mistake(
    environ: dict[str, str],
) -> None:
    check(None, environ)
