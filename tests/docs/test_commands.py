"""Every command that a document shows is one: in its blocks of shell, and within its sentences."""

from __future__ import annotations

import re

import click
import pytest

from tests.docs.commands import Unknown, check
from tests.docs.pages import PAGES, Code, all_blocks, inline_code
from tests.docs.shell import commands, statements

_COMMAND = re.compile(r"(\.venv/bin/)?(rasr|make|python3?|pip|caddy|systemctl) \S")


def in_sentences() -> list[Code]:
    return [code for page in PAGES for code in inline_code(page) if _COMMAND.match(code.text)]


@pytest.mark.parametrize("block", all_blocks("sh"), ids=lambda block: block.place)
def test_every_command_of_a_block_is_one(block: Code) -> None:
    for statement in statements(block.text):
        for words in commands(statement):
            check(words)


@pytest.mark.parametrize("code", in_sentences(), ids=lambda code: f"{code.place} {code.text}")
def test_every_command_within_a_sentence_is_one(code: Code) -> None:
    # What may be left out stands in square brackets, but for pip's own.
    text = code.text if "pip" in code.text else re.sub(r"[\[\]]", "", code.text)
    for words in commands(text):
        check(words)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("rasr sevre", "no command 'sevre'"),
        ("rasr models pul x", "no command 'pul'"),
        ("make demos", "no target 'demos'"),
        ("python -m bench lode", "no command 'lode'"),
        ("cp deploy/nginx.conf /etc", "there is no deploy/nginx.conf"),
        ("pip install -e '.[wisper]'", "no extra"),
        ("sudo systemctl enable --now rasrd", "rasrd"),
        ("arecord -f S16_LE -r 8000 me.wav", "16 kHz"),
        ("frobnicate", "nobody checks 'frobnicate'"),
    ],
)
def test_a_command_that_is_wrong_is_found(text: str, why: str) -> None:
    (words,) = commands(text)
    with pytest.raises((AssertionError, Unknown, KeyError), match=why):
        check(words)


@pytest.mark.parametrize(
    "text",
    [
        "rasr transcribe a.wav --fromat srt",
        "rasr transcribe a.wav --format str",
        "rasr top --once x y",
    ],
)
def test_an_option_that_is_wrong_is_found(text: str) -> None:
    (words,) = commands(text)
    with pytest.raises((click.UsageError, AssertionError)):
        check(words)


def test_shell_is_taken_apart() -> None:
    text = """\
A=1 rasr serve \\
  --port 9   # a remark
{
  echo 'a | b' > file
  sed s/a/b/
} | websocat -n

cd x && ls
"""
    assert [[list(words) for words in commands(one)] for one in statements(text)] == [
        [["rasr", "serve", "--port", "9"]],
        [["echo", "a | b"], ["sed", "s/a/b/"], ["websocat", "-n"]],
        [["cd", "x"], ["ls"]],
    ]
