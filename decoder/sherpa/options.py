"""What can be set for a sherpa-onnx engine."""

from __future__ import annotations

from dataclasses import dataclass

from decoder.errors import EngineUnavailable

PRECISIONS = ("auto", "int8", "fp32")
SEARCHES = ("greedy", "beam")


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """Options of every engine that runs a model by sherpa-onnx.

    Names and types are those that a settings file writes.
    """

    model: str = ""
    """Folder of the model."""
    precision: str = "auto"
    """int8 or fp32; auto takes int8 where the folder has it."""
    variant: str = ""
    """A part of the file names, for folders that hold several models: "chunk-16-left-128"."""
    languages: str = ""
    """As SIS properties begin, with commas: "chinese,english". Empty: as the model's metadata
    say; where they say nothing, the model serves whatever language it is mapped to."""
    search: str = "greedy"
    """greedy keeps the best path alone and is fastest; beam keeps `beam` of them and hears better,
    for transducers only."""
    hot_words: bool = False
    """Load the model a second time, with the beam search that hot words need."""
    hot_word_boost: float = 1.5
    """Score added to each token of a hot word of boost 1."""
    beam: int = 4
    """Paths that the beam search keeps, which is that with hot words, and any with search beam."""
    preflight_s: float = 300.0
    """Seconds that the preflight in a child process may take."""

    def check(self) -> None:
        """Refuse values that are out of range, all in one sentence.

        Raises:
            EngineUnavailable: a value is out of its range.
        """
        faults = self.faults()
        if faults:
            raise EngineUnavailable("; ".join(faults))

    def faults(self) -> list[str]:
        """What is out of range: for each a part of a sentence with what is allowed."""
        faults = []
        if not self.model:
            faults.append("model is empty; it names the folder of a model")
        if self.precision not in PRECISIONS:
            faults.append(f"precision is {self.precision!r}; allowed: {', '.join(PRECISIONS)}")
        if self.search not in SEARCHES:
            faults.append(f"search is {self.search!r}; allowed: {', '.join(SEARCHES)}")
        if self.hot_word_boost < 0:
            faults.append(f"hot_word_boost is {self.hot_word_boost}; allowed: 0 or more")
        if self.beam < 1:
            faults.append(f"beam is {self.beam}; allowed: 1 or more")
        if self.preflight_s <= 0:
            faults.append(f"preflight_s is {self.preflight_s}; allowed: more than 0")
        return faults


@dataclass(frozen=True, slots=True)
class SherpaOptions(ModelOptions):
    """Options of the engine for streaming models."""

    streams: int = 256
    """Utterances open at the same time."""
    emission_delay_ms: int = -1
    """How long after a word begins its first token comes, taken off word times. -1: what the
    model's metadata say, or not known, which costs a step more at the end of each utterance."""
    writes_marks: bool = False
    """The model writes punctuation marks and capital letters by itself; nothing in its files says
    so."""

    def faults(self) -> list[str]:
        """What is out of range, as `ModelOptions.faults`."""
        # Not super() alone: a dataclass with slots is made a second time, and super() knows the
        # first class only.
        faults = ModelOptions.faults(self)
        if self.streams < 1:
            faults.append(f"streams is {self.streams}; allowed: 1 or more")
        if self.emission_delay_ms < -1:
            faults.append(f"emission_delay_ms is {self.emission_delay_ms}; allowed: -1 or more")
        return faults
