"""The names that settings have in the environment, and which one a misspelt name means."""

from __future__ import annotations

import difflib
import re

from rasr.configuration.files import CONFIG_VARIABLE
from rasr.configuration.schema import KeyPath, Leaf, Names, Node, Section, Short

PREFIX = "RASR_"
"""What all of them begin with."""
CREDENTIAL_VARIABLES = ("RASR_TOKEN", "RASR_AK", "RASR_SK", "RASR_PROJECT")
"""What commands show to a server that asks who calls; they are no settings."""
_SERVICE_LINK = re.compile(r"(tcp|udp|sctp)://")
"""Kubernetes sets RASR_SERVER_PORT to such an address in pods that are beside a service of the name
rasr-server."""
_NEAR = 0.9
"""From which likeness on, of 1, the name of a variable is taken for a misspelt one. Names that
Kubernetes makes, such as RASR_SERVICE_HOST, come to 0.87."""


def variable(path: KeyPath) -> str:
    """The variable of a setting."""
    return PREFIX + "__".join(path).upper()


def is_service_link(text: str) -> bool:
    """True for the value of a variable that Kubernetes has set."""
    return _SERVICE_LINK.match(text) is not None


def meant_variable(schema: Section, key: str) -> str | None:
    """The variable that one without two underscores is likely to mean; None for no likely one.

    Args:
        key: its name without the prefix, in small letters.
    """
    path = _spelt(schema, tuple(key.split("_")))
    if path is not None:
        return variable(path)
    known = {CONFIG_VARIABLE.removeprefix(PREFIX).lower(): CONFIG_VARIABLE}
    for section, node in schema.fields.items():
        for field in node.fields if isinstance(node, Section) else ():
            known[f"{section}_{field}"] = variable((section, field))
            known.setdefault(field, variable((section, field)))
    near = difflib.get_close_matches(key, known, n=1, cutoff=_NEAR)
    return known[near[0]] if near else None


def _spelt(node: Node, words: tuple[str, ...]) -> KeyPath | None:
    """The path from `node` to a setting that `words` are, whatever divides its parts."""
    if isinstance(node, Leaf):
        return None if words else ()
    if isinstance(node, Short):
        return _spelt(node.table, words) if words else ()
    for end in range(1, len(words) + 1):
        name = "_".join(words[:end])
        inner = node.item if isinstance(node, Names) else node.fields.get(name)
        rest = None if inner is None else _spelt(inner, words[end:])
        if rest is not None:
            return (name, *rest)
    return None
