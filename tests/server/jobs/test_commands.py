"""`rasr jobs`, and recordings that are sent to the server."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from structlog.testing import capture_logs

from rasr.server.jobs.sent import MOST_PART_BYTES
from rasr.server.service import Service
from tests.cli.conftest import Rasr
from tests.processes import until
from tests.recordings.hosts import hanging, saying, serving
from tests.server.jobs.place import (
    JOBS,
    UPLOADS,
    asking,
    files_below,
    job_settings,
    service_of,
    talk,
    url_of,
)
from tests.server.sdk import PROJECT
from tests.server.stored import stored_accounts

OWN = ("--property", "english_16k_common", "--audio-format", "pcm16k16bit")


@pytest.fixture(autouse=True)
def unlogged() -> Iterator[None]:
    """The server logs nothing: whenever it did, that would come between the lines of a command."""
    with capture_logs():
        yield


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with service_of(job_settings(tmp_path, recordings={"max_bytes": 5 << 20})) as one:
        yield one


def _ids(run: Result) -> list[str]:
    """The jobs that were begun."""
    return re.findall(r"^[0-9a-f]{32}$", run.stdout, re.MULTILINE)


def _json(run: Result) -> Any:
    return json.loads(run.stdout)


async def _run(rasr: Rasr, service: Service, *arguments: object) -> Result:
    return await asyncio.to_thread(rasr, "jobs", *arguments, "--url", service.url)


async def test_files_and_urls_are_submitted_waited_for_listed_and_exported(
    rasr: Rasr, service: Service, tmp_path: Path
) -> None:
    file = tmp_path / "talk.raw"
    file.write_bytes(talk(2))
    async with serving(saying(talk(3))) as host:
        run = await _run(rasr, service, "submit", file, url_of(host), *OWN, "--wait")
        assert run.exit_code == 0, run.output
    own, other = _ids(run)
    listed = _json(await _run(rasr, service, "list", "--json"))
    assert {one["job_id"] for one in listed["jobs"]} == {own, other}
    table = (await _run(rasr, service, "list")).stdout.splitlines()
    assert len(table) == 3
    assert f"{own}  finished  100%      4.0 s" in table[1] + table[2]
    shown = _json(await _run(rasr, service, "show", own))
    assert shown["audio_duration"] == 4000
    text = (await _run(rasr, service, "export", own)).stdout.splitlines()
    assert text == [one["result"]["text"] for one in shown["segments"]]
    for kind, begins in (
        ("srt", b"1\n00:00:0"),
        ("vtt", b"WEBVTT"),
        ("csv", b"job,start_s,"),
    ):
        target = tmp_path / f"out.{kind}"
        run = await _run(rasr, service, "export", own, "--format", kind, "--output", target)
        assert run.exit_code == 0, run.output
        assert target.read_bytes().startswith(begins)
    run = await _run(rasr, service, "export", own, "--format", "xlsx")
    assert "--output" in run.stderr


async def test_a_file_has_the_answer_of_its_url_and_is_gone_afterwards(
    rasr: Rasr, service: Service, tmp_path: Path
) -> None:
    audio = talk(70)
    assert len(audio) > MOST_PART_BYTES
    file = tmp_path / "talk.raw"
    file.write_bytes(audio)
    async with serving(saying(audio)) as host:
        run = await _run(rasr, service, "submit", file, url_of(host), *OWN, "--wait")
    assert run.exit_code == 0, run.output
    own, other = [_json(await _run(rasr, service, "show", job)) for job in _ids(run)]
    assert own["segments"] == other["segments"]
    assert len(own["segments"]) == 70
    file.unlink()
    # It is dropped a moment after its last job is over.
    await until(lambda: audio[1000:1200] not in b"".join(files_below(tmp_path)))


async def test_a_job_that_fails_is_told_of(rasr: Rasr, service: Service) -> None:
    async with serving(saying(b"", "404 Not Found")) as host:
        run = await _run(rasr, service, "submit", url_of(host), "--wait")
    assert run.exit_code == 1
    assert "HTTP 404" in run.stderr
    run = await _run(rasr, service, "export", *_ids(run))
    assert "the job is not done: failed" in run.stderr


async def test_a_job_is_cancelled(rasr: Rasr, service: Service) -> None:
    async with serving(hanging) as host:
        (job,) = _ids(await _run(rasr, service, "submit", url_of(host)))
        assert (await _run(rasr, service, "cancel", job)).exit_code == 0
    run = await _run(rasr, service, "show", job)
    assert run.exit_code == 1
    assert "task id is not found" in run.stderr


async def test_what_is_neither_file_nor_url_is_refused(rasr: Rasr, service: Service) -> None:
    run = await _run(rasr, service, "submit", "there/is/none.wav")
    assert run.exit_code == 2
    assert "begins with http://," in run.stderr.replace("\n", " ")


async def test_requests_are_signed_with_their_bodies(
    rasr: Rasr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = await stored_accounts(
        tmp_path, recordings={"folder": f"{tmp_path}/cache/recordings"}
    )
    file = tmp_path / "talk.raw"
    file.write_bytes(talk(1))
    async with accounts.service() as service:
        run = await _run(rasr, service, "submit", file, *OWN, "--wait")
        assert "it asks who calls" in run.stderr
        access, secret = accounts.keys["anna"]
        monkeypatch.setenv("RASR_AK", access)
        monkeypatch.setenv("RASR_SK", secret)
        monkeypatch.setenv("RASR_PROJECT", accounts.project)
        run = await _run(rasr, service, "submit", file, *OWN, "--wait")
        assert run.exit_code == 0, run.output


@pytest.mark.parametrize(
    ("path", "content", "status", "code"),
    [
        ("{id}/0", b"", 400, "SIS.0032"),
        ("{id}/x", b"x", 400, "SIS.0032"),
        ("{id}/65536", b"x", 400, "SIS.0032"),
        ("{id}/0", bytes(MOST_PART_BYTES + 1), 413, "SIS.0537"),
        ("00000000000000000000000000000000/0", b"x", 404, "SIS.0533"),
    ],
)
async def test_parts_that_are_wrong_are_refused(
    service: Service, path: str, content: bytes, status: int, code: str
) -> None:
    async with asking(service) as asker:
        begun = (await asker.web.post(UPLOADS)).json()
        url = f"{UPLOADS}/{path.format(id=begun['upload_id'])}"
        answer = await asker.web.put(url, content=content)
        assert (answer.status_code, answer.json()["error_code"]) == (status, code)


async def test_a_recording_has_no_more_bytes_than_it_may_and_no_gaps(service: Service) -> None:
    async with asking(service) as asker:
        begun = (await asker.web.post(UPLOADS)).json()
        url = f"{UPLOADS}/{begun['upload_id']}"
        answer = await asker.post(begun["data_url"])
        assert "no part" in answer.json()["error_msg"]
        half = bytes(3 << 20)
        assert (await asker.web.put(f"{url}/1", content=half)).status_code == 204
        answer = await asker.post(begun["data_url"])
        assert (answer.status_code, answer.json()["error_code"]) == (400, "SIS.0032")
        assert "part 0" in answer.json()["error_msg"]
        answer = await asker.web.put(f"{url}/0", content=half)
        assert (answer.status_code, answer.json()["error_code"]) == (413, "SIS.0537")
        # The same part again is in place of what was there.
        assert (await asker.web.put(f"{url}/1", content=half)).status_code == 204
        assert (await asker.post("upload:" + "0" * 32)).status_code == 400


async def test_an_upload_is_forgotten_unless_a_job_needs_it(
    service: Service, tmp_path: Path
) -> None:
    audio = talk(1)
    async with asking(service) as asker:
        url = f"{UPLOADS}/{(await asker.send(audio)).removeprefix('upload:')}"
        assert audio[1000:1200] in b"".join(files_below(tmp_path))
        foreign = url.replace(PROJECT, "another")
        for other in (foreign, f"{UPLOADS}/{'0' * 32}", f"{UPLOADS}/x"):
            answer = await asker.web.delete(other)
            assert (answer.status_code, answer.json()["error_code"]) == (404, "SIS.0533")
        assert (await asker.web.delete(url)).status_code == 204
        assert audio[1000:1200] not in b"".join(files_below(tmp_path))
        answer = await asker.web.put(f"{url}/0", content=b"x")
        assert (answer.status_code, answer.json()["error_code"]) == (404, "SIS.0533")


async def test_an_upload_that_a_job_needs_is_not_forgotten(tmp_path: Path) -> None:
    settings = job_settings(tmp_path, jobs={"at_once": 0})
    async with service_of(settings) as service, asking(service) as asker:
        data_url = await asker.send(talk(1))
        job = await asker.submit(data_url)
        url = f"{UPLOADS}/{data_url.removeprefix('upload:')}"
        answer = await asker.web.delete(url)
        assert (answer.status_code, answer.json()["error_code"]) == (400, "SIS.0032")
        assert "take the job back" in answer.json()["error_msg"]
        assert (await asker.web.delete(f"{JOBS}/{job}")).status_code == 204
        assert (await asker.web.delete(url)).status_code == 404


async def test_nothing_stays_of_a_file_whose_job_is_not_taken(
    rasr: Rasr, service: Service, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    file = tmp_path_factory.mktemp("elsewhere") / "talk.raw"
    file.write_bytes(audio := talk(1))
    wanted = ("--property", "arabic_16k_common", "--audio-format", "pcm16k16bit")
    run = await _run(rasr, service, "submit", file, *wanted)
    assert run.exit_code == 1
    assert "SIS.0031" in run.stderr
    assert audio[1000:1200] not in b"".join(files_below(tmp_path))


def test_what_can_be_no_job_is_sent_to_no_server(rasr: Rasr, tmp_path: Path) -> None:
    file = tmp_path / "talk.raw"
    file.write_bytes(b"audio")
    nobody = ("--url", "127.0.0.1:1")
    for option, value in (("property", "klingon"), ("audio-format", "mp7")):
        run = rasr("jobs", "submit", file, f"--{option}", value, *nobody)
        assert run.exit_code == 2
        assert option.replace("-", "_") in run.stderr
        assert value in run.stderr


@pytest.mark.parametrize("job", ["", "..", "../uploads", "a b", "?limit=1"])
@pytest.mark.parametrize("command", ["show", "wait", "cancel", "export"])
def test_what_can_be_no_job_is_asked_of_no_server(rasr: Rasr, command: str, job: str) -> None:
    run = rasr("jobs", command, "--", job)
    assert run.exit_code == 2
    assert "is no id of a job; `rasr jobs list` shows them" in run.output
