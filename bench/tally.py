"""What one process's streams were told, reckoned after the load: records in, an `Outcome` out."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.latency import Schedule, Wait, Window, end_wait, step_waits, told
from bench.line import Line
from bench.outcome import Clock, Outcome
from bench.perceived import seen
from bench.percentiles import percentile
from bench.sentences import finals
from bench.sound import CHUNK_SAMPLES
from bench.talkers import Load, Share, Stream


@dataclass(slots=True)
class Records:
    """What came of all streams of a load."""

    lines: list[tuple[Stream, Line]] = field(default_factory=list)
    late_s: list[float] = field(default_factory=list)
    client_cpu: float = 0.0


@dataclass(slots=True)
class _Sum:
    waits: dict[Clock, list[Wait]] = field(default_factory=lambda: {clock: [] for clock in Clock})
    errors: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    ended: int = 0
    sentences: int = 0
    lost: int = 0
    doubled: int = 0
    words: int = 0
    heard: int = 0


def reckon(load: Load, share: Share, records: Records, began_s: float) -> Outcome:
    total = _Sum()
    for stream, line in records.lines:
        if line.refusal is not None:
            total.refused.append(line.refusal)
            continue
        if line.failure is not None:
            total.errors.append(line.failure)
        try:
            _add(total, load, stream, line, began_s)
        except ValueError as error:
            total.errors.append(str(error))
    window = Window(began_s + load.warm_s, began_s + load.whole_s)
    shares = [stream.script.speech_share for stream, _ in records.lines]
    return Outcome(
        clients=len(range(share.number, load.clients, share.of)),
        window=window,
        waits={clock: tuple(window.of(waits)) for clock, waits in total.waits.items()},
        streams=len(records.lines),
        refused=tuple(total.refused),
        errors=tuple(total.errors),
        ended=total.ended,
        sentences=total.sentences,
        lost=total.lost,
        doubled=total.doubled,
        words=total.words,
        heard=total.heard,
        received=sum(
            window.start_s <= at_s < window.end_s
            for _, line in records.lines
            for at_s, _ in line.messages
        ),
        speech_share=sum(shares) / max(len(shares), 1),
        late_sends_ms=percentile(records.late_s, 99) * 1000,
        client_cpu=records.client_cpu,
    )


def _add(total: _Sum, load: Load, stream: Stream, line: Line, began_s: float) -> None:
    """What one stream was told.

    Raises:
        ValueError: it was told an error, or something that cannot be.
    """
    client, script = stream.client, stream.script
    start_s = began_s + stream.start_s
    schedule = Schedule(start_s, CHUNK_SAMPLES, len(script.chunks))
    answers = line.answers()
    if load.tells_steps:
        steps = [one for answer in answers if (one := told(answer)) is not None]
        total.waits[Clock.STEP] += step_waits(client, steps, schedule)
    end = end_wait(client, answers, schedule)
    if end is None:
        if line.failure is None:
            total.errors.append("the stream ended without its last answer")
        return
    total.ended += 1
    total.waits[Clock.END].append(end)
    counted = finals(client, answers, script, start_s)
    total.waits[Clock.FINAL] += counted.waits
    total.sentences += counted.sentences
    total.lost += counted.lost
    total.doubled += counted.doubled
    if load.source.knows_words and not load.tells_steps:
        words = seen(client, answers, script, start_s)
        total.waits[Clock.FIRST] += words.first
        total.waits[Clock.STABLE] += words.stable
        total.words += words.said
        total.heard += len(words.heard)
