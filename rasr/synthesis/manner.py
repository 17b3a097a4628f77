"""How something is said: tempo, pitch and loudness, and the scale of the service for them."""

from __future__ import annotations

from dataclasses import dataclass

SPEEDS = (-500, 500)
"""On the service's scale; at 0 about 250 characters a minute."""
PITCHES = (-500, 500)
VOLUMES = (0, 100)
USUAL_VOLUME = 50

_TEMPOS = (0.5, 2.0)
_HEIGHTS = (0.5, 2.0)
_GAINS = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Manner:
    """Factors on what a voice does by itself."""

    tempo: float = 1.0
    """2 is twice as fast."""
    pitch: float = 1.0
    """2 is an octave higher."""
    gain: float = USUAL_VOLUME / 100
    """Of the amplitude: 1 is as loud as a voice can be without being cut off."""

    def changed(self, tempo: float = 1.0, pitch: float = 1.0, gain: float = 1.0) -> Manner:
        """This manner with factors on top, within what an ear can follow."""
        return Manner(
            _within(self.tempo * tempo, _TEMPOS),
            _within(self.pitch * pitch, _HEIGHTS),
            _within(self.gain * gain, _GAINS),
        )


def manner_on_scale(speed: int = 0, pitch: int = 0, volume: int = USUAL_VOLUME) -> Manner:
    """The manner that three numbers of the service's scale mean.

    The service publishes the ends of its scales and their middle; what is between is ours: 500 is
    twice the tempo, -500 half of it; 500 is half an octave higher, -500 half an octave lower;
    the amplitude is proportional to the volume.

    Raises:
        ValueError: a number is outside of its scale.
    """
    for name, value, (least, most) in (
        ("speed", speed, SPEEDS),
        ("pitch", pitch, PITCHES),
        ("volume", volume, VOLUMES),
    ):
        if not least <= value <= most:
            raise ValueError(f"{name} is {value}; allowed is {least} to {most}")
    return Manner(2 ** (speed / SPEEDS[1]), 2 ** (pitch / PITCHES[1] / 2), volume / VOLUMES[1])


def _within(value: float, bounds: tuple[float, float]) -> float:
    return min(max(value, bounds[0]), bounds[1])
