"""Reads a Dockerfile: stages and their instructions, with the values of variables filled in.

What the project's own file uses, and an error for everything else: nothing is passed over.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


class DockerfileError(Exception):
    """The file has something that is not understood here."""


@dataclass(frozen=True, slots=True)
class Run:
    """A command of the shell."""

    command: str
    environment: Mapping[str, str]
    folder: str


@dataclass(frozen=True, slots=True)
class Copy:
    """Files from the context, or from another stage."""

    sources: tuple[str, ...]
    target: str
    """Absolute; with a slash at its end it is a folder."""
    stage: str | None
    owner: str | None


Step = Run | Copy


@dataclass(slots=True)
class Stage:
    """A stage: how it is made, and how what it makes is run."""

    base: str
    name: str | None
    steps: list[Step] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = "0:0"
    volumes: tuple[str, ...] = ()
    stop_signal: str = "SIGTERM"
    health: tuple[str, ...] = ()
    health_options: dict[str, str] = field(default_factory=dict)
    entry: tuple[str, ...] = ()
    command: tuple[str, ...] = ()


def stages(text: str, arguments: Mapping[str, str]) -> list[Stage]:
    """The stages of a Dockerfile, in order.

    Args:
        arguments: values of ARGs, as of `docker build --build-arg`.

    Raises:
        DockerfileError: an instruction or an option is not known here.
    """
    found: list[Stage] = []
    known: dict[str, str] = {}
    for word, rest in _instructions(text):
        if word == "FROM":
            found.append(_stage(rest))
            known = {}
        elif not found:
            raise DockerfileError(f"{word} stands before the first FROM")
        elif word == "ARG":
            name, _, default = rest.partition("=")
            known[name] = arguments.get(name, default)
        else:
            _add(found[-1], word, rest, known)
    return found


def _instructions(text: str) -> list[tuple[str, str]]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    parts = (line.strip().partition(" ") for line in joined.splitlines() if line.strip())
    return [(word.upper(), rest.strip()) for word, _, rest in parts]


def _stage(rest: str) -> Stage:
    match rest.split():
        case [base]:
            return Stage(base, None)
        case [base, as_, name] if as_.upper() == "AS":
            return Stage(base, name)
    raise DockerfileError(f"FROM {rest}")


def _add(stage: Stage, word: str, rest: str, known: Mapping[str, str]) -> None:
    values = {**known, **stage.environment}
    match word:
        case "RUN":
            stage.steps.append(Run(rest, values, stage.folder))
        case "COPY":
            stage.steps.append(_copy(_filled(rest, values), stage.folder))
        case "ENV":
            for pair in shlex.split(rest):
                name, _, value = pair.partition("=")
                stage.environment[name] = _filled(value, values)
        case "WORKDIR":
            stage.folder = _absolute(_filled(rest, values), stage.folder)
        case "USER":
            stage.user = _filled(rest, values)
        case "VOLUME":
            stage.volumes = _list(rest)
        case "STOPSIGNAL":
            stage.stop_signal = rest
        case "HEALTHCHECK":
            options, command = rest.split("CMD", 1)
            stage.health_options = _options(options.split())
            stage.health = _list(command.strip())
        case "ENTRYPOINT":
            stage.entry = _list(rest)
        case "CMD":
            stage.command = _list(rest)
        case "EXPOSE":
            pass  # It only tells.
        case _:
            raise DockerfileError(f"{word} is not known here")


def _copy(rest: str, folder: str) -> Copy:
    words = rest.split()
    options = _options([word for word in words if word.startswith("--")])
    unknown = options.keys() - {"from", "chown"}
    if unknown:
        raise DockerfileError(f"COPY --{unknown.pop()} is not known here")
    *sources, target = (word for word in words if not word.startswith("--"))
    return Copy(
        tuple(sources), _absolute(target, folder), options.get("from"), options.get("chown")
    )


def _options(words: list[str]) -> dict[str, str]:
    parts = (word.removeprefix("--").partition("=") for word in words)
    return {name: value for name, _, value in parts}


def _list(rest: str) -> tuple[str, ...]:
    if not rest.startswith("["):
        raise DockerfileError(f"{rest!r} is to be written as a JSON list, so that no shell is run")
    return tuple(json.loads(rest))


def _absolute(path: str, folder: str) -> str:
    if path.startswith("/"):
        return path
    return f"{folder.rstrip('/')}/{path.removeprefix('./')}"


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: values.get(found[1] or found[2], ""), text)
