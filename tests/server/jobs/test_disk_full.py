"""Jobs wait where the disk is full, and go on once there is room."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.processes import until
from tests.recordings.hosts import Asked, saying, serving
from tests.server.jobs.place import asking, job_settings, service_of, talk, texts, url_of
from tests.usage.disks import files_no_longer_than


async def test_a_disk_that_is_full_delays_a_job_and_no_more(tmp_path: Path) -> None:
    may_answer, audio = asyncio.Event(), talk(4)

    async def late(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await may_answer.wait()
        await saying(audio)(asked, writer)

    async with service_of(job_settings(tmp_path)) as service, asking(service) as asker:
        async with serving(late) as host:
            job = await asker.submit(url_of(host))
            await until(lambda: len(host.asked) == 1)
            with files_no_longer_than(len(audio) // 2):
                may_answer.set()
                # It has been given up for want of room, and is tried again.
                await until(lambda: len(host.asked) >= 3)
                assert (await asker.show(job)).json().get("status") == "WAITING"
            told = await asker.over(job)
    assert (told["status"], len(texts(told))) == ("FINISHED", 4)
