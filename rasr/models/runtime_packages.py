"""The Python packages that run a model and do not come with every installation of rasr.

Which they are, in which versions, stands in the package's own metadata: its extras.
"""

from __future__ import annotations

import importlib.metadata
import re

from rasr.models.catalogue import Model

_EXTRAS = {"whisper": "whisper"}
"""Kind of engine → the extra that has its packages."""
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def missing_packages(model: Model) -> tuple[str, ...]:
    """The packages that the model's engine needs and this environment lacks, as pip takes them."""
    extra = _EXTRAS.get(model.engine)
    if extra is None:
        return ()
    return tuple(one for one in _requirements(extra) if not _is_here(one))


def _requirements(extra: str) -> list[str]:
    found = []
    for line in importlib.metadata.requires("rasr") or ():
        requirement, _, marker = line.partition(";")
        if re.search(rf"""extra\s*==\s*["']{extra}["']""", marker):
            found.append(requirement.strip())
    return found


def _is_here(requirement: str) -> bool:
    name = _NAME.match(requirement)
    assert name is not None
    try:
        importlib.metadata.distribution(name[0])
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
