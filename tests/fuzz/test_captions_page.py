"""The parameters of a captions page."""

from __future__ import annotations

from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st

from rasr.server.http.captions_page import (
    CAPTIONS,
    PARAMETERS,
    SHARE,
    PageError,
    appearance_of,
    language_of,
    page,
)
from rasr.server.http.templates import LANGUAGES
from tests.fuzz.examples import fuzz

NAMES = st.one_of(st.sampled_from(sorted(PARAMETERS)), st.text(max_size=50))
VALUES = st.one_of(
    st.from_regex(r"[0-9]{1,4}(\.[0-9]{1,2})?"),
    st.from_regex(r"#?[0-9a-fA-F]{0,9}"),
    st.sampled_from(["top", "left", "yes", "no", "en", "zh", "transparent", '"><script>', "٣", ""]),
    st.text(max_size=100),
)
PAIRS = st.lists(st.tuples(NAMES, VALUES), max_size=12)


@given(query=st.one_of(PAIRS, st.text(max_size=200).map(parse_qsl)))
@fuzz
def test_a_query_is_an_appearance_or_has_a_sentence_for_each_fault(
    query: list[tuple[str, str]],
) -> None:
    appearance, sentence = None, ""
    try:
        appearance = appearance_of(query)
    except PageError as fault:
        sentence = str(fault)
    assert len(sentence) <= 300 * len(query)
    if appearance is None:
        assert sentence
        return
    assert appearance.keys() == PARAMETERS.keys()
    assert all(value.isascii() and len(value) < 20 for value in appearance.values())
    # What the page gets is allowed itself.
    assert appearance_of(appearance.items()) == appearance
    for view in (CAPTIONS, SHARE):
        assert "<script>" not in page(view, '"><script>', appearance, "en")


@given(accepted=st.one_of(st.text(max_size=50), st.from_regex(r"[a-z-]{0,5}(;q=[0-9.]+)?,zh")))
@fuzz
def test_a_browser_that_likes_whatever_gets_a_language_that_is_there(accepted: str) -> None:
    assert language_of({"lang": "auto"}, accepted) in LANGUAGES
    assert language_of({"lang": "zh"}, accepted) == "zh"
