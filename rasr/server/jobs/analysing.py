"""Finding out what of a recording is asked for besides its words, once all of it has been heard."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from rasr.audio import SAMPLE_RATE, AudioFormat, audio_decoder
from rasr.recordings.analysis import Turn, WordList, analyse
from rasr.recordings.analysis.diarization import MOST_AUDIO_S
from rasr.recordings.faults import RecordingFault
from rasr.recordings.sentences import told
from rasr.server.jobs.fetching import JobRecordings
from rasr.server.jobs.tools import OpenJob, Tools
from rasr.wire.sis.analysis import AnalysisOptions, sentence_json
from rasr.wire.sis.codec import segment_in
from rasr.wire.sis.errors import ErrorCode
from rasr.wire.sis.messages import Segment, StartConfig

_SENTENCES = 200
"""In one row of the store."""


@dataclass
class Analysing:
    """The analysis of recordings."""

    tools: Tools
    recordings: JobRecordings

    def check(self, options: AnalysisOptions | None, length_s: float | None = None) -> None:
        """See that what is asked for can be found out.

        Args:
            length_s: of the recording, as far as is known.

        Raises:
            RecordingFault: it cannot.
        """
        if options is None or not self.tools.diarizer.tells(options):
            return
        if length_s is not None and length_s > MOST_AUDIO_S:
            raise RecordingFault(
                ErrorCode.FILE_TOO_LARGE,
                f"'diarization': voices are told apart in {MOST_AUDIO_S // 3600} h of audio at "
                "most; send false, or name the channels with LEFT_AGENT or RIGHT_AGENT",
            )

    async def analyse(self, job: OpenJob) -> None:
        """Put what is told in the place of what was heard. Again is as once."""
        options = job.request.analysis
        if options is None:
            return
        heard = await self.tools.asked(lambda work: work.job_texts.heard(job.record.id))
        if not heard:
            return  # there are no words, or it has been done
        turns: Sequence[Turn] = ()
        if self.tools.diarizer.tells(options):
            turns = await self._turns(job)
        parts, marks = await asyncio.to_thread(
            _analysed, heard, options, turns, self.tools.word_lists(job), job.request.config
        )
        await self.tools.written(
            lambda work: work.job_texts.put_analysed(job.record.id, parts, marks)
        )

    async def _turns(self, job: OpenJob) -> list[Turn]:
        await self.recordings.bring(job)
        folder = await asyncio.to_thread(self.tools.folders.make, job.record.id)
        async with aclosing(self._audio(job)) as audio:
            return await self.tools.diarizer.turns(audio, folder)

    async def _audio(self, job: OpenJob) -> AsyncGenerator[bytes, None]:
        """All channels mixed, as voices are told apart: int16 at 16 kHz."""
        recording = self.tools.recording(job)
        declared = recording.declared
        decoder = audio_decoder(declared) if isinstance(declared, AudioFormat) else None
        async with aclosing(self.tools.reader.audio(recording, None, SAMPLE_RATE)) as pieces:
            async for piece in pieces:
                if decoder is None:
                    yield piece
                    continue
                yield decoder.feed(piece).tobytes()
                while decoder.pending:
                    yield decoder.feed(b"").tobytes()
        if decoder is not None:
            yield decoder.flush().tobytes()


def _analysed(
    heard: Sequence[tuple[int, str]],
    options: AnalysisOptions,
    turns: Sequence[Turn],
    word_lists: Sequence[WordList],
    config: StartConfig,
) -> tuple[list[str], Counter[str]]:
    """What is told, in parts, and how many marks there are of each list."""
    channels: list[list[Segment]] = [[] for _ in options.channels_of(1 + max(c for c, _ in heard))]
    for channel, segments in heard:
        channels[channel] += map(segment_in, json.loads(f"[{segments}]"))
    found = analyse(channels, options, turns, word_lists)
    told_ones = [sentence_json(told(one.segment, config), one.marks, one.info) for one in found]
    parts = [
        ",".join(told_ones[begin : begin + _SENTENCES])
        for begin in range(0, len(told_ones), _SENTENCES)
    ]
    return parts, Counter(mark.name for one in found for mark in one.marks)
