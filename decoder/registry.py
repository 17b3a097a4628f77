"""Which engines there are: known by name, described without loading anything, loaded on demand."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from decoder.engine import Engine
from decoder.errors import DecoderError, EngineUnavailable
from decoder.live import LiveEngine, LiveOptions
from decoder.offline import OfflineEngine
from decoder.resampling import adapted

_LIVE_OPTIONS = frozenset(option.name for option in dataclasses.fields(LiveOptions))

OptionValue = str | int | float | bool


class Placement(Enum):
    """Where the engines of a kind run. It must be known before one is loaded."""

    THREAD = auto()
    """In threads of the server: decoding releases the GIL, so threads run beside each other."""
    PROCESS = auto()
    """In worker processes: decoding holds the GIL."""


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """An engine and its options. Pickles, so that it can travel to a worker process."""

    kind: str
    options: Mapping[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EngineKind:
    """What is known of an engine before it is loaded."""

    name: str
    placement: Placement
    streams_option: str
    """The option that says how many utterances one instance decodes by turns."""
    stream_megabytes: float | None
    """Memory for each of them; None where it is of no account."""
    streams_per_core: int
    """Utterances that a core decodes at the speed of speech, with some reserve."""
    live: LiveOptions | None = None
    """Of an offline engine: how often it reads an utterance that grows, unless options say
    otherwise. None for a streaming engine."""
    languages_option: str | None = None
    """The option that says which languages are spoken, where an engine can be told. Where nobody
    sets it, they are those of the properties that the engine serves."""


_KINDS = (
    # A seventh of real time for read speech and a quarter for noisy speech: six leave no reserve
    # for the second and some for the first.
    EngineKind("pocketsphinx", Placement.PROCESS, "decoders", 100.0, 6),
    # Fifty of a model of 20 million parameters, in batches (`python -m bench peers`); fewer of a
    # larger one, which a person who serves it has to say.
    EngineKind("sherpa-onnx", Placement.THREAD, "streams", 6.0, 48),
    # A reading each 0.3 s of utterances of some seconds, for half a minute of speech on two cores
    # (`python -m bench capacity`).
    EngineKind("moonshine", Placement.THREAD, "streams", None, 128, LiveOptions(interval_ms=300)),
    # Read again each 0.4 s of speech, the smallest of its models takes 0.4 of a core for a speaker.
    EngineKind("sherpa-onnx-offline", Placement.THREAD, "streams", 2.0, 2, live=LiveOptions()),
    # A reading of six seconds takes 0.35 s with Whisper base, and one of a larger model more: half
    # of a core for each speaker at least.
    EngineKind(
        "whisper",
        Placement.THREAD,
        "streams",
        10.0,
        2,
        LiveOptions(interval_ms=800),
        languages_option="languages",
    ),
    EngineKind("fake", Placement.THREAD, "streams", None, 256),
)


def describe(kind: str) -> EngineKind:
    """What is known of engines of this kind.

    Raises:
        DecoderError: there is no such kind.
    """
    for known in _KINDS:
        if known.name == kind:
            return known
    raise DecoderError(
        f"there is no engine kind {kind!r}; allowed: {', '.join(known.name for known in _KINDS)}"
    )


def load(spec: EngineSpec) -> Engine:
    """Load an engine that takes 16 kHz, and warm it. Takes seconds.

    Raises:
        DecoderError: there is no such kind, or an option that it does not take.
        EngineUnavailable: its package or model is missing.
    """
    live = describe(spec.kind).live
    if live is None:
        return adapted(_load(spec))
    given = {name: value for name, value in spec.options.items() if name in _LIVE_OPTIONS}
    options: LiveOptions = _checked(spec.kind, given, LiveOptions, live)
    options.check()
    return LiveEngine(load_offline(spec), options)


def load_offline(spec: EngineSpec) -> OfflineEngine:
    """Load an engine that reads whole utterances, and warm it. Takes seconds.

    Options that only concern live speech (`decoder.live.LiveOptions`) are left aside.

    Raises:
        DecoderError: there is no such kind, it is a streaming one, or an option that it does not
            take.
        EngineUnavailable: its package or model is missing.
    """
    own = EngineSpec(
        spec.kind,
        {name: value for name, value in spec.options.items() if name not in _LIVE_OPTIONS},
    )
    if spec.kind == "moonshine":
        from decoder.moonshine import MoonshineEngine, MoonshineOptions

        return MoonshineEngine(_options(own, MoonshineOptions))
    if spec.kind == "sherpa-onnx-offline":
        from decoder.sherpa.offline import SherpaOfflineEngine, SherpaOfflineOptions

        return SherpaOfflineEngine(_options(own, SherpaOfflineOptions))
    if spec.kind == "whisper":
        from decoder.whisper.options import WhisperOptions

        try:
            from decoder.whisper.engine import WhisperEngine
        except ImportError as error:
            raise EngineUnavailable(
                f"the package {error.name} is not installed; `rasr setup` installs it with a "
                "language of Whisper, and in a copy of the repository pip install '.[whisper]'"
            ) from error
        return WhisperEngine(_options(own, WhisperOptions))
    raise DecoderError(f"engines of kind {spec.kind!r} read no whole utterances")


def _load(spec: EngineSpec) -> Engine:
    # Each engine's file is imported only when it is asked for, and with it the engine's library.
    if describe(spec.kind).name == "pocketsphinx":
        from decoder.pocketsphinx.options import PocketSphinxOptions

        options = _options(spec, PocketSphinxOptions)
        try:
            from decoder.pocketsphinx.engine import PocketSphinxEngine
        except ImportError as error:
            raise EngineUnavailable(
                "the package pocketsphinx is not installed; pip install pocketsphinx"
            ) from error
        return PocketSphinxEngine(options)
    if spec.kind == "sherpa-onnx":
        from decoder.sherpa import SherpaEngine, SherpaOptions

        return SherpaEngine(_options(spec, SherpaOptions))
    from decoder.fake import FakeEngine, FakeOptions

    return FakeEngine(_options(spec, FakeOptions))


def _options(spec: EngineSpec, options_type: Any) -> Any:
    """`spec.options` as the dataclass of its kind."""
    return _checked(spec.kind, spec.options, options_type, options_type())


def _checked(kind: str, given: Mapping[str, OptionValue], options_type: Any, defaults: Any) -> Any:
    known = {option.name: option for option in dataclasses.fields(options_type)}
    faults = []
    for name, value in given.items():
        if name not in known:
            faults.append(f"there is no option {name!r}; allowed: {', '.join(known)}")
            continue
        default = getattr(defaults, name)
        wanted = (int, float) if isinstance(default, float) else (type(default),)
        if type(value) not in wanted:
            faults.append(f"option {name!r} is {value!r}; allowed: {wanted[-1].__name__}")
    if faults:
        raise DecoderError(f"{kind}: {'; '.join(faults)}")
    return dataclasses.replace(defaults, **given)
