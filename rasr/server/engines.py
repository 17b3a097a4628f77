"""The engines of a server: which there are, what serves which property, their workers.

The numbers that settings leave to the machine are chosen here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import assert_never

from decoder import Capabilities, DecoderError
from decoder.cores import cores
from decoder.registry import EngineKind, EngineSpec, Placement, describe, load
from rasr.recognition.config import EngineChoice
from rasr.scheduling import ProcessWorker, Scheduler, ThreadWorker, Worker
from rasr.server.errors import StartError
from rasr.settings import DecodingSettings, Served, Settings, final_engine, language_of, live_engine

_MEMORY_SHARE = 0.25
"""Of the machine's memory, for all decoders together."""


@dataclass(frozen=True, slots=True)
class EnginePlan:
    """One engine as it will be started."""

    name: str
    spec: EngineSpec
    kind: EngineKind
    workers: int
    """Threads or processes."""
    streams_per_instance: int
    """Utterances that one instance of the engine has open at a time: each process has an instance
    of its own, threads share one."""
    finals_only: bool
    """It hears nobody while he speaks: it is the engine of second passes alone."""


def plan(settings: Settings) -> dict[str, EnginePlan]:
    """Every engine that a property is served by, live or for finals, with its numbers.

    Raises:
        StartError: with all that is wrong in `engines` and `properties`, a line each.
    """
    faults: list[str] = []
    plans: dict[str, EnginePlan] = {}
    for key, _, name in _named(settings):
        if name not in settings.engines:
            known = ", ".join(settings.engines) or "none"
            faults.append(f"{key}: there is no engine {name!r}; there are: {known}")
        elif name not in plans:
            try:
                plans[name] = _plan_one(name, settings)
            except DecoderError as error:
                faults.append(f"engines.{name}: {error}")
    for served, by in settings.properties.items():
        if final_engine(by) == live_engine(by):
            faults.append(
                f"properties.{served}.final: {final_engine(by)!r} is the live engine too and would "
                "say the same again; name another engine or model, or leave final out"
            )
    if not settings.properties:
        faults.append("properties: nothing is served; map at least one language to an engine")
    if faults:
        raise StartError("\n".join(faults))
    return plans


def _named(settings: Settings) -> list[tuple[str, str, str]]:
    """Where under `properties` an engine is named, what it is to serve, and its name."""
    found = []
    for served, by in settings.properties.items():
        key = f"properties.{served}"
        found.append((key if isinstance(by, str) else f"{key}.live", served, live_engine(by)))
        final = final_engine(by)
        if final is not None:
            found.append((f"{key}.final", served, final))
    return found


def _plan_one(name: str, settings: Settings) -> EnginePlan:
    engine = settings.engines[name]
    kind = describe(engine.kind)
    workers = settings.decoding.workers or cores()
    streams = settings.decoding.streams_per_worker or _streams_by_memory(kind, workers)
    if kind.placement is Placement.THREAD:
        streams *= workers
    options = dict(engine.options)
    if kind.streams_option in options:
        raise DecoderError(
            f"option {kind.streams_option!r} follows from decoding.streams_per_worker; set that"
        )
    options[kind.streams_option] = streams
    if kind.languages_option is not None and not options.get(kind.languages_option):
        served = (language_of(key) for _, key, named in _named(settings) if named == name)
        options[kind.languages_option] = ",".join(dict.fromkeys(served))
    live = {live_engine(by) for by in settings.properties.values()}
    spec = EngineSpec(engine.kind, options)
    return EnginePlan(name, spec, kind, workers, streams, finals_only=name not in live)


def _streams_by_memory(kind: EngineKind, workers: int) -> int:
    if kind.stream_megabytes is None:
        return kind.streams_per_core
    memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6
    by_memory = int(memory_mb * _MEMORY_SHARE / kind.stream_megabytes / workers)
    return max(1, min(kind.streams_per_core, by_memory))


def make_scheduler(plan: EnginePlan, decoding: DecodingSettings) -> Scheduler:
    """A scheduler that has not been started."""
    match plan.kind.placement:
        case Placement.PROCESS:
            workers: list[Worker] = [ProcessWorker(plan.spec) for _ in range(plan.workers)]
        case Placement.THREAD:
            workers = [ThreadWorker(partial(load, plan.spec), plan.workers)]
        case _:
            assert_never(plan.kind.placement)
    return Scheduler(
        workers,
        decoding,
        streams_per_worker=plan.streams_per_instance,
        finals_only=plan.finals_only,
    )


@contextmanager
def fault_of(name: str) -> Iterator[None]:
    """While it lasts the engine of this name is loaded or measured.

    Raises:
        StartError: it cannot be had; the text names it.
    """
    try:
        yield
    except DecoderError as error:
        raise StartError(f"engines.{name}: {error}") from error


async def start_scheduler(name: str, scheduler: Scheduler) -> None:
    """Load the engine of this name.

    Raises:
        StartError: it cannot be had.
    """
    with fault_of(name):
        await scheduler.start()


@dataclass(frozen=True, slots=True)
class PropertyTable:
    """Which engine serves what, once the engines are there."""

    engines: Mapping[str, EngineChoice]
    """Property, language and rate, or language → engine."""

    def choose(self, model: str, language: str, sample_rate: int) -> EngineChoice | None:
        """The engine of the most particular entry that fits: model, language and rate, language.

        Args:
            model: the whole name that was asked for, such as "english_16k_common".
            sample_rate: Hz.
        """
        for key in (model, f"{language}_{sample_rate // 1000}k", language):
            if key in self.engines:
                return self.engines[key]
        return None

    def detecting(self, preferred: EngineChoice | None) -> EngineChoice | None:
        """An engine whose finals are in whatever language is spoken: this one, or the first that
        can; None: none can."""
        engines = (preferred, *self.engines.values())
        able = (one for one in engines if one is not None and one.of_finals.detects_language)
        return next(able, None)

    def of_language(self, language: str) -> EngineChoice | None:
        """The engine that a person who speaks this language most likely gets: at 16 kHz if it is
        served at that rate, else of any entry for it."""
        common = self.choose(f"{language}_16k_common", language, 16000)
        entries = (engine for key, engine in self.engines.items() if language_of(key) == language)
        return common or next(entries, None)

    @property
    def languages(self) -> tuple[str, ...]:
        """Those that are served."""
        return tuple(sorted({language_of(key) for key in self.engines}))


def property_table(settings: Settings, engines: Mapping[str, Capabilities]) -> PropertyTable:
    """Which of the engines, by their names, serves what.

    Raises:
        StartError: an engine does not know a language that it is to serve; a line for each.
    """
    faults = []
    for key, served, name in _named(settings):
        language, known = language_of(served), engines[name].languages
        if known and language not in known:
            faults.append(
                f"{key}: engine {name!r} does not know {language}, only "
                f"{', '.join(known)}; map {served} to an engine or a model that knows it"
            )
    if faults:
        raise StartError("\n".join(faults))
    choices = {
        name: EngineChoice(
            name,
            known.hot_words,
            known.word_times,
            known.lookahead_samples,
            known.writing,
            known.detects_language,
        )
        for name, known in engines.items()
    }

    def choice(by: Served) -> EngineChoice:
        final = final_engine(by)
        live = choices[live_engine(by)]
        return live if final is None else replace(live, final=choices[final])

    return PropertyTable({served: choice(by) for served, by in settings.properties.items()})
