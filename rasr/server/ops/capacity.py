"""What this machine carries: calibrated at start, remembered for the next one.

A calibration takes seconds and tells the same each time, so its result is kept in a file for as
long as everything stays the same that it depends on: model, engine options, settings, versions and
machine. A remembered result that cannot be read is measured anew; one that cannot be written is
only said in the log.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
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
from rasr.scheduling import Scheduler, StepCosts
from rasr.server.admission import RECOGNITION_S
from rasr.server.engines import EnginePlan
from rasr.settings import DecodingSettings

_log = structlog.get_logger("rasr.capacity")

SPEECH_RATIOS = (1.0, 0.6, 0.4, 0.2)
MOST_DISTURBANCE = 1.5
"""`StepCosts.disturbance` past which others used the machine too much for a result to be kept."""
_PACKAGES = ("sherpa-onnx", "pocketsphinx", "numpy", "onnxruntime")
_FORM = 3
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
    remembered: bool
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
    for one in engines:
        slot_s = one.costs.per_second * one.costs.in_service * speech_ratio
        bounds.append(one.costs.slots / slot_s)
        core_s += slot_s
    return int(min(*bounds, live.cores / core_s))


async def calibrated(
    plan: EnginePlan,
    decoding: DecodingSettings,
    scheduler: Scheduler,
    folder: Path,
    *,
    fresh: bool = False,
) -> Capacity:
    """The capacity of an engine that has been started, remembered or measured.

    Args:
        folder: where results are remembered.
        fresh: measure in any case.
    """
    key = _key(plan, decoding)
    file = folder / f"{hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]}.json"
    costs = None if fresh else _remembered(file, key)
    remembered = costs is not None
    if costs is None:
        costs = await scheduler.calibrate(_speech(), finals_only=plan.finals_only)
        if costs.disturbance <= MOST_DISTURBANCE:
            _remember(file, key, costs)
        else:
            _log.warning("calibration_disturbed", engine=plan.name, by=round(costs.disturbance, 2))
    capacity = Capacity(plan.name, costs, cores(), scheduler.streams, remembered, plan.finals_only)
    scheduler.statistics.costs = costs
    _log.info(
        "capacity",
        engine=plan.name,
        step_ms=round(costs.step_s * 1000),
        step_takes_ms={str(size): round(s * 1000, 1) for size, s in costs.seconds.items()},
        timely_batch=costs.timely_batch,
        **(
            {
                "second_of_speech_takes_ms": {
                    f"{length:g} s": round(s * 1000) for length, s in costs.by_length.items()
                }
            }
            if costs.by_length
            else {}
        ),
        **{f"rounds_{ratio:.0%}_speech": capacity.recognitions(ratio) for ratio in SPEECH_RATIOS},
        remembered=remembered,
    )
    return capacity


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


def _remembered(file: Path, key: object) -> StepCosts | None:
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
        if known["key"] != json.loads(json.dumps(key)):
            return None
        costs = known["costs"]
        return StepCosts(
            float(costs["step_s"]),
            int(costs["slots"]),
            {int(size): float(s) for size, s in costs["seconds"].items()},
            float(costs["disturbance"]),
            {float(length): float(s) for length, s in costs["by_length"].items()},
            {float(length): float(s) for length, s in costs["spared"].items()},
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        _log.warning("calibration_unreadable", file=str(file), error=type(error).__name__)
        return None


def _remember(file: Path, key: object, costs: StepCosts) -> None:
    known = {"key": key, "costs": asdict(costs)}
    beside = file.with_suffix(f".{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(known), encoding="utf-8")
        beside.replace(file)
    except OSError as error:
        _log.warning("calibration_not_kept", file=str(file), error=str(error))
