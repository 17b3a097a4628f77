"""Verb `flash`: a long recording alone, and beside people who speak."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import click
import httpx
import numpy as np

from bench.beside import beside
from bench.latency import ratio
from bench.load_client import load_generator
from bench.load_result import Clock, LoadResult
from bench.recordings import english_of_people
from bench.report import milliseconds, number, progress, report, verdict
from bench.servers import MeasuredServer
from bench.target import Target, load_options, server_options, target
from rasr.audio import SAMPLE_RATE, Encoding, Samples, encode

_SPEED_BAR = 15.0
_LIVE_BAR = 1.2
_AT_ONCE = 64 << 10


@dataclass
class Caller:
    """Has recordings transcribed."""

    url: str
    """Of the server, with its query."""
    recording: bytes
    errors: list[str] = field(default_factory=list)

    def call(self) -> float:
        """One call. Returns the seconds that it took."""
        began_s = time.monotonic()
        with httpx.Client(trust_env=False, timeout=None) as web:
            answer = web.post(self.url, content=self.recording)
        body = answer.json() if answer.status_code == httpx.codes.OK else {}
        if not any(channel["sentences"] for channel in body.get("flash_result", ())):
            self.errors.append(answer.text[:200] or "nothing was recognised")
        return time.monotonic() - began_s

    def call_until(self, over: threading.Event) -> None:
        """One call after the other; the last one is given up."""

        def parts() -> Iterator[bytes]:
            for at in range(0, len(self.recording), _AT_ONCE):
                yield self.recording[at : at + _AT_ONCE]

        with httpx.Client(trust_env=False, timeout=None) as web:
            while not over.is_set():
                headers = {"accept": "text/event-stream"}
                with web.stream("POST", self.url, content=parts(), headers=headers) as answer:
                    if answer.status_code != httpx.codes.OK:
                        self.errors.append(f"status {answer.status_code}")
                        return
                    for _ in answer.iter_lines():
                        if over.is_set():
                            return


def speech_of(minutes: float) -> Samples:
    """So many minutes of people's speech, with half a second of near silence between recordings."""
    random = np.random.default_rng(1)
    pause = random.normal(0, 3, SAMPLE_RATE // 2).astype(np.int16)
    round_of = np.concatenate([part for one in english_of_people() for part in (one, pause)])
    wanted = round(minutes * 60 * SAMPLE_RATE)
    return np.resize(round_of, wanted)


@click.command("flash")
@click.option("--minutes", type=click.FloatRange(min=0.5, max=105), default=60, show_default=True)
@click.option(
    "--speakers",
    type=click.IntRange(min=0),
    default=2,
    show_default=True,
    help="who speak live beside it; 0 = leave that out",
)
@server_options
@load_options
def flash(minutes: float, speakers: int, processes: int | None, **options: Any) -> None:
    """Flash transcription of MINUTES of people's speech, and live speech beside.

    The recording is sent as µ-law: of the demo, and of RASR_SPEECH_DIR. First the recording alone,
    then the speakers alone, then both. Wanted: at least 15 times as fast as it was spoken, on two
    cores, and finals of the speakers, p95, that take at most 1.2 times as long with the recording
    beside them as without.

    \b
    python -m bench flash --minutes 60
    """
    chosen = target(**options)
    recording = encode(speech_of(minutes), Encoding.ULAW)
    with progress() as tracker, load_generator(tracker, processes) as generator:
        with chosen.running() as (url, server):
            query = f"audio_format=ulaw16k8bit&property={chosen.property_name}"
            base = url.replace("ws", "http", 1)
            caller = Caller(f"{base}/v1/bench/asr/flash?{query}", recording)
            tracker.step("recording", 1)
            before_s = _cpu_s(server)
            took_s = caller.call()
            cpu_s = _cpu_s(server) - before_s
            live: list[LoadResult] = []
            if speakers:
                people = chosen.load(url, speakers)
                live.append(generator.put_on(people, "speakers", None))
                with beside(caller.call_until):
                    live.append(generator.put_on(people, "speakers and recording", None))
    _report(chosen, minutes, took_s, cpu_s, live, caller.errors)


def _cpu_s(server: MeasuredServer | None) -> float:
    return float("nan") if server is None else server.usage().cpu_s


def _report(
    chosen: Target,
    minutes: float,
    took_s: float,
    cpu_s: float,
    live: list[LoadResult],
    errors: list[str],
) -> None:
    speed = minutes * 60 / took_s
    by_core = minutes * 60 / cpu_s
    finals = [one.ms(Clock.FINAL, 95) for one in live]
    firsts = [one.ms(Clock.FIRST, 50) for one in live]
    rows = [("recording alone", f"{minutes:g}", number(took_s, ".1f"), number(speed, ".1f"), "–")]
    rows += [
        (name, "–", "–", "–", milliseconds(final))
        for name, final in zip(("speakers alone", "both"), finals, strict=False)
    ]
    notes = [
        f"as fast as it was spoken, times: {speed:.1f}, bar at least {_SPEED_BAR:.0f}, met: "
        f"{verdict(speed, least=_SPEED_BAR)}",
        f"seconds of speech for a second of one core: {by_core:.1f}",
    ]
    later = float("nan")
    if live:
        later = ratio(finals[1], finals[0])
        notes.append(
            f"finals beside the recording over those without, p95: {later:.2f}, bar at most "
            f"{_LIVE_BAR:.2f}, met: {verdict(later, most=_LIVE_BAR)}"
        )
    all_errors = [*errors, *(one for result in live for one in result.errors)]
    notes.append(f"errors: {len(all_errors)}{': ' + all_errors[0] if all_errors else ''}")
    report(
        "flash",
        ("", "minutes", "took s", "times as fast", f"{Clock.FINAL} p95 ms"),
        rows,
        notes=(*notes, *(chosen.notes() if live else ())),
        figures={
            "minutes": minutes,
            "took_s": took_s,
            "speed": speed,
            "speed_by_core": by_core,
            "first_p50_ms": firsts,
            "final_p95_ms": finals,
            "finals_ratio": later,
            "errors": len(all_errors),
        },
    )
