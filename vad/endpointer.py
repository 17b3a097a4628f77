"""Frame flags in, utterances out: the one place that decides where an utterance begins and ends.

It knows no clock, no audio and no classifier: flags and levels come in order, one per frame, and
every position is a whole number of samples since the start of the stream. The same object serves a
live stream and a file.

The rules, each stated once:

* Speech is what the onset window believes, whether an utterance is open or not. In silence the
  first believed frame opens one, reaching back to the oldest speech frame of its window and by the
  pre-roll beyond that, but never into the utterance before. So every frame that helped anyone to
  believe is in an utterance, wherever ends and breaks fall: nothing spoken is lost.
* Trailing silence is all that follows the last believed frame, blips included. When it reaches
  `vad_tail` the utterance ends.
* A frame called speech decides nothing that needs silence: it may be the first of an onset. The
  question is put again at the next frame that is not. So a pause one frame short of `vad_tail`
  never ends an utterance whose speech resumes with an unbroken onset, although the onset is
  believed only after `vad_tail` has passed; and a blip at the very end of the silence delays the
  endpoint by its own length. `HeadSilence` waits in the same way.
* Without a `vad_tail` no silence ends an utterance: only its longest length and `flush` do.
* Where `vad_tail` fits into the slack of an onset window (`window - needed` frames, 40 ms by
  default), a gap in steady speech is either long enough to end the utterance or too short to
  need a new onset, and the next speech frame opens the next utterance at once. One frame (or
  0 ms) ends the utterance at every gap: that is what such a value asks for.
* A forced break comes when another frame would not fit. It cuts at the quietest place and the
  rest is an utterance of its own, unless no believed speech follows the cut: then that
  utterance is simply over, and what follows is silence that has not yet become speech.
* `flush` and `drop` decide about all audio before them: no later utterance reaches back beyond.
  What is believed does not depend on them. So speech that goes on is believed at once and opens
  the next utterance where the last one was cut; frames called speech before a flush, that were not
  yet enough to open an utterance, still help those behind it to be believed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from vad.errors import VadError
from vad.events import Endpoint, EndpointReason, Event, HeadSilence, SpeechStarted
from vad.rules import EndpointRules
from vad.windows import CutSearch, OnsetWindow

FlushReason = Literal[EndpointReason.FLUSH, EndpointReason.END]
"""The reasons that a caller of `Endpointer.flush` may have."""


class State(StrEnum):
    """Where the endpointer stands between two frames."""

    SILENCE = "silence"
    """No utterance is open."""
    SPEECH = "speech"
    """The last frame was speech."""
    HANGOVER = "hangover"
    """An utterance is open and silence follows its speech."""


@dataclass(slots=True)
class _Utterance:
    """The open one."""

    start_sample: int
    speech_end_sample: int
    """First sample after the last believed frame; a frame border."""
    last_frames: int
    """At so many frames in all, another would make it too long."""


class Endpointer:
    """It turns the frame flags of one stream into utterances.

    `push` each frame in order; `flush` or `drop` whenever an utterance has to be over, and `flush`
    at the end of the stream.
    """

    def __init__(self, rules: EndpointRules) -> None:
        self._frame_samples = rules.frame_samples
        self._head_frames = rules.head_frames
        self._tail_samples = (
            math.inf if rules.tail_frames is None else rules.tail_frames * rules.frame_samples
        )
        self._max_samples = rules.max_samples
        self._pre_roll_samples = rules.pre_roll_samples
        self._post_roll_samples = rules.post_roll_samples
        self._onset_reach_samples = (
            rules.onset_window_frames - 1
        ) * rules.frame_samples + rules.pre_roll_samples
        self._onset = OnsetWindow(rules.onset_frames_needed, rules.onset_window_frames)
        self._cut_search = CutSearch(rules)
        self._frames = 0
        self._head_from_frame = 0
        self._free_from_sample = 0
        """No later utterance begins before here: the end of the last, or the last flush or drop."""
        self._utterance: _Utterance | None = None

    def push(self, speech: bool, level: float) -> list[Event]:
        """Take the next frame: the classifier's answer, and the frame's RMS in int16 units.

        Raises:
            VadError: the level is negative or not a number.
        """
        if not level >= 0.0:
            raise VadError("level", level, "0 or more")
        self._frames += 1
        self._cut_search.push(level)
        believed = self._onset.push(speech)
        received = self._frames * self._frame_samples
        utterance = self._utterance
        if utterance is None:
            if believed:
                return [self._begin_at_onset(received)]
            return self._head_silence(speech, received)
        if believed:
            utterance.speech_end_sample = received
        if not speech and received - utterance.speech_end_sample >= self._tail_samples:
            end = min(utterance.speech_end_sample + self._post_roll_samples, received)
            return [self._close(utterance, end, received, EndpointReason.SILENCE)]
        if self._frames == utterance.last_frames:
            return self._break(utterance, received)
        return []

    def flush(self, at_sample: int, reason: FlushReason = EndpointReason.END) -> list[Event]:
        """Close an open utterance, with the audio of an incomplete frame; the stream may go on.

        No later utterance begins before `at_sample`. The frame that is incomplete now is pushed as
        a whole when it is complete. Audio between two calls within one frame is in no utterance.

        Returns:
            The `Endpoint` of the open utterance, or nothing where none is open.

        Raises:
            VadError: `at_sample` does not lie within one frame after the last that was pushed, or
                lies before an earlier flush or drop.
        """
        self._check_position(at_sample)
        utterance = self._utterance
        if utterance is None:
            self._free_from_sample = at_sample
            return []
        if utterance.speech_end_sample == self._frames * self._frame_samples:
            # An incomplete frame has no flag of its own; in the middle of speech it is speech.
            utterance.speech_end_sample = at_sample
        end = min(utterance.speech_end_sample + self._post_roll_samples, at_sample)
        endpoint = self._close(utterance, end, at_sample, reason)
        self._free_from_sample = at_sample
        return [endpoint]

    def drop(self, at_sample: int) -> None:
        """Forget an open utterance: it gets no `Endpoint`, and none begins before `at_sample`.

        Raises:
            VadError: as for `flush`.
        """
        self._check_position(at_sample)
        if self._utterance is not None:
            self._utterance = None
            self._head_from_frame = self._frames
        self._free_from_sample = at_sample

    @property
    def state(self) -> State:
        """Where the endpointer stands after the last frame."""
        if self._utterance is None:
            return State.SILENCE
        if self._utterance.speech_end_sample >= self._frames * self._frame_samples:
            return State.SPEECH
        return State.HANGOVER

    @property
    def is_open(self) -> bool:
        """True between `SpeechStarted` and its `Endpoint`."""
        return self._utterance is not None

    @property
    def is_paused(self) -> bool:
        """True while an utterance is open, nobody speaks, and its whole post-roll is committed.

        If nobody speaks again, what is committed is all of the utterance.
        """
        utterance = self._utterance
        return (
            utterance is not None
            and self.committed_sample == utterance.speech_end_sample + self._post_roll_samples
        )

    @property
    def committed_sample(self) -> int:
        """Audio from the open utterance's start up to here is surely its own: decode it now.

        Never goes back. Trailing silence beyond the post-roll is held until speech resumes, and
        near the length limit all that may still fall behind the cut. With no utterance open it
        is where the next one may begin at the earliest.
        """
        if self._utterance is None:
            return self._free_from_sample
        return min(
            self._frames * self._frame_samples,
            self._utterance.speech_end_sample + self._post_roll_samples,
            self._cut_search.sample,
        )

    @property
    def oldest_needed_sample(self) -> int:
        """No utterance will ask again for audio before here, once what is committed is taken."""
        if self._utterance is not None:
            return self.committed_sample
        # The next frame's window reaches this far back.
        reach = self._frames * self._frame_samples - self._onset_reach_samples
        return max(self._free_from_sample, reach)

    def _check_position(self, at_sample: int) -> None:
        received = self._frames * self._frame_samples
        least = max(received, self._free_from_sample)
        most = received + self._frame_samples - 1
        if not least <= at_sample <= most:
            raise VadError("at_sample", at_sample, f"{least} to {most}")

    def _begin_at_onset(self, received: int) -> SpeechStarted:
        # The window may reach into the last utterance, whose end need not be a frame border.
        first = self._onset.first_since(self._free_from_sample // self._frame_samples)
        onset = max(self._free_from_sample, first * self._frame_samples)
        start = max(self._free_from_sample, onset - self._pre_roll_samples)
        self._open(start, received)
        return SpeechStarted(start, onset)

    def _open(self, start: int, speech_end: int) -> None:
        last_frames = (start + self._max_samples) // self._frame_samples
        self._utterance = _Utterance(start, speech_end, last_frames)
        self._cut_search.begin(start)

    def _close(
        self, utterance: _Utterance, end: int, at_sample: int, reason: EndpointReason
    ) -> Endpoint:
        self._utterance = None
        self._free_from_sample = end
        self._head_from_frame = self._frames
        return Endpoint(utterance.start_sample, end, utterance.speech_end_sample, at_sample, reason)

    def _break(self, utterance: _Utterance, received: int) -> list[Event]:
        cut = self._cut_search.sample
        if utterance.speech_end_sample <= cut:
            # Frames called speech but not yet believed may follow; the next utterance can still
            # begin with them, because this one ends before them.
            end = min(utterance.speech_end_sample + self._post_roll_samples, cut)
            return [self._close(utterance, end, received, EndpointReason.MAX_LENGTH)]
        self._open(cut, utterance.speech_end_sample)
        return [
            Endpoint(utterance.start_sample, cut, cut, received, EndpointReason.MAX_LENGTH),
            SpeechStarted(cut, cut),
        ]

    def _head_silence(self, speech: bool, received: int) -> list[Event]:
        waited = self._frames - self._head_from_frame
        if speech or not self._head_frames or waited < self._head_frames:
            return []
        self._head_from_frame = self._frames
        return [HeadSilence(received)]
