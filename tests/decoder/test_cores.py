"""How many cores a process may use where its container or its service has a share of them."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from decoder import cores as module
from decoder.cores import cores, limits


def groups(folder: Path, own: str, files: dict[str, str]) -> tuple[Path, Path]:
    for name, text in files.items():
        path = folder / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    (folder / "own").write_text(own)
    return folder / "groups", folder / "own"


@pytest.mark.parametrize(
    ("own", "files", "least"),
    [
        pytest.param("0::/\n", {"cpu.max": "150000 100000"}, 1.5, id="a container"),
        pytest.param("0::/\n", {"cpu.max": "max 100000"}, math.inf, id="without a bound"),
        pytest.param("0::/\n", {}, math.inf, id="the machine itself"),
        pytest.param(
            "0::/system.slice/rasr.service\n",
            {
                "system.slice/cpu.max": "400000 100000",
                "system.slice/rasr.service/cpu.max": "max 100000",
            },
            4.0,
            id="a service within a bounded slice",
        ),
        pytest.param(
            "4:cpu,cpuacct:/\n0::/\n",
            {"cpu,cpuacct/cpu.cfs_quota_us": "50000", "cpu,cpuacct/cpu.cfs_period_us": "100000"},
            0.5,
            id="the first version",
        ),
        pytest.param(
            "4:cpu:/pod\n",
            {"cpu/pod/cpu.cfs_quota_us": "-1", "cpu/pod/cpu.cfs_period_us": "100000"},
            math.inf,
            id="the first version without a bound",
        ),
        pytest.param("0::/../elsewhere\n", {}, math.inf, id="a group that is not shown here"),
    ],
)
def test_the_share_of_a_container_bounds_the_cores(
    tmp_path: Path, own: str, files: dict[str, str], least: float
) -> None:
    assert min(limits(*groups(tmp_path, own, files))) == least


@pytest.mark.parametrize(("share", "expected"), [(0.3, 1), (1.0, 1), (1.2, 2), (math.inf, None)])
def test_a_part_of_a_core_is_a_core(
    monkeypatch: pytest.MonkeyPatch, share: float, expected: int | None
) -> None:
    monkeypatch.setattr(module, "limits", lambda: iter([math.inf, share]))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert cores() == (expected or 8)
