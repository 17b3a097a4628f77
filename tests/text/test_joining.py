"""A text is its words joined."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder.joining import join_words


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], ""),
        (["hello"], "hello"),
        (["hello", "world"], "hello world"),
        (["我", "们", "一", "起"], "我们一起"),
        (["我", "用", "python", "写", "code"], "我用 python 写 code"),
        (["open", "source", "项", "目"], "open source 项目"),
        (["这", "件", "123", "块"], "这件123块"),
        (["好", "。", "好"], "好。好"),
        (["说", "ok", "，", "go", "！"], "说 ok，go！"),
        (["안녕", "하세요"], "안녕 하세요"),
        (["", "a", "", "b", ""], "a b"),
    ],
)
def test_spaces_stand_between_words_of_scripts_that_write_them(words: list[str], text: str) -> None:
    assert join_words(words) == text


@given(st.lists(st.text(st.characters(exclude_categories=["Z", "C"]))))
def test_joining_adds_spaces_and_nothing_else(words: list[str]) -> None:
    assert join_words(words).replace(" ", "") == "".join(words)


@given(st.lists(st.text()), st.integers(0, 8))
def test_joining_may_be_done_in_two_steps(words: list[str], cut: int) -> None:
    assert join_words((join_words(words[:cut]), join_words(words[cut:]))) == join_words(words)
