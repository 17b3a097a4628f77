"""Jobs where callers are asked who they are: the official client, rights, other projects, usage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdksis.v1 import (
    CollectTranscriberJobRequest,
    PostTranscriberJobs,
    PushTranscriberJobsRequest,
    SisClient,
    TranscriberConfig,
)

from rasr.server.service import Service
from rasr.store.on_demand import DirectoryOnDemand
from tests.processes import until
from tests.recordings.hosts import LOOPBACK, hanging, saying, serving
from tests.server.jobs.place import talk, url_of
from tests.server.stored import StoredAccounts, stored_accounts


@dataclass
class Place:
    """A server with accounts in a store, and the official client of each user."""

    accounts: StoredAccounts
    service: Service

    def client(self, user: str = "anna", project: str | None = None) -> SisClient:
        access, secret = self.accounts.keys[user]
        return (
            SisClient.new_builder()
            .with_credentials(BasicCredentials(access, secret, project or self.accounts.project))
            .with_endpoints([self.service.url.replace("ws:", "http:")])
            .build()
        )

    async def submit(self, url: str, user: str = "anna", **config: Any) -> str:
        body = PostTranscriberJobs(
            config=TranscriberConfig(_property="english_16k_common", **config), data_url=url
        )
        request = PushTranscriberJobsRequest(body=body)
        told = await asyncio.to_thread(self.client(user).push_transcriber_jobs, request)
        return str(told.job_id)

    async def collect(self, job: str, user: str = "anna") -> Any:
        """The answer once there is one."""
        request = CollectTranscriberJobRequest(job_id=job)
        while True:
            told = await asyncio.to_thread(self.client(user).collect_transcriber_job, request)
            if told.status != "WAITING":
                return told
            await asyncio.sleep(0.05)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    accounts = await stored_accounts(
        tmp_path,
        recordings={
            "allowed_hosts": (LOOPBACK,),
            "folder": f"{tmp_path}/cache/recordings",
            "attempts": 1,
        },
    )
    async with accounts.service() as service:
        yield Place(accounts, service)


async def test_the_official_client_submits_and_collects(place: Place) -> None:
    async with serving(saying(talk(2))) as host:
        job = await place.submit(
            url_of(host), audio_format="pcm16k16bit", need_word_info="yes", add_punc="yes"
        )
        told = await place.collect(job)
    assert told.status == "FINISHED"
    assert told.audio_duration == 4000
    assert [one.result.word_info[0].start_time for one in told.segments] == [
        one.start_time for one in told.segments
    ]
    assert told.create_time.endswith("Z")


async def test_the_official_client_is_told_why_a_job_has_failed(place: Place) -> None:
    async with serving(saying(b"", "404 Not Found")) as host:
        job = await place.submit(url_of(host))
        with pytest.raises(ClientRequestException) as raised:
            await place.collect(job)
    assert (raised.value.status_code, raised.value.error_code) == (400, "SIS.0609")
    assert len(raised.value.request_id) == 32


async def test_a_job_of_others_is_as_one_that_never_was(place: Place) -> None:
    """Somebody has a key for the other project, too."""
    accounts = place.accounts
    store = await accounts.store.kept()
    async with store.writing() as work:
        rest = await work.projects.get("default", "rest")
        otto = await work.users.get("default", "otto")
        policy = await work.policies.get("SIS FullAccess")
        await work.policies.attach(policy, otto, rest, 0.0)
        key, secret = await work.keys.create(otto, rest, "for the rest", 0.0)
    accounts.keys["stranger"] = key.id, secret
    async with serving(saying(talk(1))) as host:
        job = await place.submit(url_of(host), audio_format="pcm16k16bit")
        await place.collect(job)
    errors = []
    for asked in (job, "0" * 32):
        with pytest.raises(ClientRequestException) as raised:
            await asyncio.to_thread(
                place.client("stranger", rest.id).collect_transcriber_job,
                CollectTranscriberJobRequest(job_id=asked),
            )
        error = raised.value
        errors.append((error.status_code, error.error_code, error.error_msg))
    assert errors[0] == errors[1]
    assert errors[0][:2] == (404, "SIS.0533")


async def test_who_only_reads_may_ask_and_not_submit(place: Place) -> None:
    async with serving(saying(talk(1))) as host:
        job = await place.submit(url_of(host), audio_format="pcm16k16bit")
        with pytest.raises(ClientRequestException) as raised:
            await place.submit(url_of(host), user="rita")
        assert (raised.value.status_code, raised.value.error_code) == (403, "APIG.0302")
        assert (await place.collect(job, user="rita")).status == "FINISHED"


async def test_a_job_is_charged_once_by_its_seconds(place: Place) -> None:
    async with serving(saying(talk(2) + bytes(2))) as host:
        job = await place.submit(url_of(host), audio_format="pcm16k16bit")
        await place.collect(job)
    await place.service.state.meter.caught_up()
    store = await place.accounts.store.kept()
    async with store.reading() as work:
        rows = await work.usage.sums(place.accounts.project, 0.0, 1 << 33)
    assert [(one.service, one.calls, one.amount) for one in rows] == [("recordings", 1, 4)]


async def test_a_frozen_project_may_not_submit(place: Place) -> None:
    store = await place.accounts.store.kept()
    async with store.writing() as work:
        team = await work.projects.get("default", "team")
        await work.projects.freeze(team.id, 1.0)
    with pytest.raises(ClientRequestException) as raised:
        await place.submit("http://files.example/a.wav")
    assert raised.value.error_code == "SIS.0101"


async def test_the_jobs_of_a_blocked_project_are_given_up(tmp_path: Path) -> None:
    accounts = await stored_accounts(
        tmp_path,
        recordings={"allowed_hosts": (LOOPBACK,), "folder": f"{tmp_path}/cache/recordings"},
    )
    service = Service(
        accounts.settings, DirectoryOnDemand(accounts.store), accounts.store, job_beat_s=0.05
    )
    async with service, serving(hanging) as host:
        job = await Place(accounts, service).submit(url_of(host))
        store = await accounts.store.kept()
        async with store.writing() as work:
            await work.projects.block(accounts.project, 1.0)
        await until(lambda: _failed(service) == 1)
        async with store.reading() as work:
            record = await work.jobs.find(job)
    assert record is not None
    assert (record.error_code, record.error_message) == ("SIS.0101", "the project is blocked")


def _failed(service: Service) -> int:
    numbers = service.state.jobs.numbers
    return 0 if numbers is None else numbers.by_state["error"]
