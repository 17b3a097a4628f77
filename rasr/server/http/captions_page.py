"""The page of a caption channel: its appearance, as the query of its address says, and its HTML.

Pure. Every value is checked before it is written into the page, where the script reads it from
attributes: no style and no script stands in the page itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html import escape

LANGUAGES = {"en": "en", "zh": "zh-Hans"}
"""Languages of the page's own sentences → the language tag of the page."""


class PageError(Exception):
    """The query of an address is wrong; the text says what is allowed."""


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

PARAMETERS: Mapping[str, Parameter] = {
    "size": Parameter(
        "6", "height of the letters, 2 to 20, in hundredths of the page's height", _number(2, 20)
    ),
    "lines": Parameter("2", "how many lines are shown, 1 to 8", _whole(1, 8)),
    "position": Parameter("bottom", "top, middle or bottom", _one_of("top", "middle", "bottom")),
    "align": Parameter("center", "left, center or right", _one_of("left", "center", "right")),
    "color": Parameter("#ffffff", f"colour of the letters: {_COLOUR}", _colour),
    "box": Parameter("#000000c0", f"colour behind the letters: {_COLOUR}", _colour),
    "background": Parameter("transparent", f"colour of the page: {_COLOUR}", _colour),
    "hold": Parameter(
        "10", "for how many seconds of silence a text stays, 1 to 600; 0 = for ever", _whole(0, 600)
    ),
    "partials": Parameter(
        "yes", "yes or no: show a sentence while it is spoken", _one_of("yes", "no")
    ),
    "lang": Parameter(
        "en", "en or zh: the language of the page's own sentences", _one_of(*LANGUAGES)
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


def page(template: str, name: str, appearance: Mapping[str, str]) -> str:
    """The page that follows channel `name`.

    Args:
        template: `rasr/web/captions.html`.
        appearance: as `appearance_of` returns it.
    """
    attributes = {"channel": name} | dict(appearance)
    data = " ".join(f'data-{key}="{escape(value)}"' for key, value in attributes.items())
    script = '<script type="module" src="static/captions.js"></script>'
    return _filled(template, LANGUAGES[appearance["lang"]], f"{name} · captions", data, "", script)


def error_page(template: str, sentence: str) -> str:
    """The page that says why there are no captions."""
    return _filled(template, "en", "Captions", 'class="fault"', sentence, "")


def _filled(template: str, language: str, title: str, data: str, status: str, script: str) -> str:
    values = {
        "language": escape(language),
        "title": escape(title),
        "data": data,
        "status": escape(status),
        "script": script,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], template)
