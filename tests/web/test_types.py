"""The type declarations name what the module has: no more, no less."""

from __future__ import annotations

import json
import re
import subprocess

from tests.web.node import HERE, node

CLIENT = HERE.parent.parent / "rasr" / "web" / "client"


def test_every_name_of_the_module_is_declared() -> None:
    script = "import(process.argv[1]).then((m) => console.log(JSON.stringify(Object.keys(m))))"
    run = subprocess.run(
        [node(), "-e", script, str(CLIENT / "rasr.js")], capture_output=True, text=True, check=True
    )
    declared = re.findall(
        r"^export (?:class|function) (\w+)", (CLIENT / "rasr.d.ts").read_text("utf-8"), re.M
    )
    assert sorted(json.loads(run.stdout)) == sorted(declared)


def test_every_event_that_is_told_has_a_type() -> None:
    told = re.findall(r'tell\((?:resumed \? )?"(\w+)"', (CLIENT / "session.js").read_text("utf-8"))
    types = (CLIENT / "rasr.d.ts").read_text("utf-8").partition("interface SessionEvents {")[2]
    declared = re.findall(r"^  (\w+): \{|^  (\w+): Segment", types.partition("\n}")[0], re.M)
    assert {"start", *told} == {name for pair in declared for name in pair if name}
