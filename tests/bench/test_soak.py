"""A soak of seconds: every visit, the numbers, the picture, and what the numbers would say."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import pictures
from bench.__main__ import main
from bench.servers import FAKE_ENGINE
from bench.soak import Sample, Timeline, figures, slope, verdict
from bench.soak_clients import HEAVY, VISITS, Record, VisitContext, visit
from bench.workload import ContinuousCorpus
from rasr.recognition.config import EngineChoice
from rasr.server.admission import Party, Slot
from rasr.server.service import Service
from tests.bench.lines import line
from tests.processes import LONG_S
from tests.server.conftest import fake_settings

BRIEF = 0.1
"""Visits of a second or two."""


def context_of(url: str, record: Record) -> VisitContext:
    corpus = ContinuousCorpus.read()
    return VisitContext(url, corpus, "english_16k_common", record, brevity=BRIEF)


def sample(at_s: float, *, rss_mb: float = 100.0, descriptors: int = 16, tasks: int = 5) -> Sample:
    return Sample(at_s, rss_mb, 0.0, descriptors, tasks, 3, 0, 0, 0.0, 0.0)


def timeline(*samples: Sample, after: Sample | None = None) -> Timeline:
    return Timeline(60.0, list(samples), before=sample(0), after=after or sample(1200))


@pytest.mark.parametrize("name", [name for name in VISITS if name not in HEAVY])
async def test_a_visit_is_made_without_a_fault_and_leaves_nothing(name: str) -> None:
    # Whoever falls silent is dropped soon; others may be late on a busy machine, or pause.
    idle_s = 1.0 if name == "falls silent" else LONG_S
    async with Service(fake_settings(session={"idle_s": idle_s})) as service:
        record = Record()
        context = context_of(service.url, record)
        await visit(context, name, random.Random(1))
        assert not record.faults
        assert record.visits == {name: 1}
        await service.state.connections.quiet()
        (scheduler,) = service.state.schedulers.values()
        assert scheduler.statistics.open_tasks == 0


async def test_a_flood_is_decoded_to_its_end_and_who_never_reads_is_dropped() -> None:
    async with Service(fake_settings(server={"port": 0, "send_timeout_s": 1.0})) as service:
        record = Record()
        context = context_of(service.url, record)
        for name in HEAVY:
            await visit(context, name, random.Random(1))
        assert not record.faults
        await service.state.connections.quiet()
        assert service.state.statistics.sessions["the client does not read"] == 1


async def test_a_server_without_room_is_no_fault_and_one_that_is_not_there_is() -> None:
    async with Service(fake_settings(decoding={"max_rounds": 1})) as service:
        record = Record()
        context = context_of(service.url, record)
        admission = service.state.admission
        slot = admission.take(Party("x", "x"), EngineChoice("fake"), 0.0)
        assert isinstance(slot, Slot)
        await visit(context, "ends well", random.Random(1))
        admission.leave(slot, 0.0)
        assert (record.refused, record.faults.total()) == (1, 0)
    await visit(context, "ends well", random.Random(1))
    assert record.faults.total() == 1


@pytest.mark.long
def test_a_soak_of_seconds_tells_slopes_and_leaks_and_draws_them(tmp_path: Path) -> None:
    png, to, config = (tmp_path / name for name in ("soak.png", "soak.json", "rasr.toml"))
    # Who falls silent or does not read is dropped soon: but none who only pauses, for up to 0.8 s,
    # on a machine that is busy. Nothing is measured meanwhile, which would be a task as well.
    config.write_text(
        f"{FAKE_ENGINE}[session]\nidle_s = 6\n[server]\nsend_timeout_s = 1\n"
        "[capacity]\nmax_load = 0\n"
    )
    result = CliRunner().invoke(
        main,
        [
            "soak",
            *("--minutes", "0.05", "--clients", "4", "--every", "0.5", "--brevity", "0.1"),
            *("--config", str(config)),
            *("--plot", str(png), "--json", str(to)),
        ],
    )
    # Memory may well grow in the first seconds; all else must be as it should.
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    told = json.loads(to.read_text())["figures"]
    assert told["leaked_descriptors"] <= 0
    assert told["leaked_tasks"] <= 0
    assert told["faults"] == {}
    assert sum(told["visits"].values()) >= 4
    assert png.read_bytes().startswith(b"\x89PNG")
    assert "memory, MB" in result.output


def test_a_slope_is_growth_a_minute() -> None:
    assert slope([(0, 10.0), (60, 12.0), (120, 14.0)]) == pytest.approx(2.0)
    assert math.isnan(slope([(0, 1.0), (1, 2.0)]))


def test_growth_before_the_warm_up_is_over_does_not_count() -> None:
    seen = timeline(
        sample(0, rss_mb=50), sample(30, rss_mb=90), *(sample(60 * n) for n in range(1, 9))
    )
    assert seen.memory_slope() == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("seen", "record", "row"),
    [
        (
            timeline(*(sample(60.0 * n, rss_mb=100 + 2 * n) for n in range(1, 9))),
            Record(),
            "memory",
        ),
        (timeline(after=sample(1200, descriptors=17)), Record(), "descriptors"),
        (timeline(after=sample(1200, tasks=6)), Record(), "tasks"),
    ],
)
def test_a_leak_of_anything_is_a_bar_not_met(seen: Timeline, record: Record, row: str) -> None:
    if len(seen.samples) < 3:
        seen.samples = [sample(60.0 * n) for n in range(1, 9)]
    rows, met = verdict(seen, record)
    assert not met
    assert [one[0] for one in rows if one[-1] == "no"] == [one[0] for one in rows if row in one[0]][
        :1
    ]


def test_a_server_that_stays_as_it_was_meets_every_bar() -> None:
    _, met = verdict(timeline(*(sample(60.0 * n) for n in range(1, 9))), Record())
    assert met


def test_finals_are_told_by_the_minute_once_the_warm_up_is_over() -> None:
    seen = timeline()
    seen.finals = [(10.0, 9.0), (65.0, 0.1), (119.0, 0.1), (121.0, 0.3)]
    middles, p95 = zip(*seen.p95_by_minute(), strict=True)
    assert middles == (90.0, 150.0)
    assert p95 == pytest.approx((100, 300))


def test_a_picture_of_a_short_soak_is_drawn_too(tmp_path: Path) -> None:
    told = figures(timeline(sample(0)), Record()) | {"engine": "fake"}
    pictures.draw(line("soak", told), tmp_path / "one.png")
    assert (tmp_path / "one.png").stat().st_size > 1000
