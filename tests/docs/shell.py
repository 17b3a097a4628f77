"""Shell in the documents: taken apart into statements and commands, far enough to check them.

Knows what the documents use: continued lines, groups in braces, pipes, lists, redirections and
assignments before a command. No loops, no functions.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

Words = tuple[str, ...]

_SEPARATORS = {"|", "&&", "||", ";", "&", "{", "}"}
_REDIRECTIONS = {">", ">>", "<", "2>"}
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


def statements(text: str) -> Iterator[str]:
    """What is run one after the other: a line, or a group in braces with what follows it."""
    waiting: list[str] = []
    depth = 0
    for line in text.splitlines():
        if not line.strip() and not waiting:
            continue
        waiting.append(line)
        words = _words(line)
        depth += words.count("{") - words.count("}")
        if depth == 0 and not line.endswith("\\"):
            yield "\n".join(waiting)
            waiting = []
    assert not waiting, f"this does not end: {waiting[0]}"


def commands(statement: str) -> Iterator[Words]:
    """The simple commands of a statement, without assignments and redirections."""
    command: list[str] = []
    for line in re.sub(r"\\\n", " ", statement).splitlines():
        skip = False
        for word in _words(line):
            if skip:
                skip = False
            elif word in _REDIRECTIONS:
                skip = True
            elif word in _SEPARATORS:
                if command:
                    yield tuple(command)
                command = []
            elif command or not _ASSIGNMENT.match(word):
                command.append(word)
        if command:
            yield tuple(command)
            command = []


def _words(line: str) -> list[str]:
    lexer = shlex.shlex(line.removesuffix("\\"), posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    return list(lexer)
