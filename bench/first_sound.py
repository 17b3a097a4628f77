"""Verb `first-sound`: how soon people who listen in real time hear something, and whether a gap."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import click

from bench.latency import percentile
from bench.report import milliseconds, number, report, verdict
from bench.servers import FAKE_ENGINE, running_server, server_path_option
from rasr.client import ClientError, speak

_BAR_MS = 150.0
_RATE = 16000
_WARM = "[synthesis]\nwarm = true\n"
_PATIENCE_S = 60.0
_TEXTS = (
    "Good morning. The train to the coast leaves at noon, and the journey takes about an hour.",
    "您好，您的订单已经发货，预计明天下午三点送达。请保持电话畅通，谢谢。",
    "The meeting that was planned for Thursday at 10:30 has been moved to the large room on the "
    "second floor, because more people want to come than the small room has chairs for.",
    "今天气温25℃，风力3级。出门请带伞。",
)
_LONG = " ".join(f"${one % 9 + 1}.{one % 89 + 10} on May {one % 28 + 1}." for one in range(700))[
    :10_000
]
"""Ten thousand characters that take longest to be read: numbers and dates."""
_LISTENED_S = 3.0
"""Who has a long text spoken leaves after so long, and has it spoken again."""


@dataclass
class Heard:
    """What listeners have noticed."""

    first_ms: list[float] = field(default_factory=list)
    """From each text to its first sound."""
    lead_ms: list[float] = field(default_factory=list)
    """Of each text, the least sound that a player had when more came; below 0 it was a gap."""
    sound_s: float = 0.0
    errors: list[str] = field(default_factory=list)


async def _listen(
    url: str, voice: str, number: int, until: float, heard: Heard, texts: Sequence[str] = _TEXTS
) -> None:
    """Have texts spoken and listen to each in its own time."""
    loop = asyncio.get_running_loop()
    for turn in count():
        if loop.time() >= until:
            return
        text = texts[(number + turn) % len(texts)]
        began, seconds = await _hear(url, text, voice, heard)
        heard.sound_s += seconds
        # He hears it to its end, and says what he wants to hear next.
        await asyncio.sleep(max(began + seconds - loop.time(), 0))


async def _hear(url: str, text: str, voice: str, heard: Heard) -> tuple[float, float]:
    """One text: when its first sound came, and how long it is."""
    loop = asyncio.get_running_loop()
    began, seconds, lead = 0.0, 0.0, float("inf")
    async with (
        asyncio.timeout(_PATIENCE_S),
        speak(url, text, project_id="bench", property=voice, sample_rate=str(_RATE)) as speech,
    ):
        asked = loop.time()
        try:
            async for part in speech:
                if not isinstance(part, bytes):
                    continue
                now = loop.time()
                if seconds:
                    lead = min(lead, began + seconds - now)
                else:
                    began = now
                    heard.first_ms.append((now - asked) * 1000)
                seconds += len(part) / 2 / _RATE
                if text is _LONG and now - began > _LISTENED_S:
                    # What came ahead is not listened to.
                    seconds = now - began
                    break
        except ClientError as error:
            heard.errors.append(str(error))
    heard.lead_ms.append(lead * 1000)
    return began or loop.time(), seconds


async def _all(
    url: str, voice: str, streams: int, long: int, window_s: float
) -> tuple[Heard, Heard]:
    """What listeners of short texts have heard, and those of long ones."""
    loop = asyncio.get_running_loop()
    # Workers load, each what it takes for the languages of the texts.
    await asyncio.gather(
        *(_listen(url, voice, one, loop.time() + 0.1, Heard()) for one in range(8))
    )
    heard, heard_long = Heard(), Heard()
    until = loop.time() + window_s
    await asyncio.gather(
        *(_listen(url, voice, one, until, heard) for one in range(streams)),
        *(_listen(url, voice, one, until, heard_long, (_LONG,)) for one in range(long)),
    )
    return heard, heard_long


@click.command("first-sound")
@click.option("--streams", type=click.IntRange(min=1), default=20, show_default=True)
@click.option(
    "--long",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Listeners beside them who have 10,000 characters of numbers spoken, again and again.",
)
@click.option("--voice", default="espeak-female", show_default=True, help="As of `rasr voices`.")
@click.option("--window", "window_s", type=float, default=30.0, show_default=True, metavar="S")
@server_path_option
def first_sound(
    streams: int, long: int, voice: str, window_s: float, server_path: Path | None
) -> None:
    """STREAMS of real-time synthesis, each heard at the speed of speech, text after text.

    All begin at once, which is the worst that can happen; later they come as they have heard what
    came before. Wanted: p95 of the first sound below 150 ms with espeak-ng, and never a gap: more
    sound always comes before what was sent has been heard.

    \b
    python -m bench first-sound --streams 20
    """
    with running_server(FAKE_ENGINE + _WARM, server_path=server_path) as server:
        heard, heard_long = asyncio.run(_all(server.url, voice, streams, long, window_s))
        used = server.usage()
    p95 = percentile(heard.first_ms, 95)
    gaps = sum(one < 0 for one in heard.lead_ms)
    rows = [
        ("first sound, p50, ms", milliseconds(percentile(heard.first_ms, 50)), "–", "–"),
        (
            "first sound, p95, ms",
            milliseconds(p95),
            f"below {_BAR_MS:.0f}",
            verdict(p95, most=_BAR_MS),
        ),
        ("first sound, longest, ms", milliseconds(max(heard.first_ms, default=0.0)), "–", "–"),
        ("texts with a gap", number(gaps), "0", verdict(gaps, most=0)),
    ]
    if long:
        long_p95 = percentile(heard_long.first_ms, 95)
        rows.append(("of a long text, p95, ms", milliseconds(long_p95), "–", "–"))
    errors = heard.errors + heard_long.errors
    report(
        "first-sound",
        ("what", voice, "bar", "met"),
        rows,
        notes=(
            f"{streams} listeners for {window_s:.0f} s: {len(heard.first_ms)} texts, "
            f"{heard.sound_s:.0f} s of sound",
            f"{long} beside them with long texts: {len(heard_long.first_ms)} texts",
            f"errors: {len(errors)}{': ' + errors[0] if errors else ''}",
            f"memory of the server with all its processes: {used.tree_rss_bytes / 1e6:.0f} MB",
        ),
        figures={
            "texts": len(heard.first_ms),
            "first_p50_ms": percentile(heard.first_ms, 50),
            "first_p95_ms": p95,
            "gaps": gaps,
            "errors": len(errors),
            "sound_s": heard.sound_s,
            "long_first_p95_ms": percentile(heard_long.first_ms, 95) if long else None,
        },
    )
