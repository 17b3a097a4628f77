"""What the documents tell people to type, held against the programs themselves.

A command of this project is read by its own parser; of other programs the files that are named must
be here. A program that nobody knows how to check is a mistake of the document or of this module.
"""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from itertools import pairwise

import click

import bench.__main__
from rasr.cli import main as rasr
from rasr.deploy.arguments import Arguments
from tests.docs.pages import ROOT
from tests.docs.shell import Words

_PLACEHOLDER = re.compile(r"[A-Z][A-Z_]*|…")
_OWN = re.compile(r"(?:docs|deploy|rasr|vad|decoder|bench|tests)/\S+")
_TARGET = re.compile(r"^([a-z-]+):(?!=)", re.MULTILINE)
_SERVICES = {
    "rasr": "deploy/systemd/rasr.service",
    "nginx": "deploy/proxy/nginx.conf",
    "caddy": "deploy/proxy/Caddyfile",
}


class Unknown(AssertionError):
    """Nobody knows how to check this."""


def check(words: Words) -> None:
    """Raises AssertionError where the command cannot be what it should be."""
    for word in words:
        if (path := _OWN.fullmatch(word)) is not None:
            assert (ROOT / path.group()).exists(), f"there is no {word}"
    program, *rest = words
    name = program.rpartition("/")[2]
    checker = _PROGRAMS.get(name)
    if checker is None:
        raise Unknown(f"nobody checks {name!r}: {' '.join(words)}")
    checker(tuple(rest))


def _rasr(words: Words) -> None:
    _click(rasr, words)


def _click(command: click.Command, words: Words) -> None:
    """Every option is there, with a value that it takes; every command of a group, too."""
    path = command.name or ""
    while True:
        context = click.Context(command, info_name=path)
        words = tuple(word for word in words if word != "…")
        values, rest, _ = command.make_parser(context).parse_args(list(words))
        for parameter in command.get_params(context):
            _value(context, parameter, values.get(parameter.name or ""))
        if not isinstance(command, click.Group):
            assert not rest, f"{path} takes no {rest[0]!r}"
            return
        if not rest or _PLACEHOLDER.fullmatch(rest[0]):
            return
        inner = command.get_command(context, rest[0])
        assert inner is not None, f"{path} has no command {rest[0]!r}"
        command, path, words = inner, f"{path} {rest[0]}", tuple(rest[1:])


def _value(context: click.Context, parameter: click.Parameter, value: object) -> None:
    """A value that was written down must be one that is taken; files need not be there."""
    if isinstance(parameter.type, click.Path):
        return
    given = value if isinstance(value, list | tuple) else [value]
    texts = [one for one in given if isinstance(one, str)]
    if len(texts) < len(given):
        return  # Not given, or a flag.
    if not any(map(_PLACEHOLDER.fullmatch, texts)):
        parameter.type_cast_value(context, value)


def _python(words: Words) -> None:
    match words:
        case ["-m", "bench", *rest]:
            _click(bench.__main__.main, tuple(rest))
        case ["-m", "rasr", *rest]:
            _rasr(tuple(rest))
        case ["-m", module, *_]:
            assert importlib.util.find_spec(module) is not None, f"there is no module {module}"
        case [script, *_]:
            assert (ROOT / script).suffix == ".py"
        case _:
            pass


def _make(words: Words) -> None:
    targets = _TARGET.findall((ROOT / "Makefile").read_text("utf-8"))
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "-C":
            rest.pop(0)
        elif "=" not in word:
            assert word in targets, f"there is no target {word!r}"


def _pip(words: Words) -> None:
    assert words[0] == "install"
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
        "optional-dependencies"
    ]
    for word in words[1:]:
        if (asked := re.fullmatch(r"(?:\.|rasr)\[(\w+)\]", word)) is not None:
            assert asked.group(1) in extras, f"there is no extra {word}"
        else:
            assert word in ("-e", "."), f"{word} is not ours"


def _sudo(words: Words) -> None:
    rest = list(words)
    if rest[0] == "-u":
        rest = rest[2:]
    while "=" in rest[0]:
        rest.pop(0)
    check(tuple(rest))


def _service(words: Words) -> None:
    action, *rest = (word for word in words if word != "--now")
    if action == "daemon-reload":
        return
    assert action in ("enable", "reload", "restart", "status", "stop"), action
    (name,) = rest
    assert (ROOT / _SERVICES[name]).exists()


def _journal(words: Words) -> None:
    assert words[:2] == ("-u", "rasr")


def _recorder(words: Words) -> None:
    given = dict(pairwise(words))
    assert (given["-f"], given["-r"]) == ("S16_LE", "16000"), "it must be 16 bit, 16 kHz, mono"


def _converter(words: Words) -> None:
    given = dict(pairwise(words))
    assert (given["-ac"], given["-ar"]) == ("1", "16000"), "it must be 16 kHz, mono"
    assert words[-1].endswith(".wav")


def _uvx(words: Words) -> None:
    assert words[:3] == ("--from", ".", "rasr")
    _rasr(words[3:])


def _helm(words: Words) -> None:
    """Values that are set are values of the chart; the paths are checked as all are."""
    action, _name, _chart, *options = words
    assert action == "install", action
    for option, value in zip(options[::2], options[1::2], strict=True):
        if option == "--set":
            schema = json.loads((ROOT / "deploy/helm/rasr/values.schema.json").read_text("utf-8"))
            for part in value.partition("=")[0].split("."):
                schema = schema["properties"][part]
        else:
            assert option == "--values", option


def _serve(words: Words) -> None:
    """Ray's: of our application, with arguments that it takes."""
    action, target, *rest = words
    assert (action, target) == ("run", "rasr.deploy.ray:application")
    for word in rest:
        assert word.partition("=")[0] in Arguments.model_fields, f"there is no argument {word}"


def _of(*allowed: str) -> Callable[[Words], None]:
    """A check of the first word of a program that does many things."""

    def checker(words: Words) -> None:
        assert words[0] in allowed, f"{words[0]!r} is not one of {allowed}"

    return checker


def _anything(words: Words) -> None:
    """A tool of every system, of which only named files could be wrong."""


_PROGRAMS: Mapping[str, Callable[[Words], None]] = {
    "rasr": _rasr,
    "make": _make,
    "python": _python,
    "python3": _python,
    "pip": _pip,
    "uvx": _uvx,
    "sudo": _sudo,
    "systemctl": _service,
    "journalctl": _journal,
    "arecord": _recorder,
    "ffmpeg": _converter,
    "apt-get": _of("install"),
    "caddy": _of("hash-password", "validate"),
    "docker": _of("build", "compose", "run"),
    "dotnet": _of("run"),
    "git": _of("clone"),
    "helm": _helm,
    "kubectl": _of("create", "rollout"),
    "go": _of("mod", "get", "run"),
    "nginx": _of("-t"),
    "serve": _serve,
    **dict.fromkeys(("base64", "cp", "curl", "echo", "sed", "websocat"), _anything),
    **dict.fromkeys(("htpasswd", "mkdir", "ssh", "useradd"), _anything),
    **dict.fromkeys(("java", "mcs", "mono", "node"), _anything),
}
