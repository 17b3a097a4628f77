"""What this machine carries: measured at start as far as it must be known then, and in full as soon
as nobody speaks; learnt while it serves; remembered for next time.

A calibration tells the same each time, so its result is kept in a file for as long as everything
stays the same that it depends on: model, engine options, settings, versions and machine. Of several
starts the best is kept, and what was learnt from live steps too. A remembered result that cannot be
read, or that nobody can have measured, is measured anew; one that cannot be written is only said in
the log.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import structlog

import rasr
from decoder.cores import cores
from decoder.engine import Samples
from rasr.audio import SAMPLE_RATE
from rasr.audio.files import read_audio
from rasr.configuration.folders import cache_folder
from rasr.scheduling import IdleMoments, Scheduler, StepCosts
from rasr.scheduling.costs import TYPICAL_UTTERANCE_S, UNBROKEN_UTTERANCE_S
from rasr.server.admission import RECOGNITION_S
from rasr.server.engines import EnginePlan, fault_of
from rasr.settings import DecodingSettings, Settings

_log = structlog.get_logger("rasr.capacity")

SPEECH_RATIOS = (1.0, 0.6, 0.4, 0.2)
CONVERSATION = 0.4
"""So much of the audio of somebody who takes part in a conversation is speech."""
_MOST_BYTES = 1 << 16
"""Of a file; what was written here is shorter than 2 KB."""
_PACKAGES = ("sherpa-onnx", "pocketsphinx", "numpy", "onnxruntime")
_FORM = 4
"""Of the file; another number makes all that is remembered worthless."""


def memory_folder(environ: Mapping[str, str]) -> Path:
    """`capacity` among the user's caches."""
    return cache_folder(environ) / "capacity"


@dataclass(frozen=True, slots=True)
class Capacity:
    """Of one engine, alone on the machine."""

    engine: str
    costs: StepCosts
    cores: int
    streams: int
    """Utterances that can be open at once."""
    finals_only: bool = False
    """It makes second passes alone."""

    def recognitions(self, speech_ratio: float) -> int:
        """Recognitions that can be open at once if so much of their audio is speech.

        Each has a stream for `speech_ratio` of the time, takes so much of what unbroken speech
        takes of a slot, and what the event loop takes for any recognition. Nothing may be taken
        more than there is.
        """
        return carried([self], speech_ratio)


def carried(engines: Sequence[Capacity], speech_ratio: float) -> int:
    """Recognitions that can be open at once if each gives its speech to all of these engines.

    Args:
        engines: the live one, then that of the second pass where there is one.
        speech_ratio: so much of their audio is speech.
    """
    live = engines[0]
    # A second pass holds its stream for a moment, a segment from its start to its final.
    bounds = [live.streams / speech_ratio]
    core_s = RECOGNITION_S
    length_s = TYPICAL_UTTERANCE_S if speech_ratio < 1 else UNBROKEN_UTTERANCE_S
    for one in engines:
        slot_s = one.costs.per_second_of(length_s) * one.costs.in_service * speech_ratio
        bounds.append(one.costs.slots / slot_s)
        core_s += slot_s
    return int(min(*bounds, live.cores / core_s))


def admitted(engines: Sequence[Capacity], speech_ratio: float, max_load: float) -> int:
    """Of those who are carried, how many are admitted at once: at least one, whatever the load is.

    Args:
        engines: as of `carried`, and so is `speech_ratio`.
        max_load: the bound of the load up to which recognitions are admitted; 0: none.
    """
    return max(1, int(carried(engines, speech_ratio) * (max_load or 1.0)))


def summary(name: str, engines: Sequence[Capacity], max_load: float) -> str:
    """One sentence: how many people may speak at once, in conversation and without pauses.

    Args:
        name: of the engine, or of both.
        engines: as of `admitted`, and so is `max_load`.
    """
    talking, speaking = (
        _people(admitted(engines, ratio, max_load)) for ratio in (CONVERSATION, 1.0)
    )
    if carried(engines, CONVERSATION) < 1:
        sentence = f"{name} is too slow for this machine: even for 1 person the text comes late"
    elif carried(engines, 1.0) < 1:
        sentence = (
            f"{name} carries {talking} in conversation on this machine; "
            "the text of somebody who speaks without pauses comes late"
        )
    else:
        sentence = (
            f"{name} carries {talking} in conversation, or {speaking} speaking without pauses, at "
            "once on this machine"
        )
    if any(one.costs.is_disturbed for one in engines):
        sentence += " (others used it during the measurement, so it may be more)"
    return sentence


