"""Who said what in the recordings of jobs, and what a review looks for in them."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.media.files import encoded
from tests.recordings.analysis.test_diarization import with_models
from tests.recordings.hosts import saying, serving
from tests.server.audio import noise, quiet, voiced
from tests.server.jobs.lives import life
from tests.server.jobs.place import JOBS, Asker, asking, job_settings, service_of, talk, url_of

QUESTION, ANSWER = voiced(1400), voiced(900, seed=4)
LEFT = QUESTION + quiet(3000)
RIGHT = quiet(2400, seed=9) + ANSWER + quiet(1100, seed=9)
QUIET = {"emotion": False, "speed": False}


def stereo(left: bytes, right: bytes) -> bytes:
    """A WAV file of two channels of the same length."""
    both = np.stack([np.frombuffer(one, np.int16) for one in (left, right)], axis=1)
    return encoded(both, "wav", layout="stereo")


async def analysed(asker: Asker, body: bytes, asked: object, **config: object) -> dict[str, Any]:
    """The answer about a recording."""
    config = {"audio_format": "auto", "need_analysis_info": asked} | config
    async with serving(saying(body)) as host:
        return await asker.over(await asker.submit(url_of(host), **config))


def roles(told: dict[str, Any]) -> list[str]:
    assert told["status"] == "FINISHED", told
    return [one["result"]["analysis_info"]["role"] for one in told["segments"]]


@pytest.mark.parametrize(
    ("rule", "wanted"), [("LEFT_AGENT", ["AGENT", "USER"]), ("RIGHT_AGENT", ["USER", "AGENT"])]
)
async def test_channels_say_who_speaks(tmp_path: Path, rule: str, wanted: list[str]) -> None:
    async with service_of(job_settings(tmp_path)) as service, asking(service) as asker:
        told = await analysed(asker, stereo(LEFT, RIGHT), {"channel": rule})
    assert roles(told) == wanted
    first, second = told["segments"]
    assert first["end_time"] < second["start_time"]
    assert told["audio_duration"] == len(LEFT) // 32
    info = first["result"]["analysis_info"]
    letters = sum(map(str.isalnum, first["result"]["text"]))
    seconds = (first["end_time"] - first["start_time"]) / 1000
    assert info["speed"] == pytest.approx(letters / seconds, abs=0.01)
    assert (info["emotion"], info["emotion_model"]) == ("UNKNOWN", "sensevoice")
    # They were needed to find it out, and not asked for.
    assert "word_info" not in first["result"]


async def test_a_single_channel_stands_for_both(tmp_path: Path) -> None:
    async with service_of(job_settings(tmp_path)) as service, asking(service) as asker:
        told = await analysed(
            asker, LEFT, {"channel": "LEFT_AGENT"} | QUIET, audio_format="pcm16k16bit"
        )
    assert sorted(roles(told)) == ["AGENT", "USER"]
    assert len({one["result"]["text"] for one in told["segments"]}) == 1


async def test_words_are_told_where_they_are_asked_for(tmp_path: Path) -> None:
    async with service_of(job_settings(tmp_path)) as service, asking(service) as asker:
        told = await analysed(
            asker, stereo(LEFT, RIGHT), {"channel": "LEFT_AGENT"}, need_word_info="yes"
        )
    assert all(one["result"]["word_info"] for one in told["segments"])


@pytest.mark.parametrize("audio_format", ["auto", "pcm16k16bit"])
async def test_voices_tell_who_speaks(tmp_path: Path, audio_format: str) -> None:
    models = with_models(tmp_path)
    settings = job_settings(
        tmp_path,
        recordings={
            "voice_segmentation": models.voice_segmentation,
            "voice_embedding": models.voice_embedding,
        },
    )
    # To the models of the tests a rough sound is another voice.
    rough = np.frombuffer(voiced(4000), np.int16) + np.frombuffer(noise(4000), np.int16)
    call = voiced(4000) + quiet(1200) + rough.tobytes() + quiet(1200)
    body = call if audio_format != "auto" else encoded(np.frombuffer(call, np.int16), "wav")
    async with service_of(settings) as service, asking(service) as asker:
        told = await analysed(asker, body, QUIET, audio_format=audio_format)
    spoken = [one["result"]["analysis_info"] for one in told["segments"]]
    assert [one for one, _ in groupby(spoken)] == [
        {"role": "AGENT", "speaker": 0},
        {"role": "USER", "speaker": 1},
    ]


async def test_voices_are_refused_at_once_where_nothing_tells_them_apart(tmp_path: Path) -> None:
    async with service_of(job_settings(tmp_path)) as service, asking(service) as asker:
        answer = await asker.post("http://127.0.0.1/a.wav", need_analysis_info={})
        assert answer.status_code == 400
        assert answer.json()["error_code"] == "SIS.0031"
        assert "recordings.voice_segmentation" in answer.json()["error_msg"]
        assert (await asker.web.get(JOBS)).json()["count"] == 0
    settings = job_settings(tmp_path / "lenient", recordings={"voices_required": False})
    async with service_of(settings) as service, asking(service) as asker:
        told = await analysed(asker, LEFT, QUIET, audio_format="pcm16k16bit")
    assert [one["result"]["analysis_info"] for one in told["segments"]] == [{}]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ([], "'need_analysis_info' is invalid: it is []; allowed: an object or null"),
        ({"channel": "LEFT"}, "'channel' is invalid: it is 'LEFT'"),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_name(
    tmp_path: Path, asked: object, words: str
) -> None:
    async with service_of(job_settings(tmp_path)) as service, asking(service) as asker:
        answer = await asker.post("http://127.0.0.1/a.wav", need_analysis_info=asked)
    assert answer.status_code == 400
    assert words in answer.json()["error_msg"]


@pytest.mark.parametrize("asked", [None, {"channel": "LEFT_AGENT"} | QUIET])
async def test_marks_stand_in_the_answer_and_are_searched(tmp_path: Path, asked: object) -> None:
    settings = job_settings(tmp_path / "plain")
    async with service_of(settings) as service, asking(service) as asker:
        plain = await analysed(asker, LEFT, None, audio_format="pcm16k16bit", need_word_info="yes")
    wanted = plain["segments"][0]["result"]["word_info"][-1]
    lists = {"names": {"words": [wanted["word"]]}, "other": {"words": ["x"], "projects": ["p"]}}
    settings = job_settings(tmp_path, recordings={"word_lists": lists})
    async with service_of(settings) as service, asking(service) as asker:
        found = await analysed(asker, LEFT, asked, audio_format="pcm16k16bit")
        silent = await analysed(asker, quiet(1500), asked, audio_format="pcm16k16bit")
        everything = (await asker.web.get(JOBS)).json()
        marked = (await asker.web.get(JOBS, params={"mark": "names"})).json()
        none = (await asker.web.get(JOBS, params={"mark": "other"})).json()
        wrong = await asker.web.get(JOBS, params={"mark": "a\0b"})
    marks = [mark for one in found["segments"] for mark in one["result"]["marks"]]
    assert {(one["name"], one["text"]) for one in marks} == {("names", wanted["word"])}
    assert wanted["start_time"] in {one["start_time"] for one in marks}
    assert silent["segments"] == []
    assert (everything["count"], marked["count"], none["count"]) == (2, 1, 0)
    (job,) = marked["jobs"]
    assert (job["job_id"], job["marks"]) == (asker.jobs[0], {"names": len(marks)})
    assert wrong.status_code == 400


@pytest.mark.long
async def test_kills_between_channels_and_before_the_analysis_change_no_answer(
    tmp_path: Path,
) -> None:
    body = stereo(talk(40), quiet(800) + talk(40)[:-25_600])
    asked = {"channel": "LEFT_AGENT"}
    async with service_of(job_settings(tmp_path / "calm")) as service, asking(service) as asker:
        undisturbed = await analysed(asker, body, asked)
    assert len(undisturbed["segments"]) == 80
    settings = job_settings(tmp_path / "wild", decoding={"workers": 1})
    moments = random.Random(5)
    async with serving(saying(body)) as host:
        async with life(settings) as asker:
            job = await asker.submit(url_of(host), audio_format="auto", need_analysis_info=asked)
        for _ in range(8):
            async with life(settings) as asker:
                await asker.until(job, further_than((await asker.show(job)).json()))
                await asker.web.get(JOBS, params={"limit": moments.randint(1, 9)})
        async with life(settings) as asker:
            told = await asker.over(job)
    assert told["segments"] == undisturbed["segments"]


def further_than(before: dict[str, Any]) -> Callable[[dict[str, Any]], bool]:
    """True of what is told of a job once it has come further."""

    def is_so(told: dict[str, Any]) -> bool:
        return bool(told["status"] != "WAITING" or told["progress"] > before["progress"])

    return is_so
