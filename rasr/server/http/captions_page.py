"""The pages of a caption channel: their HTML, and their appearance as the query says it.

Every value is checked before it is written into a page, where the script reads it from
attributes: no style and no script stands in the page itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from html import escape
from importlib.resources import files

from rasr.server.http.templates import LANGUAGES, Language, filled, preferred_language

_BY_BROWSER = "auto"


class PageError(Exception):
    """The query of an address is wrong; the text says what is allowed."""


@dataclass(frozen=True, slots=True)
class View:
    """A page of a channel."""

    file: str
    """In `rasr/web`."""
    static: str
    """Where the pages' parts are, as the page sees it."""
    script: str
    """The name of its script there."""


CAPTIONS = View("captions.html", "static", "captions.js")
PREVIEW = replace(CAPTIONS, static="../static", script="preview.js")
"""The same page with a text of its own, to see what it looks like."""
SHARE = View("captions_share.html", "../static", "share.js")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter that the query of the address may have."""

    default: str
    allowed: str
    read: Callable[[str], str | None]
    """Makes the value that the page gets of what was typed; None where that is not allowed."""


def _number(low: float, high: float) -> Callable[[str], str | None]:
    def read(raw: str) -> str | None:
        if not re.fullmatch(r"[0-9]{1,3}(\.[0-9])?", raw):
            return None
        return raw if low <= float(raw) <= high else None

    return read


def _whole(low: int, high: int) -> Callable[[str], str | None]:
    def read(raw: str) -> str | None:
        return raw if re.fullmatch(r"[0-9]{1,3}", raw) and low <= int(raw) <= high else None

    return read


def _one_of(*words: str) -> Callable[[str], str | None]:
    return lambda raw: raw if raw in words else None


def _colour(raw: str) -> str | None:
    bare = raw.removeprefix("#")
    if raw == "transparent":
        return raw
    return f"#{bare}" if re.fullmatch(r"([0-9a-fA-F]{3,4}){1,2}", bare) else None


_COLOUR = "transparent, or 3, 4, 6 or 8 hexadecimal digits, such as ffffff or 000000c0"
_FONTS = ("sans", "serif", "mono")
_SHADOWS = ("none", "soft", "outline")

PARAMETERS: Mapping[str, Parameter] = {
    "size": Parameter(
        "5", "height of the letters, 2 to 20, in hundredths of the page's height", _number(2, 20)
    ),
    "lines": Parameter("2", "how many lines are shown, 1 to 8", _whole(1, 8)),
    "position": Parameter("bottom", "top, middle or bottom", _one_of("top", "middle", "bottom")),
    "align": Parameter(
        "center", "left, center or right: where the box stands", _one_of("left", "center", "right")
    ),
    "font": Parameter("sans", "sans, serif or mono", _one_of(*_FONTS)),
    "color": Parameter("#ffffff", f"colour of the letters: {_COLOUR}", _colour),
    "box": Parameter("#000000bf", f"colour behind the letters: {_COLOUR}", _colour),
    "background": Parameter("transparent", f"colour of the page: {_COLOUR}", _colour),
    "shadow": Parameter(
        "none", "none, soft or outline: what sets the letters off", _one_of(*_SHADOWS)
    ),
    "hold": Parameter(
        "10", "for how many seconds of silence a text stays, 1 to 600; 0 = for ever", _whole(0, 600)
    ),
    "partials": Parameter(
        "yes", "yes or no: show a sentence while it is spoken", _one_of("yes", "no")
    ),
    "status": Parameter(
        "auto",
        "yes, no or auto: tell whether somebody speaks and what goes wrong; auto = not in OBS and "
        "not in a frame",
        _one_of("yes", "no", "auto"),
    ),
    "lang": Parameter(
        _BY_BROWSER,
        "en, zh or auto: the language of the page's own sentences; auto = as the browser says",
        _one_of(*LANGUAGES, _BY_BROWSER),
    ),
}


def appearance_of(query: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Every parameter with its value, or its default where the query does not have it.

    Raises:
        PageError: with a sentence for each fault.
    """
    appearance = {name: parameter.default for name, parameter in PARAMETERS.items()}
    faults = []
    for name, raw in query:
        parameter = PARAMETERS.get(name)
        if parameter is None:
            known = ", ".join(PARAMETERS)
            faults.append(f"There is no parameter {name[:40]!r}; allowed: {known}.")
            continue
        value = parameter.read(raw)
        if value is None:
            faults.append(f"{name} is {raw[:40]!r}; allowed: {parameter.allowed}.")
        else:
            appearance[name] = value
    if faults:
        raise PageError(" ".join(faults))
    return appearance


def language_of(appearance: Mapping[str, str], accepted: str) -> Language:
    """The language of a page's own sentences.

    Args:
        accepted: the request's Accept-Language.
    """
    asked = appearance["lang"]
    named = next((language for language in LANGUAGES if language == asked), None)
    return named or preferred_language(accepted)


def page(view: View, name: str, appearance: Mapping[str, str], language: Language) -> str:
    """A page of channel `name`.

    Args:
        appearance: as `appearance_of` returns it.
    """
    defaults = {key: parameter.default for key, parameter in PARAMETERS.items()}
    attributes = {"channel": name, "defaults": json.dumps(defaults)} | dict(appearance)
    data = " ".join(f'data-{key}="{escape(value)}"' for key, value in attributes.items())
    script = f'<script type="module" src="{view.static}/{view.script}"></script>'
    return _filled(view, LANGUAGES[language], f"{name} · captions", data, "", script)


def error_page(view: View, sentence: str) -> str:
    """The page that says why there are no captions."""
    return _filled(
        replace(CAPTIONS, static=view.static), "en", "Captions", 'class="fault"', sentence, ""
    )


def _filled(view: View, language: str, title: str, data: str, status: str, script: str) -> str:
    values = {
        "static": view.static,
        "language": escape(language),
        "title": escape(title),
        "data": data,
        "status": escape(status),
        "script": script,
    }
    return filled(_template(view.file), values)


@cache
def _template(name: str) -> str:
    return (files("rasr") / "web" / name).read_text("utf-8")
