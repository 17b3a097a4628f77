"""Engines by name: unknown kinds and options are told with what is allowed."""

from __future__ import annotations

import pickle

import pytest

from decoder import DecoderError
from decoder.registry import EngineSpec, Placement, describe, load


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (
            EngineSpec("other"),
            "no engine kind 'other'; allowed: pocketsphinx, sherpa-onnx, moonshine, "
            "sherpa-onnx-offline, whisper, fake",
        ),
        (EngineSpec("fake", {"cost": 1}), "no option 'cost'; allowed: streams, "),
        (EngineSpec("fake", {"streams": "4"}), "option 'streams' is '4'; allowed: int"),
        (EngineSpec("fake", {"streams": True}), "option 'streams' is True; allowed: int"),
        (EngineSpec("pocketsphinx", {"fwdflat": 1}), "option 'fwdflat' is 1; allowed: bool"),
    ],
)
def test_what_cannot_be_loaded_is_told_with_what_is_allowed(
    spec: EngineSpec, sentence: str
) -> None:
    with pytest.raises(DecoderError) as refused:
        load(spec)
    assert sentence in str(refused.value)


def test_a_spec_travels_to_a_worker_process() -> None:
    spec = EngineSpec("fake", {"streams": 3})
    assert pickle.loads(pickle.dumps(spec)) == spec


def test_a_kind_says_where_its_engines_run() -> None:
    assert describe("pocketsphinx").placement is Placement.PROCESS
    assert describe("fake").placement is Placement.THREAD