def _people(number: int) -> str:
    return f"about {number} {'person' if number == 1 else 'people'}"


class Calibration:
    """The costs of one engine: measured or remembered, kept up to date, remembered again."""

    def __init__(
        self, plan: EnginePlan, decoding: DecodingSettings, scheduler: Scheduler, folder: Path
    ) -> None:
        """
        Args:
            scheduler: it has been started.
            folder: where results are remembered.
        """
        self._plan = plan
        self._scheduler = scheduler
        self._key = _key(plan, decoding)
        digest = hashlib.sha256(json.dumps(self._key).encode()).hexdigest()[:32]
        self._file = folder / f"{digest}.json"
        self._kept: StepCosts | None = None
        """What the file is known to hold."""
        self._told: tuple[int, ...] = ()
        """What the log was told last."""

    async def begin(self, *, fresh: bool = False) -> bool:
        """Find the costs: remembered, or measured in a second. True if they were remembered.

        What is missing is measured by `keep_up`.

        Args:
            fresh: measure in any case, and all of them: it takes seconds.

        Raises:
            StartError: a worker died or hung.
        """
        kept = await asyncio.to_thread(_remembered, self._file, self._key, self._scheduler.slots)
        self._kept = kept
        if kept is not None and not fresh:
            self._scheduler.statistics.costs = kept
        else:
            speech = await asyncio.to_thread(_speech)
            with fault_of(self._plan.name):
                await self._scheduler.calibrate(speech, short=not fresh)
            await self.remember()
        if kept is not None or fresh:
            # A short calibration tells it only roughly: `keep_up` tells it as soon as it is known.
            self._tell()
        return kept is not None and not fresh

    def keep_up(self, moments: IdleMoments) -> None:
        """Measure again in idle moments, until the scheduler is stopped."""

        async def speech() -> Samples:
            return await asyncio.to_thread(_speech)

        async def told(costs: StepCosts) -> None:
            self._tell()
            await self.remember()

        self._scheduler.keep_calibrated(speech, told, moments)

    async def remember(self) -> None:
        """Write down what is known now, if it is better than what the file has."""
        costs = self._scheduler.statistics.costs
        # The numbers of a disturbed calibration would spare the next start a better one.
        if costs is None or costs.is_disturbed or costs == self._kept:
            return
        self._kept = await asyncio.to_thread(_remember, self._file, self._key, costs)

    def _tell(self) -> None:
        one = capacity_of(self._plan, self._scheduler)
        costs = one.costs
        lengths = {f"{length:g} s": round(s * 1000) for length, s in costs.by_length.items()}
        _log.debug(
            "costs",
            engine=self._plan.name,
            step_ms=round(costs.step_s * 1000),
            step_takes_ms={str(size): round(s * 1000, 1) for size, s in costs.seconds.items()},
            timely_batch=costs.timely_batch,
            **({"second_of_speech_takes_ms": lengths} if lengths else {}),
            **{f"rounds_{ratio:.0%}_speech": one.recognitions(ratio) for ratio in SPEECH_RATIOS},
            disturbance=round(costs.disturbance, 2),
            sure=costs.is_sure,
        )
        now = tuple(one.recognitions(ratio) for ratio in (CONVERSATION, 1.0))
        if now != self._told:
            self._told = now
            _log.info(
                "capacity",
                engine=self._plan.name,
                people_in_conversation=now[0],
                people_without_pauses=now[1],
                **({"others_used_the_machine": True} if costs.is_disturbed else {}),
            )


class Calibrations:
    """Those of a server, where somebody is to be refused for the load."""

    def __init__(self, folder: Path) -> None:
        """`folder`: where results are remembered."""
        self._folder = folder
        self._all: list[Calibration] = []

    async def begin(
        self,
        plans: Mapping[str, EnginePlan],
        settings: Settings,
        schedulers: Mapping[str, Scheduler],
    ) -> None:
        """Find what the engines carry: as much as that takes now, the rest in idle moments.

        Raises:
            StartError: a worker died or hung.
        """
        if not settings.capacity.max_load:
            return
        for name, scheduler in schedulers.items():
            one = Calibration(plans[name], settings.decoding, scheduler, self._folder)
            self._all.append(one)
            await one.begin()
        # Only now: a calibration at start is disturbed by nothing of ours.
        moments = IdleMoments([one.statistics for one in schedulers.values()])
        for one in self._all:
            one.keep_up(moments)

    async def remember(self) -> None:
        """Write what was learnt; then they are over."""
        for one in self._all:
            await one.remember()
        self._all = []


