"""Lines of JSON as verbs write them, for tests of what is drawn from them."""

from __future__ import annotations

import json
from collections.abc import Mapping

from bench.report import plain


def line(verb: str, figures: Mapping[str, object], **settings: object) -> object:
    """A line with the figures of a verb, as it is read back."""
    whole = {
        "verb": verb,
        "commit": "abc",
        "machine": {"cpu": "a processor", "cores": 2},
        "settings": settings,
        "figures": figures,
    }
    told: object = json.loads(json.dumps(plain(whole), allow_nan=False))
    return told
