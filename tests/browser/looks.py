"""How a page may look: by day or by night, on a desk or on a phone."""

from __future__ import annotations

import pytest

looks = pytest.mark.parametrize(
    ("phone", "dark"),
    [
        pytest.param(False, False, id="desk-light", marks=pytest.mark.long),
        pytest.param(False, True, id="desk-dark"),
        pytest.param(True, False, id="phone-light"),
        pytest.param(True, True, id="phone-dark", marks=pytest.mark.long),
    ],
)
"""Each of the two is tried both ways in `make test`, and all of it in `make test-long`."""
