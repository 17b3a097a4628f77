"""Audio for tests of the server: what the real VAD takes for speech, and what it does not."""

from __future__ import annotations

import numpy as np

RATE = 16000


def voiced(ms: int, *, seed: int = 1) -> bytes:
    """A buzz with formants that move: webrtcvad takes it for speech; pcm16k16bit."""
    count = RATE * ms // 1000
    time = np.arange(count) / RATE
    random = np.random.default_rng(seed)
    pitch = 120 + 15 * np.sin(2 * np.pi * 2.1 * time)
    phase = np.cumsum(2 * np.pi * pitch / RATE)
    wave = np.zeros(count)
    for harmonic in range(1, 30):
        hz = harmonic * 120
        gain = np.exp(-(((hz - 600) / 500) ** 2)) + 0.6 * np.exp(-(((hz - 1700) / 700) ** 2))
        wave += gain * np.sin(harmonic * phase)
    wave *= 1 + 0.4 * np.sin(2 * np.pi * 4 * time)
    wave += 0.02 * random.standard_normal(count)
    return bytes((6000 * wave / np.abs(wave).max(initial=1e-9)).astype("<i2").tobytes())


def quiet(ms: int, *, seed: int = 2) -> bytes:
    """Faint noise; pcm16k16bit."""
    count = RATE * ms // 1000
    return np.random.default_rng(seed).normal(0, 3, count).astype("<i2").tobytes()


def noise(ms: int, *, seed: int = 3) -> bytes:
    """White noise, loud; pcm16k16bit."""
    count = RATE * ms // 1000
    return np.random.default_rng(seed).normal(0, 3000, count).astype("<i2").tobytes()
