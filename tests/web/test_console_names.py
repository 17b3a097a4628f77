"""The console has a word for everything that the server counts and bills."""

from __future__ import annotations

import re

import pytest

from rasr.server.auth.paths import RIGHTS
from rasr.usage.services import Service
from tests.web.node import HERE

CONSOLE = HERE.parent.parent / "rasr" / "web" / "console"
INTERFACES = {right.interface for right in RIGHTS.values()} - {""}


@pytest.mark.parametrize("language", ["english", "chinese"])
@pytest.mark.parametrize(
    ("kind", "names"),
    [("interface", INTERFACES), ("service", set(Service))],
    ids=["calls", "usage"],
)
def test_every_name_of_the_server_has_a_text(language: str, kind: str, names: set[str]) -> None:
    texts = (CONSOLE / f"{language}.js").read_text("utf-8")
    known = set(re.findall(rf"^  ({kind}_\w+):", texts, re.M))
    assert known == {f"{kind}_{name.replace('-', '_')}" for name in names}


@pytest.mark.parametrize(
    ("kind", "names"), [("INTERFACES", INTERFACES), ("SERVICES", set(Service))]
)
def test_every_name_of_the_server_has_a_place(kind: str, names: set[str]) -> None:
    overview = (CONSOLE / "overview.js").read_text("utf-8")
    listed = re.search(rf"const {kind} = \[(.+?)\]", overview, re.S)
    assert listed is not None
    assert set(re.findall(r'"([^"]+)"', listed[1])) == names
