"""What a folder of voices was found to hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rasr.synthesis.engines.sherpa.families import TRAITS, Family, FrontEnd
from rasr.synthesis.engines.sherpa.prompt import Prompt
from rasr.synthesis.errors import VoiceUnavailable


@dataclass(frozen=True, slots=True)
class VoiceModel:
    """The voices of one folder. It pickles."""

    folder: Path
    family: Family
    front_end: FrontEnd
    graphs: Mapping[str, Path]
    """By the argument of sherpa-onnx that takes it."""
    languages: tuple[str, ...]
    rate: int
    """Hz."""
    speakers: tuple[str, ...]
    """What the model calls them; "0", "1" and so on where it has no names. Each one's number is its
    place."""
    tokens: Path | None = None
    """None where `described` has them, and of families that have none."""
    lexicons: tuple[Path, ...] = ()
    accent: str = "en-us"
    """Whose English it was taught, as espeak-ng names it."""
    most_tokens: int | None = None
    """At a time; with more of them the library ends the process."""
    described: Mapping[str, str] = field(default_factory=dict)
    """Metadata that the graph lacks."""
    symbols: Mapping[str, int] = field(default_factory=dict)
    """Its tokens and their numbers."""
    prompt: Prompt | None = None
    """The recording that it imitates."""

    def refuse_steps(self, steps: int) -> None:
        """
        Raises:
            VoiceUnavailable: its sound is not made in steps, and some were asked for.
        """
        if steps and not TRAITS[self.family].has_steps:
            raise VoiceUnavailable(
                f"the voice in {self.folder} is of the family {self.family}, whose sound is not "
                "made in steps; leave steps out"
            )
