"""How a page may look: by day or by night, on a desk or on a phone."""

from __future__ import annotations

from itertools import product

import pytest

from tests.longer import mostly_long

looks = pytest.mark.parametrize(
    ("phone", "dark"),
    mostly_long(product((False, True), repeat=2), (False, True), (True, False)),
    ids=["desk-light", "desk-dark", "phone-light", "phone-dark"],
)
"""Each of the two is tried both ways in `make test`, and all of it in `make test-long`."""
