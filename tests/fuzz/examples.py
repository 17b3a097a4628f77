"""How many examples a fuzzer tries, and which."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
"""Of each property; 0: as few as the suite has time for, and the same ones each time."""

fuzz = settings(
    max_examples=EXAMPLES or 100,
    derandomize=not EXAMPLES,
    database=None,
    # A stream of some kilobytes takes gigabytes and minutes to be made smaller.
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.data_too_large],
)
