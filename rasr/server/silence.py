"""Which servers are heard of no more, of those that share a store."""

from __future__ import annotations

from collections.abc import Mapping

_SILENT_BEATS = 6
"""A server of which nothing is heard for so many of ours is gone."""


class Silence:
    """As one server hears it. Clocks of machines differ, so beats are counted, not seconds."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, int]] = {}
        """How often each server had said that it lives, and how many beats of ours ago it was less
        often."""
        self.beats: Mapping[str, int] = {}
        """So many beats of ours ago each server was heard of last."""

    def after(self, own: str, beats: Mapping[str, int]) -> list[str]:
        """Those that are gone, after a beat of our own.

        Args:
            own: this server, which is not.
            beats: how often each server has said that it lives.
        """
        seen = {}
        for server, count in beats.items():
            before, ago = self._seen.get(server, (count, 0))
            seen[server] = (count, ago + 1 if count == before else 0)
        self._seen = seen
        self.beats = {server: ago for server, (_, ago) in seen.items()}
        return [one for one, (_, ago) in seen.items() if one != own and ago >= _SILENT_BEATS]
