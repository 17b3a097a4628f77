"""Verb `short-audio`: one call after the other, alone and beside people who speak."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
import wave
from collections.abc import Iterator, Sequence
from typing import Any

import click
import httpx

from bench.beside import beside
from bench.latency import percentile, ratio
from bench.load_client import load_generator
from bench.load_result import Clock, LoadResult
from bench.recordings import english_of_people
from bench.report import milliseconds, number, progress, report, verdict
from bench.target import Target, load_options, server_options, target
from rasr.audio import SAMPLE_RATE, Samples

CLIP_S = 3
_CALL_BAR_MS = 400.0
_LIVE_BAR = 1.25
"""Of two runs with nothing beside them the p95 of finals differ by about a fifth."""
_PATIENCE_S = 60.0
_AGAIN_S = 0.5
"""A client that is refused tries again after so long."""


class Caller:
    """Posts recordings, one after the other."""

    def __init__(self, url: str, property_name: str, clips: Sequence[Samples]) -> None:
        self.took_ms: list[float] = []
        """Of those that were answered with a text."""
        self.refused = 0
        """For want of room, as a server does that keeps it for who is there."""
        self.errors: list[str] = []
        self._url = f"{url.replace('ws', 'http', 1)}/v1/bench/asr/short-audio"
        self._bodies = [_body(clip, property_name) for clip in clips]

    def call_until(self, over: threading.Event) -> None:
        """Make calls until it is over."""
        for _ in self.calls():
            if over.is_set():
                return

    def calls(self, count: int | None = None) -> Iterator[int]:
        """Make so many calls, or calls without end; yields how many are over."""
        done = 0
        with httpx.Client(trust_env=False, timeout=_PATIENCE_S) as web:
            while count is None or done < count:
                body = self._bodies[done % len(self._bodies)]
                began_s = time.monotonic()
                answer = web.post(self._url, content=body)
                if answer.status_code == httpx.codes.OK:
                    self.took_ms.append((time.monotonic() - began_s) * 1000)
                elif answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
                    self.refused += 1
                    time.sleep(_AGAIN_S)
                else:
                    self.errors.append(answer.json()["error_msg"])
                done += 1
                yield done


def clips_of_speech() -> list[Samples]:
    """Pieces of people's speech, each of them `CLIP_S` long, that overlap."""
    length = CLIP_S * SAMPLE_RATE
    return [
        samples[at : at + length]
        for samples in english_of_people()
        for at in range(0, len(samples) - length + 1, SAMPLE_RATE // 2)
    ]


def _body(clip: Samples, property_name: str) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes(clip.astype("<i2").tobytes())
    config = {"audio_format": "wav", "property": property_name, "add_punc": "yes"}
    return json.dumps(
        {"config": config, "data": base64.b64encode(file.getvalue()).decode()}
    ).encode()


@click.command("short-audio")
@click.option("--calls", type=click.IntRange(min=1), default=200, show_default=True)
@click.option(
    "--speakers", type=click.IntRange(min=1), default=4, show_default=True, help="who speak live"
)
@server_options
@load_options
def short_audio(calls: int, speakers: int, processes: int | None, **options: Any) -> None:
    """CALLS of one-sentence recognition over HTTP, one after the other, and live speech beside.

    Each call has 3 s of people's speech as a WAV file: of the demo, and of RASR_SPEECH_DIR.
    First the calls alone, then the speakers alone, then both. Wanted: p95 of a call alone at most
    0.4 s, and finals of the speakers that are at most a quarter later, p95, with the calls beside
    them than without.

    \b
    python -m bench short-audio --talk conversation
    """
    chosen = target(**options)
    clips = clips_of_speech()
    with progress() as tracker, load_generator(tracker, processes) as generator:
        with chosen.running() as (url, _):
            alone = Caller(url, chosen.property_name, clips)
            # The first ones find caches cold.
            for _ in alone.calls(len(clips)):
                pass
            alone.took_ms.clear()
            tracker.step("calls", calls)
            for done in alone.calls(calls):
                tracker.at(done)
            people = chosen.load(url, speakers)
            quiet = generator.put_on(people, "speakers", None)
            meanwhile = Caller(url, chosen.property_name, clips)
            with beside(meanwhile.call_until):
                both = generator.put_on(people, "speakers and calls", None)
    _report(chosen, alone, meanwhile, quiet, both)


def _report(
    chosen: Target, alone: Caller, meanwhile: Caller, quiet: LoadResult, both: LoadResult
) -> None:
    p95 = percentile(alone.took_ms, 95)
    finals = [one.ms(Clock.FINAL, 95) for one in (quiet, both)]
    later = ratio(finals[1], finals[0])
    rows = [
        ("calls alone", *_call_row(alone), "–", "–"),
        ("speakers alone", "–", "–", "–", "–", *_live_row(quiet)),
        ("both", *_call_row(meanwhile), *_live_row(both)),
    ]
    errors = [*alone.errors, *meanwhile.errors, *quiet.errors, *both.errors]
    report(
        "short-audio",
        (
            "",
            "calls",
            "refused",
            "p50 ms",
            "p95 ms",
            f"{Clock.FIRST} p50 ms",
            f"{Clock.FINAL} p95 ms",
        ),
        rows,
        notes=(
            f"a call alone, p95: {p95:.0f} ms, bar at most {_CALL_BAR_MS:.0f}, met: "
            f"{verdict(p95, most=_CALL_BAR_MS)}",
            f"finals beside the calls over those without, p95: {later:.2f}, bar at most "
            f"{_LIVE_BAR:.2f}, met: {verdict(later, most=_LIVE_BAR)}",
            f"errors: {len(errors)}{': ' + errors[0] if errors else ''}",
            *chosen.notes(),
        ),
        figures={
            "calls": len(alone.took_ms),
            "call_p50_ms": percentile(alone.took_ms, 50),
            "call_p95_ms": p95,
            "calls_beside": len(meanwhile.took_ms),
            "refused_beside": meanwhile.refused,
            "call_beside_p50_ms": percentile(meanwhile.took_ms, 50),
            "call_beside_p95_ms": percentile(meanwhile.took_ms, 95),
            "first_p50_ms": [one.ms(Clock.FIRST, 50) for one in (quiet, both)],
            "final_p95_ms": finals,
            "finals_ratio": later,
            "errors": len(errors),
        },
    )


def _call_row(caller: Caller) -> tuple[str, str, str, str]:
    return (
        number(len(caller.took_ms), ".0f"),
        number(caller.refused, ".0f"),
        milliseconds(percentile(caller.took_ms, 50)),
        milliseconds(percentile(caller.took_ms, 95)),
    )


def _live_row(result: LoadResult) -> tuple[str, str]:
    return milliseconds(result.ms(Clock.FIRST, 50)), milliseconds(result.ms(Clock.FINAL, 95))
