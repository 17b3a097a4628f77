"""What happens to jobs: callbacks, taking back, the same request twice, fairness, forgetting."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from rasr.recognition.events import RecognitionEvent
from rasr.server.jobs.reading import ReadingClosed, Received, RecordingReading
from rasr.server.jobs.told import JobNumbers
from rasr.server.jobs.watch import Watch
from rasr.server.state import ServerState
from rasr.settings import StoreSettings
from rasr.store.jobs import NewJob
from rasr.store.names import new_id
from rasr.store.records import JobState
from rasr.store.schema import JOBS as TABLE
from rasr.store.store import Store, open_store
from tests.cli.conftest import Rasr
from tests.processes import until
from tests.recordings.hosts import Asked, Host, hanging, saying, serving
from tests.server.jobs.place import (
    JOBS,
    PROPERTY,
    SLOW,
    asking,
    files_below,
    job_settings,
    service_of,
    talk,
    texts,
    url_of,
)
from tests.server.sdk import PROJECT


async def _told(host: Host) -> dict[str, object]:
    """What a host was sent first."""
    await until(lambda: bool(host.asked))
    told: dict[str, object] = json.loads(host.asked[0].body)
    return told


def _is_there(audio: bytes, folder: Path) -> bool:
    """True if some of the audio is in a file: pages of a database cut it."""
    found = b"".join(files_below(folder))
    return any(audio[begin : begin + 100] in found for begin in range(1000, 20_000, 500))


async def test_the_answer_comes_to_the_callback_url_once(tmp_path: Path) -> None:
    async with service_of(job_settings(tmp_path)) as service, asking(service) as asker:
        async with serving(saying(talk(2))) as source, serving(saying()) as receiver:
            job = await asker.submit(url_of(source), callback_url=url_of(receiver, "/told"))
            answer = await asker.over(job)
            told = await _told(receiver)
            await asker.until(job, lambda now: now["callback"]["state"] == "DELIVERED")
    assert len(receiver.asked) == 1
    assert receiver.asked[0].method == "POST"
    assert told.pop("job_id") == job
    for name in (
        "status",
        "create_time",
        "start_time",
        "finish_time",
        "audio_duration",
        "segments",
    ):
        assert told[name] == answer[name]


async def test_a_failed_job_calls_back_too_and_a_receiver_that_fails_is_told_of(
    tmp_path: Path,
) -> None:
    async with service_of(job_settings(tmp_path)) as service, asking(service) as asker:
        async with serving(saying(b"", "404 Not Found")) as source:
            async with serving(saying(b"", "500 Oh")) as receiver:
                job = await asker.submit(url_of(source), callback_url=url_of(receiver))
                told = await _told(receiver)
                tried = await asker.until(job, lambda now: now["callback"]["attempts"] > 0)
                callback = tried["callback"]
    assert (told["status"], told["error_code"]) == ("ERROR", "SIS.0609")
    assert callback["state"] == "WAITING"
    assert callback["fault"] == "the receiver answers with HTTP 500"
    assert callback["next_time"] > told["finish_time"]


async def test_receivers_that_do_not_answer_keep_other_projects_waiting_for_one_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rasr.server.jobs.work._SENT_AT_ONCE", 1)
    is_given_up = asyncio.Event()
    asked_before: list[int] = []

    async def silent(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await is_given_up.wait()

    async def told(asked: Asked, writer: asyncio.StreamWriter) -> None:
        asked_before.append(len(slow.asked))
        await saying()(asked, writer)

    # For ever, as far as this test is concerned: it says itself when the first one is given up.
    settings = job_settings(tmp_path, recordings={"callback_timeout_s": 3600.0})
    async with service_of(settings) as service, asking(service) as asker:
        async with (
            serving(saying(talk(1))) as source,
            serving(silent) as slow,
            serving(told) as receiver,
        ):
            assert service.state.jobs is not None
            sending = (await service.state.jobs._running.begun()).work._sending
            many = [
                await asker.submit(url_of(source, f"/{number}"), callback_url=url_of(slow))
                for number in range(5)
            ]
            for job in many:
                await asker.over(job)
            await until(lambda: len(sending._waiting) == len(many) - 1)
            project = "f" * 32
            other = JOBS.replace(PROJECT, project)
            wanted = {
                "property": PROPERTY,
                "audio_format": "pcm16k16bit",
                "callback_url": url_of(receiver),
            }
            body = {"config": wanted, "data_url": url_of(source)}
            assert (await asker.web.post(other, json=body)).status_code == 200
            await until(lambda: any(name == project for name, _ in sending._waiting))
            is_given_up.set()
            await until(lambda: bool(receiver.asked))
    assert asked_before == [1]


async def test_a_job_that_is_taken_back_is_gone_with_itsfiles_below(tmp_path: Path) -> None:
    async with service_of(job_settings(tmp_path)) as service, asking(service) as asker:
        async with serving(saying(talk(1))) as source, serving(hanging) as slow:
            done = await asker.submit(url_of(source))
            await asker.over(done)
            waiting = await asker.submit(url_of(slow))
            await until(lambda: bool(slow.asked))
            for job in (done, waiting):
                assert (await asker.web.delete(f"{JOBS}/{job}")).status_code == 204
                assert (await asker.show(job)).status_code == 404
            assert (await asker.web.get(JOBS)).json() == {"count": 0, "jobs": []}
            # The place of the one that hung is free.
            again = await asker.submit(url_of(source, "/again"))
            assert (await asker.over(again))["status"] == "FINISHED"


async def test_a_recording_that_was_sent_is_there_until_the_last_job_on_it_is_over(
    tmp_path: Path,
) -> None:
    audio = talk(2)
    settings = job_settings(tmp_path, jobs={"at_once": 1})
    async with service_of(settings) as service, asking(service) as asker:
        sent = await asker.send(audio)
        jobs = [await asker.submit(sent, add_punc=each) for each in ("yes", "no")]
        told = [await asker.over(job) for job in jobs]
        assert [len(texts(one)) for one in told] == [2, 2]
        await until(lambda: not _is_there(audio, tmp_path))
        assert (await asker.post(sent, need_word_info="yes")).status_code == 400


async def test_a_recording_that_was_sent_goes_with_the_job_that_is_taken_back(
    tmp_path: Path,
) -> None:
    audio = talk(2)
    settings = job_settings(tmp_path, jobs={"at_once": 0})
    async with service_of(settings) as service, asking(service) as asker:
        sent = await asker.send(audio)
        first, second = [await asker.submit(sent, add_punc=each) for each in ("yes", "no")]
        assert (await asker.web.delete(f"{JOBS}/{first}")).status_code == 204
        assert _is_there(audio, tmp_path)
        assert (await asker.web.delete(f"{JOBS}/{second}")).status_code == 204
        assert not _is_there(audio, tmp_path)


_NOTHING: tuple[RecognitionEvent, ...] = ()


async def test_a_job_is_taken_back_while_it_is_heard(tmp_path: Path) -> None:
    settings = job_settings(tmp_path, engines=SLOW, jobs={"at_once": 1})
    with capture_logs() as lines:
        async with service_of(settings) as service:
            async with asking(service) as asker, serving(saying(talk(60))) as source:
                job = await asker.submit(url_of(source))
                await asker.begun(job)
                await until(lambda: "hear-minute" in _tasks())
                answer = await asker.web.delete(f"{JOBS}/{job}")
                assert (answer.status_code, answer.text) == (204, "")
                assert [one for one in (tmp_path / "cache").rglob("*") if job in one.name] == []
                await until(lambda: not {"hear-minute", "feed-audio"} & _tasks())
                # It begins when the other one has left its place.
                async with serving(saying(talk(1))) as short:
                    await asker.over(await asker.submit(url_of(short)))
    # That it ended is no fault.
    assert [one for one in lines if one["log_level"] in ("warning", "error")] == []


async def test_a_recording_is_given_up_while_somebody_waits_for_its_next_minute() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def events() -> AsyncGenerator[RecognitionEvent, None]:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        for event in _NOTHING:
            yield event

    reading = RecordingReading(events(), 0, 0, Received(32_000))
    waiting = asyncio.create_task(reading.until(0))
    await begun.wait()
    await reading.close()
    assert ended.is_set()
    with pytest.raises(ReadingClosed):
        await waiting


def _tasks() -> set[str]:
    return {one.get_name() for one in asyncio.all_tasks()}


async def test_a_host_that_is_gone_keeps_nobody_waiting(tmp_path: Path) -> None:
    settings = job_settings(tmp_path, jobs={"at_once": 1})
    async with service_of(settings) as service, asking(service) as asker:
        async with serving(saying(b"", "503 Oh")) as source:
            told = await asker.over(await asker.submit(url_of(source)))
            assert (told["error_code"], len(source.asked)) == ("SIS.0609", 1)
            gone = url_of(source, "/gone")
        told = await asker.over(await asker.submit(gone))
        assert (told["error_code"], told["error_msg"]) == (
            "SIS.0609",
            "127.0.0.1 cannot be reached",
        )


async def test_the_folder_of_recordings_may_be_removed_while_there_are_none(
    tmp_path: Path,
) -> None:
    async with service_of(job_settings(tmp_path), 0.1) as service, asking(service) as asker:
        async with serving(saying(talk(1))) as source:
            await asker.over(await asker.submit(url_of(source)))
            shutil.rmtree(tmp_path / "cache")
            told = await asker.over(await asker.submit(url_of(source, "/again")))
            assert "jobs" in _tasks()
    assert told["status"] == "FINISHED"


async def test_a_server_whose_cleaning_up_takes_long_lives_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()
    signs: list[JobNumbers] = []
    beat = Watch.beat

    async def slowly(watch: Watch, store: Store, silent: Sequence[str]) -> None:
        begun.set()
        await may_end.wait()

    async def counted(watch: Watch, store: Store) -> tuple[JobNumbers, list[str]]:
        numbers, silent = await beat(watch, store)
        signs.append(numbers)
        return numbers, silent

    monkeypatch.setattr(Watch, "look_after", slowly)
    monkeypatch.setattr(Watch, "beat", counted)
    settings = job_settings(tmp_path, jobs={"at_once": 0})
    async with service_of(settings, 0.01) as service, asking(service) as asker:
        await asker.submit(await asker.send(talk(1)))
        await begun.wait()
        before = len(signs)
        await until(lambda: len(signs) >= before + 3)
        may_end.set()


async def test_the_same_request_twice_is_one_job(tmp_path: Path) -> None:
    settings = job_settings(tmp_path)
    begun: list[str] = []
    async with service_of(settings) as service, asking(service) as asker:
        service.state.jobs.when_begun(lambda: begun.append("jobs"))
        async with serving(saying(talk(1))) as source:
            first = await asker.submit(url_of(source))
            assert begun == ["jobs"]
            assert await asker.submit(url_of(source)) == first
            assert await asker.submit(url_of(source), add_punc="yes") != first
            await asker.over(first)
    assert begun == ["jobs"]
    never = settings.model_copy(update={"jobs": settings.jobs.model_copy(update={"same_s": 0.0})})
    async with service_of(never) as service, asking(service) as asker:
        async with serving(saying(talk(1))) as source:
            first = await asker.submit(url_of(source))
            assert await asker.submit(url_of(source)) != first


async def test_a_job_that_is_not_done_in_time_has_failed(tmp_path: Path) -> None:
    settings = job_settings(tmp_path, jobs={"timeout_s": 0.2})
    async with service_of(settings, 0.1) as service, asking(service) as asker:
        async with serving(hanging) as slow:
            told = await asker.over(await asker.submit(url_of(slow)))
    assert told["error_code"] == "SIS.0538"
    assert "jobs.timeout_s" in told["error_msg"]


async def test_a_job_is_forgotten_after_its_time_and_nothing_of_it_is_left(tmp_path: Path) -> None:
    audio = talk(2)
    settings = job_settings(tmp_path)
    async with service_of(settings, 0.1) as service, asking(service) as asker:
        async with serving(saying(audio)) as source:
            job = await asker.submit(url_of(source, "/secret-name.wav"))
            found = texts(await asker.over(job))
        # While it is kept, the text is there, and the search below finds what there is.
        assert found[0].encode() in b"".join(files_below(tmp_path))
        async with await open_store(settings.store, {}) as store, store.writing() as work:
            await work.connection.execute(update(TABLE).values(expires_at=1.0))
        await asker.until(job, lambda now: now.get("error_code") == "SIS.0533")
        # It is scrubbed a moment after it is gone.
        traces = [*(text.encode() for text in found), audio[1000:1200], b"secret-name"]
        await until(lambda: not any(one in b"".join(files_below(tmp_path)) for one in traces))


async def test_nothing_of_the_audio_is_left_once_a_job_is_over(tmp_path: Path) -> None:
    audio = talk(2)
    async with service_of(job_settings(tmp_path)) as service, asking(service) as asker:
        async with serving(saying(audio)) as source:
            job = await asker.submit(url_of(source))
            await asker.over(job)
            assert audio[1000:1200] not in b"".join(files_below(tmp_path))
        assert [one for one in (tmp_path / "cache").rglob("*") if job in one.name] == []


async def test_projects_are_served_by_turns_and_by_their_shares(tmp_path: Path) -> None:
    """Of three that come one after the other, each with all its jobs at once."""
    settings = StoreSettings(url=f"sqlite:///{tmp_path}/store/store.db")
    async with await open_store(settings, {}, make=True) as store, store.writing() as work:
        for project, share, count in (("a", 1, 6), ("b", 1, 3), ("c", 2, 4)):
            for _ in range(count):
                job = NewJob(new_id(), project, None, {}, "u", None, "d")
                await work.jobs.add(job, share, 0.0)
        order = "".join(one.project_id for one in await work.jobs.open_ones())
        assert sorted(order[:4]) == ["a", "b", "c", "c"]
        assert sorted(order[4:8]) == ["a", "b", "c", "c"]
        assert order[8:] == "".join(sorted(order[8:9])) + order[9:]
        assert set(order[9:]) == {"a"} or order[9:].count("a") >= 3


async def test_a_server_works_on_jobs_by_their_turns(tmp_path: Path) -> None:
    """With one at a time: of a project that came with many, the other one does not wait for all."""
    settings = job_settings(tmp_path, jobs={"at_once": 1})
    all_wait = asyncio.Event()

    async def late(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await all_wait.wait()
        await saying(talk(1))(asked, writer)

    async with service_of(settings) as service, asking(service) as asker:
        async with serving(late) as source:
            many = [await asker.submit(url_of(source, f"/{number}")) for number in range(6)]
            other = JOBS.replace("0123456789abcdef0123456789abcdef", "f" * 32)
            wanted = {"property": "english_16k_common", "audio_format": "pcm16k16bit"}
            answer = await asker.web.post(
                other, json={"config": wanted, "data_url": url_of(source, "/other")}
            )
            all_wait.set()
            told = [await asker.over(job) for job in many]
            one = (await asker.web.get(f"{other}/{answer.json()['job_id']}")).json()
    assert one["status"] == "FINISHED"
    assert one["start_time"] < told[-1]["start_time"]
    assert [each["start_time"] for each in told] == sorted(each["start_time"] for each in told)


async def test_a_thousand_jobs_at_once_are_all_taken(tmp_path: Path) -> None:
    settings = StoreSettings(url=f"sqlite:///{tmp_path}/store/store.db")
    async with (
        await open_store(settings, {}, make=True) as store,
        store.writing(bounded=False) as work,
    ):
        for number in range(1000):
            job = NewJob(new_id(), "p", None, {}, f"u{number}", None, f"{number}")
            await work.jobs.add(job, 1, 0.0)
        assert (await work.jobs.by_state())[JobState.WAITING] == 1000
        assert await work.jobs.before((await work.jobs.open_ones())[-1]) == 999


async def test_numbers_tell_how_jobs_are_doing(tmp_path: Path, rasr: Rasr) -> None:
    async with service_of(job_settings(tmp_path, jobs={"at_once": 1}), 0.05) as service:
        async with asking(service) as asker, serving(hanging) as slow:
            assert "rasr_jobs{" not in (await asker.web.get("/metrics")).text
            async with serving(saying(talk(1))) as source:
                await asker.over(await asker.submit(url_of(source)))
            for number in range(3):
                await asker.submit(url_of(slow, f"/{number}"))
            await until(lambda: _counts(service.state) == (1, 2, 1))
            metrics = (await asker.web.get("/metrics")).text
            top = await asyncio.to_thread(rasr, "top", "--interval", "0.2", service.url)
    assert 'rasr_jobs{state="waiting"} 2.0' in metrics
    assert "rasr_jobs_oldest_waiting_seconds " in metrics
    assert "rasr_jobs_speed " in metrics
    assert "recordings: 1 running, each " in top.stdout
    assert "times as fast as speech, 2 waiting" in top.stdout


def _counts(state: ServerState) -> tuple[int, int, int]:
    found = {} if state.jobs.numbers is None else state.jobs.numbers.by_state
    return found.get("running", 0), found.get("waiting", 0), found.get("finished", 0)