def capacity_of(plan: EnginePlan, scheduler: Scheduler) -> Capacity:
    """The capacity of an engine whose costs are known, by what is known now."""
    costs = scheduler.statistics.costs
    assert costs is not None, "a calibration comes first"
    return Capacity(plan.name, costs, cores(), scheduler.streams, plan.finals_only)


class Capacities(Mapping[str, Capacity]):
    """Of the engines whose costs are known, by their names: always by what is known now."""

    def __init__(
        self, plans: Mapping[str, EnginePlan], schedulers: Mapping[str, Scheduler]
    ) -> None:
        self._plans = plans
        self._schedulers = schedulers

    def __getitem__(self, name: str) -> Capacity:
        if self._schedulers[name].statistics.costs is None:
            raise KeyError(name)
        return capacity_of(self._plans[name], self._schedulers[name])

    def __iter__(self) -> Iterator[str]:
        known = self._schedulers.items()
        return (name for name, one in known if one.statistics.costs is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _speech() -> Samples:
    """Real speech: engines that search spend more or less on anything else."""
    with as_file(files("rasr") / "data" / "demo.flac") as path:
        return np.concatenate(list(read_audio(path, SAMPLE_RATE)))


def _key(plan: EnginePlan, decoding: DecodingSettings) -> dict[str, object]:
    """All that a result depends on, as far as it can be known without measuring."""
    return {
        "form": _FORM,
        "rasr": rasr.__version__,
        "packages": {name: _version(name) for name in _PACKAGES},
        "machine": [platform.machine(), platform.python_version(), cpu_model(), cores()],
        "engine": [plan.spec.kind, sorted((k, str(v)) for k, v in plan.spec.options.items())],
        "model": _stamps(plan),
        "workers": [plan.workers, plan.streams_per_instance],
        "finals_only": plan.finals_only,
        "steps": [decoding.step_ms, decoding.partial_ms],
    }


def _stamps(plan: EnginePlan) -> list[list[object]]:
    """Name, size and time of every file of the model's folder."""
    model = str(plan.spec.options.get("model", ""))
    found = sorted(Path(model).glob("*")) if model else []
    return [
        [file.name, file.stat().st_size, file.stat().st_mtime_ns]
        for file in found
        if file.is_file()
    ]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def cpu_model() -> str:
    """The processor's name, or "unknown" where the system does not say it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    models = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(models, "unknown")


def _remembered(file: Path, key: object, slots: int) -> StepCosts | None:
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise ValueError(f"it is longer than {_MOST_BYTES} bytes")
        known = json.loads(file.read_text(encoding="utf-8"))
        if known["key"] != json.loads(json.dumps(key)):
            return None
        costs = known["costs"]
        read = StepCosts(
            float(costs["step_s"]),
            int(costs["slots"]),
            {int(size): float(s) for size, s in costs["seconds"].items()},
            float(costs["disturbance"]),
            {float(length): float(s) for length, s in costs["by_length"].items()},
            {float(length): float(s) for length, s in costs["spared"].items()},
            int(costs["agreeing"]),
        )
        if read.slots != slots:
            raise ValueError(f"slots is {read.slots}; the engine has {slots}")
        return read
    except FileNotFoundError:
        return None
    except (
        *(OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError),
        # Brackets within brackets, thousands deep.
        RecursionError,
    ) as error:
        _log.warning(
            "calibration_unreadable", file=str(file), error=f"{type(error).__name__}: {error}"
        )
        return None


def _remember(file: Path, key: object, costs: StepCosts) -> StepCosts | None:
    """Keep the best of these costs and those in the file; what the file has then, if anything."""
    others = _remembered(file, key, costs.slots)
    best = costs
    if others is not None:
        # Another server of this machine may have written meanwhile. What the file had at start is
        # in these costs already, and is not to be counted twice as agreeing with itself.
        best = costs.best_with(others)
        counts = [one.agreeing for one in (costs, others) if one.agrees_with(best)]
        best = replace(best, agreeing=max(counts, default=0))
    known = {"key": key, "costs": asdict(best)}
    beside = file.with_suffix(f".{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(known), encoding="utf-8")
        beside.replace(file)
    except OSError as error:
        _log.warning("calibration_not_kept", file=str(file), error=str(error))
        return None
    return costs
