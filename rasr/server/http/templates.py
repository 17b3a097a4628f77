"""What the pages that the server writes itself have in common: their languages, their templates.

Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

Language = Literal["en", "zh"]
LANGUAGES: Mapping[Language, str] = {"en": "en", "zh": "zh-Hans"}
"""Languages of the pages' own sentences → the language tag of the page."""


def preferred_language(accept_language: str) -> Language:
    """The language of a page for a browser that sends this header."""
    best: Language = "en"
    best_weight = 0.0
    for part in accept_language.split(","):
        tag, _, weight = part.partition(";")
        language = tag.strip().lower().partition("-")[0]
        found = re.fullmatch(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", weight)
        value = 1.0 if not weight else float(found[1]) if found else 0.0
        if language in ("en", "zh") and value > best_weight:
            best, best_weight = ("zh" if language == "zh" else "en"), value
    return best


def filled(template: str, values: Mapping[str, str]) -> str:
    """`template` with a value, which is HTML, in place of each name in double braces."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], template)
