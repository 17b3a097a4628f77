"""Trying out a model in a child process.

sherpa-onnx ends its process on some bad models, and what onnxruntime does with a broken file nobody
has promised. So a server that loads a model only does what a child has just survived. What the
child learnt is handed back: the server need not open the files a second time, nor measure.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from decoder.errors import EngineUnavailable
from decoder.sherpa.options import ModelOptions

# Not `-m`: what a module that runs as __main__ pickles belongs to no module that is known here.
_CHILD = f"from {__name__} import main; main()"
_STAGE = "stage: "
_HINT_LETTERS = 300

Options = TypeVar("Options", bound=ModelOptions)
Found = TypeVar("Found")


def in_child(examine: Callable[[Options], Found], options: Options) -> Found:
    """What a function of a module finds out about a model, in a child process with a time limit.

    Args:
        examine: a function at the top of its module; it tells how far it is (`enter`). What it
            gives back can be pickled.

    Raises:
        EngineUnavailable: the model is no good; the text names file and cure.
    """
    # The child must find this package where this process found it, not in its working folder.
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))
    with tempfile.TemporaryDirectory(prefix="model-preflight-") as folder:
        asked, found = Path(folder, "asked"), Path(folder, "found")
        asked.write_bytes(pickle.dumps((examine, options)))
        try:
            child = subprocess.run(
                (sys.executable, "-P", "-c", _CHILD, str(asked), str(found)),
                env=os.environ | {"PYTHONPATH": path},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=options.preflight_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise EngineUnavailable(
                f"the model in {options.model} was not loaded and tried within "
                f"{options.preflight_s:g} s; choose a smaller model, or, for one that recognises, "
                "raise the option preflight_s"
            ) from error
        if child.returncode == 0:
            refused, result = pickle.loads(found.read_bytes())
            if refused is not None:
                raise refused
            known: Found = result
            return known
    raise EngineUnavailable(
        f"a preflight process ended with {child.returncode} while it {_stage(child.stdout)} the "
        f"model in {options.model}; pull the model again, or choose another one "
        f"(it said: {_hint(child.stderr)})"
    )


def enter(stage: str) -> None:
    """Say, in the child, what is done next: "loaded", as in "while it loaded the model"."""
    # Not print: its buffer dies with a process that sherpa-onnx ends.
    os.write(1, f"{_STAGE}{stage}\n".encode())


def _stage(output: bytes) -> str:
    lines = output.decode("utf-8", "replace").splitlines()
    stages = [line.removeprefix(_STAGE) for line in lines if line.startswith(_STAGE)]
    return stages[-1] if stages else "began to try"


def _hint(errors: bytes) -> str:
    lines = [line.strip() for line in errors.decode("utf-8", "replace").splitlines()]
    said = " / ".join([line for line in lines if line][-3:]) or "nothing"
    return said if len(said) <= _HINT_LETTERS else "…" + said[-_HINT_LETTERS:]


def main() -> None:
    """What the child process runs."""
    asked, found = sys.argv[1:]
    examine, options = pickle.loads(Path(asked).read_bytes())
    result = refused = None
    try:
        result = examine(options)
    except EngineUnavailable as error:
        refused = error
    Path(found).write_bytes(pickle.dumps((refused, result)))
