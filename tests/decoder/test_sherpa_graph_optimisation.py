"""Optimised copies of a model: made, loaded, gone."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import helper

from decoder.sherpa.folder import ModelFiles
from decoder.sherpa.graph_optimisation import optimised
from tests.decoder.test_sherpa_convolutions import convolution


@pytest.mark.parametrize("group", [1, 4])
def test_the_files_of_a_model_stay_as_they_are_and_the_copy_goes(
    tmp_path: Path, group: int
) -> None:
    path = tmp_path / "encoder.onnx"
    model = convolution(channels=4, group=group)
    helper.set_model_props(model, {"model_type": "zipformer2"})
    onnx.save(model, str(path))
    before = path.read_bytes()
    files = ModelFiles(tmp_path / "tokens.txt", encoder=path, decoder=tmp_path / "decoder.onnx")
    with optimised(files) as copies:
        copy = copies.encoder
        assert copy is not None
        assert (copy == path) is (group == 1)
        # sherpa-onnx tells models apart by these.
        graph = onnx.load(str(copy))
        assert graph.metadata_props[0].value == "zipformer2"
        used = {name for node in graph.graph.node for name in node.input}
        assert {one.name for one in graph.graph.initializer} <= used
        assert copies.decoder == files.decoder
    assert copy.exists() is (group == 1)
    assert path.read_bytes() == before
