"""The preflight: a model is examined, loaded and made to decode in a child process first.

sherpa-onnx ends its process on some bad models, and what onnxruntime does with a broken file nobody
has promised. So a server that loads a model only does what a child has just survived. What the
child learnt is handed back: the server need not open the files a second time, nor measure.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from decoder.errors import EngineUnavailable
from decoder.sherpa.chunking import Chunking, measure_chunking
from decoder.sherpa.families import Family
from decoder.sherpa.graph_optimisation import optimised
from decoder.sherpa.hot_words import HotWordPlan, plan_hot_words
from decoder.sherpa.model import Model, read_model
from decoder.sherpa.options import SherpaOptions
from decoder.sherpa.recogniser import (
    Recogniser,
    load_biased_recogniser,
    load_recogniser,
)
from decoder.sherpa.vocabulary import Vocabulary

# Not `-m`: what a module that runs as __main__ pickles belongs to no module that is known here.
_CHILD = f"from {__name__} import main; main()"
_STAGE = "stage: "
_HINT_LETTERS = 300


@dataclass(frozen=True, slots=True)
class Findings:
    """What is known of a model that passed."""

    model: Model
    vocabulary: Vocabulary
    hot_words: HotWordPlan
    chunking: Chunking


@dataclass(frozen=True, slots=True)
class Recognisers:
    """The recognisers of one model that are loaded."""

    fast: Recogniser
    biased: Recogniser | None
    """None where hot words are not wanted or not possible."""


def examine(options: SherpaOptions) -> Findings:
    """Findings on a model, from a child process with a time limit.

    Raises:
        EngineUnavailable: the model is no good; the text names file and cure.
    """
    # The child must find this package where this process found it, not in its working folder.
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))
    with tempfile.TemporaryDirectory(prefix="model-preflight-") as folder:
        found = Path(folder, "findings")
        try:
            child = subprocess.run(
                (sys.executable, "-P", "-c", _CHILD, json.dumps(asdict(options)), str(found)),
                env=os.environ | {"PYTHONPATH": path},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=options.preflight_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise EngineUnavailable(
                f"the model in {options.model} was not loaded and tried within "
                f"{options.preflight_s:g} s; raise the option preflight_s, or choose a smaller "
                "model"
            ) from error
        if child.returncode == 0:
            findings = pickle.loads(found.read_bytes())
            if isinstance(findings, EngineUnavailable):
                raise findings
            assert isinstance(findings, Findings)
            return findings
    raise EngineUnavailable(
        f"a preflight process ended with {child.returncode} while it {_stage(child.stdout)} the "
        f"model in {options.model}; pull the model again, or choose another one "
        f"(it said: {_hint(child.stderr)})"
    )


def load_recognisers(options: SherpaOptions, findings: Findings) -> Recognisers:
    """Load the recognisers of a model that was examined.

    Raises:
        EngineUnavailable: sherpa-onnx is not installed, or does not take the model.
    """
    with optimised(findings.model.files) as files:
        return _load(replace(findings.model, files=files), findings.hot_words, options)


def _load(model: Model, plan: HotWordPlan, options: SherpaOptions) -> Recognisers:
    fast = load_recogniser(model, options.beam if options.search == "beam" else None)
    if not plan.possible:
        return Recognisers(fast, None)
    with plan.pieces_file() as pieces:
        biased = load_biased_recogniser(
            model,
            modeling_unit=plan.unit,
            bpe_vocab=pieces,
            beam=options.beam,
            boost=options.hot_word_boost,
        )
    return Recognisers(fast, biased)


def _stage(output: bytes) -> str:
    lines = output.decode("utf-8", "replace").splitlines()
    stages = [line.removeprefix(_STAGE) for line in lines if line.startswith(_STAGE)]
    return stages[-1] if stages else "began to try"


def _hint(errors: bytes) -> str:
    lines = [line.strip() for line in errors.decode("utf-8", "replace").splitlines()]
    said = " / ".join([line for line in lines if line][-3:]) or "nothing"
    return said if len(said) <= _HINT_LETTERS else "…" + said[-_HINT_LETTERS:]


def _enter(stage: str) -> None:
    # Not print: its buffer dies with a process that sherpa-onnx ends.
    os.write(1, f"{_STAGE}{stage}\n".encode())


def _find(options: SherpaOptions) -> Findings:
    _enter("examined")
    model, vocabulary = read_model(options)
    if options.search == "beam" and model.family is not Family.TRANSDUCER:
        raise EngineUnavailable(
            f"the {model.name} in {model.files.tokens.parent} has no beam search; set the option "
            "search to greedy, or choose a transducer"
        )
    plan = plan_hot_words(model, vocabulary) if options.hot_words else HotWordPlan()
    _enter("loaded")
    # The chunking is not known yet, and not used to load.
    recognisers = load_recognisers(options, Findings(model, vocabulary, plan, Chunking(1, 1, 1)))
    _enter("measured")
    chunking = measure_chunking(recognisers.fast, model)
    _enter("tried to decode with")
    for recogniser in filter(None, (recognisers.fast, recognisers.biased)):
        _decode_noise(recogniser, model)
    return Findings(model, vocabulary, plan, chunking)


def _decode_noise(recogniser: Recogniser, model: Model) -> None:
    """Two streams at once, for as long as some steps take, and their results."""
    import numpy as np

    noise = np.random.default_rng(0).normal(0, 0.05, 3 * model.sample_rate).astype(np.float32)
    streams = [recogniser.create_stream() for _ in range(2)]
    for stream in streams:
        stream.accept_waveform(model.sample_rate, noise.tolist())
    while all(recogniser.is_ready(stream) for stream in streams):
        recogniser.decode_streams(streams)
    for stream in streams:
        _ = recogniser.get_result_all(stream).tokens


def main() -> None:
    """What the child process runs."""
    options, found = sys.argv[1:]
    findings: Findings | EngineUnavailable
    try:
        findings = _find(SherpaOptions(**json.loads(options)))
    except EngineUnavailable as error:
        findings = error
    Path(found).write_bytes(pickle.dumps(findings))
