"""Secrets that are typed at a terminal, unseen, or come from a pipe."""

from __future__ import annotations

import sys

import click


def is_typed() -> bool:
    """Somebody sits at standard input."""
    return sys.stdin.isatty()


def asked_secret(
    name: str, *, twice: bool = False, longest: int = -1, from_pipe: bool = True
) -> str:
    """What is typed after a prompt on standard error; from a pipe its first line.

    Args:
        name: what it is, for the prompt.
        twice: it is typed twice, as it is new.
        longest: letters that are read of a pipe at most; -1: all of the line.
        from_pipe: false where the pipe has something else: the terminal is asked all the same.
    """
    if is_typed() or not from_pipe:
        return str(click.prompt(name, hide_input=True, confirmation_prompt=twice, err=True))
    return sys.stdin.readline(longest).rstrip("\r\n")
