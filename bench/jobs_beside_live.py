"""Verb `jobs-beside-live`: what a job on a recording costs those who speak meanwhile."""

from __future__ import annotations

import math
import threading
from typing import Any

import click

from bench.beside import beside
from bench.latency import ratio
from bench.load_client import load_generator
from bench.load_result import Clock, LoadResult
from bench.recordings import load_human_demo
from bench.report import milliseconds, number, progress, report, verdict
from bench.servers import MeasuredServer
from bench.target import load_options, server_options, target
from rasr.audio import SAMPLE_RATE
from rasr.audio.writing import AudioWriter, WrittenFormat
from rasr.client import ClientError, RestClient

_LIVE_BAR = 1.2
_MEMORY_BAR_MB = 200
_POLL_S = 0.5


class Recordings:
    """Has one job on a recording done after the other."""

    def __init__(
        self, url: str, server: MeasuredServer | None, property_name: str, minutes: int
    ) -> None:
        """
        Args:
            server: None where it is not on this machine.
        """
        self.errors: list[str] = []
        self.memory_mb = math.nan
        """The most that the server had with all its processes, beside what it had before. NaN: it
        is not on this machine."""
        self._server = server
        self._before = 0 if server is None else server.usage().tree_rss_bytes
        self.heard_s = 0.0
        """Audio of jobs, seconds."""
        self._url = url.replace("ws", "http", 1)
        self._config = {"property": property_name, "audio_format": "mp3"}
        demo = load_human_demo().samples
        writer = AudioWriter(WrittenFormat.MP3, SAMPLE_RATE, SAMPLE_RATE)
        # Frames of MP3 stand for themselves.
        self._audio = (writer.feed(demo) + writer.flush()) * (
            minutes * 60 * SAMPLE_RATE // len(demo)
        )

    def work(self, over: threading.Event) -> None:
        """Have jobs done until the event is set."""
        with RestClient(self._url, "bench", None) as client:
            while not over.is_set():
                try:
                    self._one(client, over)
                except ClientError as error:
                    self.errors.append(str(error))
                    return

    def _one(self, client: RestClient, over: threading.Event) -> None:
        begun = client.ask("POST", "/asr/transcriber/uploads")
        size = begun["most_part_bytes"]
        for part, at in enumerate(range(0, len(self._audio), size)):
            path = f"/asr/transcriber/uploads/{begun['upload_id']}/{part}"
            client.ask("PUT", path, content=self._audio[at : at + size])
        body = {"config": self._config, "data_url": begun["data_url"]}
        job = client.ask("POST", "/asr/transcriber/jobs", body)["job_id"]
        path = f"/asr/transcriber/jobs/{job}"
        told: dict[str, Any] = {"status": "WAITING"}
        while told["status"] == "WAITING" and not over.wait(_POLL_S):
            told = client.ask("GET", path)
            self._look()
        self.heard_s += told.get("audio_duration", 0) / 1000 * told.get("progress", 0) / 100
        client.ask("DELETE", path)

    def _look(self) -> None:
        if self._server is not None:
            more = (self._server.usage().tree_rss_bytes - self._before) / 1e6
            self.memory_mb = more if math.isnan(self.memory_mb) else max(self.memory_mb, more)


@click.command("jobs-beside-live")
@click.option(
    "--minutes", type=click.IntRange(1, 300), default=30, show_default=True, help="of a recording"
)
@click.option(
    "--speakers", type=click.IntRange(min=1), default=4, show_default=True, help="who speak live"
)
@server_options
@load_options
def jobs_beside_live(minutes: int, speakers: int, processes: int | None, **options: Any) -> None:
    """Speakers alone, then the same ones beside jobs on recordings of so many MINUTES.

    Wanted: finals that are at most a fifth later, p95, beside a job than without, and at most
    200 MB of memory more, however long the recordings are.

    \b
    python -m bench jobs-beside-live --talk conversation
    """
    chosen = target(**options)
    with progress() as tracker, load_generator(tracker, processes) as generator:
        with chosen.running() as (url, server):
            quiet = generator.put_on(chosen.load(url, speakers), "speakers", None)
            recordings = Recordings(url, server, chosen.property_name, minutes)
            with beside(recordings.work):
                both = generator.put_on(chosen.load(url, speakers), "speakers and a job", None)
    finals = [one.ms(Clock.FINAL, 95) for one in (quiet, both)]
    later = ratio(finals[1], finals[0])
    errors = [*recordings.errors, *quiet.errors, *both.errors]
    report(
        "jobs-beside-live",
        ("", f"{Clock.FIRST} p50 ms", f"{Clock.FINAL} p95 ms"),
        [("speakers alone", *_row(quiet)), ("speakers and a job", *_row(both))],
        notes=(
            f"finals beside a job over those without, p95: {later:.2f}, bar at most "
            f"{_LIVE_BAR:.2f}, met: {verdict(later, most=_LIVE_BAR)}",
            f"audio of jobs meanwhile: {recordings.heard_s:.0f} s",
            f"memory of the server beside what it had, MB: {number(recordings.memory_mb)}, bar at "
            f"most {_MEMORY_BAR_MB}, met: {verdict(recordings.memory_mb, most=_MEMORY_BAR_MB)}",
            f"errors: {len(errors)}{': ' + errors[0] if errors else ''}",
            *chosen.notes(),
        ),
        figures={
            "final_p95_ms": finals,
            "finals_ratio": later,
            "jobs_audio_s": recordings.heard_s,
            "memory_mb": recordings.memory_mb,
            "errors": len(errors),
        },
    )


def _row(result: LoadResult) -> tuple[str, str]:
    return milliseconds(result.ms(Clock.FIRST, 50)), milliseconds(result.ms(Clock.FINAL, 95))
