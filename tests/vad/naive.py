"""The endpointer's rules once more, over whole arrays, in the most obvious way.

Nothing is remembered between frames but where the next utterance may begin: every other fact is
looked up anew in the arrays. Slow, and for tests only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vad import Endpoint, EndpointReason, EndpointRules, Event, HeadSilence, SpeechStarted
from vad.endpointer import FlushReason


@dataclass(frozen=True)
class Flush:
    """A call of `Endpointer.flush`, when so many samples had come."""

    at_sample: int
    reason: FlushReason


@dataclass(frozen=True)
class Drop:
    """A call of `Endpointer.drop`, when so many samples had come."""

    at_sample: int


Call = Flush | Drop


def naive_events(
    flags: Sequence[bool], levels: Sequence[float], calls: Sequence[Call], rules: EndpointRules
) -> list[Event | Drop]:
    """All events of a stream, and the drops among them where they came.

    Args:
        flags, levels: one for each complete frame.
        calls: in order; the last is the flush at the end of the stream.
        rules: the endpointer's.
    """
    return _Stream(flags, levels, calls, rules).events()


@dataclass
class _Stream:
    flags: Sequence[bool]
    levels: Sequence[float]
    calls: Sequence[Call]
    rules: EndpointRules
    free_from: int = 0
    """The first sample that the next utterance may have."""

    def events(self) -> list[Event | Drop]:
        events: list[Event | Drop] = []
        frame = 0
        waiting_since = 0
        while True:
            for call in self.calls_after(frame):
                self.free_from = call.at_sample
                if isinstance(call, Drop):
                    events.append(call)
            if frame == len(self.flags):
                return events
            if self.believed(frame):
                frame = self.utterances(frame, events)
                waiting_since = frame
                continue
            frame += 1
            waited = frame - waiting_since
            if 0 < self.rules.head_frames <= waited and not self.flags[frame - 1]:
                events.append(HeadSilence(frame * self.rules.frame_samples))
                waiting_since = frame

    def calls_after(self, frames: int) -> list[Call]:
        """The calls that came after so many complete frames."""
        return [call for call in self.calls if call.at_sample // self.rules.frame_samples == frames]

    def believed(self, frame: int) -> bool:
        return self.flags[frame] and len(self.onset(frame)) >= self.rules.onset_frames_needed

    def onset(self, frame: int) -> list[int]:
        """The speech frames in the window that ends with `frame`."""
        first = max(0, frame - self.rules.onset_window_frames + 1)
        return [number for number in range(first, frame + 1) if self.flags[number]]

    def speech_end(self, frames: int) -> int:
        """End of the last believed frame among the first `frames`."""
        last = max(number for number in range(frames) if self.believed(number))
        return (last + 1) * self.rules.frame_samples

    def cut(self, start: int, frames: int) -> int:
        """The quietest border of the search, of equals the latest, knowing `frames` frames."""
        size, half = self.rules.frame_samples, self.rules.smoothing_half_frames
        search_from = start + self.rules.max_samples - self.rules.search_samples
        borders = [n for n in range(frames - half + 1) if n * size >= search_from]
        loudness = {n: sum(self.levels[n - half : n + half]) for n in borders}
        quietest = min(loudness.values())
        return max(n for n in borders if loudness[n] == quietest) * size

    def utterances(self, frame: int, events: list[Event | Drop]) -> int:
        """The utterance opened by `frame` and those cut off it; the number of frames used up."""
        size, post_roll = self.rules.frame_samples, self.rules.post_roll_samples
        tail_frames = self.rules.tail_frames
        first = min(n for n in self.onset(frame) if (n + 1) * size > self.free_from)
        onset = max(self.free_from, first * size)
        start = max(self.free_from, onset - self.rules.pre_roll_samples)
        events.append(SpeechStarted(start, onset))
        frames = frame
        while True:
            frames += 1
            received = frames * size
            speech_end = self.speech_end(frames)
            silent = (received - speech_end) // size
            over = tail_frames is not None and silent >= tail_frames
            if over and not self.flags[frames - 1]:
                end = min(speech_end + post_roll, received)
                return self.close(
                    events,
                    Endpoint(start, end, speech_end, received, EndpointReason.SILENCE),
                    frames,
                )
            if received + size - start > self.rules.max_samples:
                cut = self.cut(start, frames)
                end = min(speech_end + post_roll, cut)
                if speech_end <= cut:
                    return self.close(
                        events,
                        Endpoint(start, end, speech_end, received, EndpointReason.MAX_LENGTH),
                        frames,
                    )
                events.append(Endpoint(start, cut, cut, received, EndpointReason.MAX_LENGTH))
                events.append(SpeechStarted(cut, cut))
                start = cut
            calls = self.calls_after(frames)
            if not calls:
                continue
            if isinstance(calls[0], Flush):
                at_sample = calls[0].at_sample
                if speech_end == received:
                    speech_end = at_sample
                end = min(speech_end + post_roll, at_sample)
                events.append(Endpoint(start, end, speech_end, at_sample, calls[0].reason))
            return frames

    def close(self, events: list[Event | Drop], endpoint: Endpoint, frames: int) -> int:
        events.append(endpoint)
        self.free_from = endpoint.end_sample
        return frames
