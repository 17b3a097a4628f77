"""One stream's failure is its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.recordings import load as recording
from decoder import DecodeFailed, Hypothesis
from decoder.sherpa import SherpaEngine, SherpaOptions
from tests.decoder.models.transducer import write_lstm


class Failing:
    """A recogniser that fails, after its work, on each batch that holds a guilty stream."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.guilty: list[object] = []
        self.opens_guilty = 0
        """So many of the next streams are guilty."""
        self.batches: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def create_stream(self) -> object:
        stream: object = self.inner.create_stream()
        if self.opens_guilty:
            self.opens_guilty -= 1
            self.guilty.append(stream)
        return stream

    def decode_streams(self, streams: Sequence[object]) -> None:
        self.batches.append(len(streams))
        self.inner.decode_streams(list(streams))
        if any(stream is guilty for stream in streams for guilty in self.guilty):
            raise RuntimeError("onnxruntime says no")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> SherpaEngine:
    folder: Path = write_lstm(tmp_path_factory.mktemp("failing"))
    return SherpaEngine(SherpaOptions(model=str(folder)))


def spoken(engine: SherpaEngine) -> Hypothesis:
    stream = engine.open()
    stream.accept(recording("library").samples)
    stream.finish()
    engine.decode([stream])
    result = stream.hypothesis()
    stream.close()
    return result


def test_a_batch_that_fails_once_is_decoded_anew_one_by_one(engine: SherpaEngine) -> None:
    expected = spoken(engine)
    failing: Any = Failing(engine._recognisers.fast)
    streams = [engine.open() for _ in range(3)]
    for stream in streams:
        stream.recogniser = failing
        stream.accept(recording("library").samples)
        stream.finish()
    failing.guilty.append(streams[1].native)
    engine.decode(streams)
    assert failing.batches[0] == 3
    assert set(failing.batches[1:]) == {1}
    assert [stream.hypothesis() for stream in streams] == [expected] * 3
    for stream in streams:
        stream.close()


def test_a_stream_that_always_fails_takes_no_other_with_it(engine: SherpaEngine) -> None:
    expected = spoken(engine)
    failing: Any = Failing(engine._recognisers.fast)
    streams = [engine.open() for _ in range(3)]
    half = len(recording("library").samples) // 2
    for stream in streams:
        stream.accept(recording("library").samples[:half])
    engine.decode(streams)
    for stream in streams:
        stream.recogniser = failing
        stream.accept(recording("library").samples[half:])
        stream.finish()
    failing.guilty.append(streams[0].native)
    failing.opens_guilty = 1
    with pytest.raises(DecodeFailed, match="1 of 3 utterances"):
        engine.decode(streams)
    # The scheduler asks each again, alone.
    with pytest.raises(DecodeFailed):
        engine.decode(streams[:1])
    for stream in streams[1:]:
        engine.decode([stream])
        assert stream.hypothesis() == expected
    for stream in streams:
        stream.close()
    assert spoken(engine) == expected
