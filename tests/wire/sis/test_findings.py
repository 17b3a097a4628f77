"""What engines say besides words reaches the results of SIS."""

from __future__ import annotations

import json

from decoder import Hypothesis, Word
from decoder.engine import Findings
from decoder.hypotheses import joined, placed
from rasr.recognition.events import Final
from rasr.wire.sis.codec import encode_server
from rasr.wire.sis.messages import Result
from rasr.wire.sis.results import segment_of

PLAIN = Hypothesis((Word("yes", 0, 1600, 0.5),), "yes", 0.5)
FOUND = Hypothesis((Word("no", 0, 1600, 1.0),), "no", 1.0, Findings("english", "angry"))


def test_findings_stay_with_what_is_moved_and_joined() -> None:
    assert placed(FOUND, 800).findings == FOUND.findings
    assert joined([PLAIN, placed(FOUND, 1600)]).findings == FOUND.findings
    assert joined([PLAIN, PLAIN]).findings is None


def test_what_the_engine_says_besides_words_is_told_and_nothing_else() -> None:
    def result(hypothesis: Hypothesis) -> object:
        segment = segment_of(Final(1, 0, 1600, hypothesis), with_words=False)
        return json.loads(encode_server(Result("t", (segment,))))["segments"][0]["result"]

    assert result(PLAIN) == {"text": "yes", "score": 0.5}
    assert result(FOUND) == {"text": "no", "score": 1.0, "language": "english", "emotion": "angry"}
