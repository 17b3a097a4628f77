"""Jobs from their request to their answer."""

from __future__ import annotations

from pathlib import Path

from tests.recordings.hosts import saying, serving
from tests.server.jobs.place import asking, job_settings, service_of, talk, texts, url_of
from tests.server.sdk import SdkClient


async def test_a_recording_has_the_sentences_of_a_stream(tmp_path: Path) -> None:
    audio = talk(4)
    async with service_of(job_settings(tmp_path)) as service, serving(saying(audio)) as host:
        async with SdkClient(service.url, "rasr/continue-stream") as client:
            await client.start(
                audio_format="pcm16k16bit", property="english_16k_common", need_word_info="yes"
            )
            await client.audio(audio)
            await client.end()
        streamed = [(one["start_time"], one["end_time"], one["result"]) for one in client.finals]
        async with asking(service) as asker:
            told = await asker.over(await asker.submit(url_of(host), need_word_info="yes"))
    assert told["status"] == "FINISHED"
    assert len(texts(told)) == 4
    found = [(one["start_time"], one["end_time"], one["result"]) for one in told["segments"]]
    assert found == streamed
    assert told["audio_duration"] == len(audio) // 32
    assert told["create_time"] <= told["start_time"] <= told["finish_time"]


async def test_an_object_of_a_bucket_is_a_recording(tmp_path: Path) -> None:
    (tmp_path / "calls").mkdir()
    (tmp_path / "calls" / "today.pcm").write_bytes(talk(2))
    buckets = {"calls": {"kind": "folder", "folder": str(tmp_path / "calls")}}
    settings = job_settings(tmp_path, recordings={"buckets": buckets})
    async with service_of(settings) as service, asking(service) as asker:
        told = await asker.over(await asker.submit("obs://calls/today.pcm"))
        missing = await asker.over(await asker.submit("obs://calls/yesterday.pcm"))
        foreign = await asker.over(await asker.submit("obs://others/today.pcm"))
        wrong = await asker.post("obs://calls")
    assert len(texts(told)) == 2
    assert (missing["status"], missing["error_code"]) == ("ERROR", "SIS.30003")
    assert (foreign["status"], foreign["error_code"]) == ("ERROR", "SIS.0506")
    assert wrong.status_code == 400
    assert "allowed: obs://BUCKET/KEY" in wrong.json()["error_msg"]


async def test_jobs_are_no_rounds_of_those_who_speak(tmp_path: Path) -> None:
    """They are taken and done while the only round is open, and it is free after them."""
    settings = job_settings(tmp_path, decoding={"max_rounds": 1})
    async with service_of(settings) as service, asking(service) as asker:
        async with serving(saying(talk(1))) as host, SdkClient(service.url) as client:
            await client.start(audio_format="pcm16k16bit", property="english_16k_common")
            for path in ("/1", "/2"):
                told = await asker.over(await asker.submit(url_of(host, path)))
                assert told["status"] == "FINISHED"
        async with SdkClient(service.url) as client:
            await client.start(audio_format="pcm16k16bit", property="english_16k_common")
