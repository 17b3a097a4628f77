"""Rounds that survive their connection, over real websockets, with a client that is broken off."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Callable
from functools import partial

import httpx
import pytest

from bench.recordings import load
from decoder import Hypothesis
from rasr.runtime.segment_task import SegmentTask
from rasr.scheduling import ProcessWorker
from rasr.server.service import Service
from rasr.settings import Settings
from rasr.wire.resuming import SentMessages
from tests.processes import LONG_S
from tests.server.audio import quiet, voiced
from tests.server.conftest import fake_settings
from tests.server.resumed import raw_client, until
from tests.server.sdk import SdkClient
from tests.server.test_captions import watching
from tests.server.test_faults import ONE_WORKER


class HeldFinals:
    """Finals of engines wait until they are let go."""

    def __init__(self) -> None:
        self._waiting: list[Callable[[], None]] = []

    def hold(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told = SegmentTask.hypothesis

        def later(task: SegmentTask, hypothesis: Hypothesis, *, final: bool) -> None:
            call = partial(told, task, hypothesis, final=final)
            if final:
                self._waiting.append(call)
            else:
                call()

        monkeypatch.setattr(SegmentTask, "hypothesis", later)

    def let_go(self) -> None:
        for call in self._waiting:
            call()

    @property
    def count(self) -> int:
        return len(self._waiting)


SENTENCE = quiet(300) + voiced(1500, seed=1) + quiet(900)
OTHER = voiced(1500, seed=5) + quiet(900)


def held(service: Service) -> int:
    return service.state.connections.rounds.held


async def gone_in_a_round(service: Service, **config: object) -> str:
    """Somebody who has been told a result is gone; the token by which he comes back."""
    async with raw_client(service.url) as client:
        offer = await client.start(**config)
        await client.audio(SENTENCE)
        await client.next("RESULT")
        client.break_off()
    token: str = offer["token"]
    return token


async def unbroken(service: Service) -> list[str]:
    """The finals of both sentences on one connection."""
    async with raw_client(service.url) as client:
        await client.start()
        await client.audio(SENTENCE + OTHER)
        await client.say(command="END")
        await client.next("END")
        return client.finals


async def test_a_client_that_comes_back_goes_on_behind_what_has_arrived(service: Service) -> None:
    expected = await unbroken(service)
    async with raw_client(service.url) as first:
        offer = await first.start()
        await first.audio(SENTENCE)
        await first.next("RESULT")
        await first.heard(64_000)
        first.break_off()
    await until(lambda: held(service) == 1)
    assert service.state.admission.recognitions == 1
    assert [one.state for one in service.state.connections.statistics] == ["away"]
    async with raw_client(service.url) as second:
        answer = await second.resume(offer["token"], first.numbers[-1])
        assert answer["resp_type"] == "RESUMED"
        assert answer["ended"] is False
        # All of it was read before the end of the connection was, or the rest comes again.
        assert 64_000 <= answer["audio_bytes"] <= len(SENTENCE)
        await second.audio((SENTENCE + OTHER)[answer["audio_bytes"] :])
        await second.say(command="END")
        assert (await second.next("END"))["reason"] == "NORMAL"
        numbers = first.numbers + second.numbers
        assert numbers == list(range(1, len(numbers) + 1))
        assert first.finals + second.finals == expected
        assert {one["trace_id"] for one in second.messages} == {first.messages[0]["trace_id"]}
    await service.state.connections.quiet()
    assert service.state.admission.recognitions == 0
    assert service.state.connections.rounds.resumed == 1


async def test_what_was_missed_comes_once_and_in_order(service: Service) -> None:
    async with raw_client(service.url) as first:
        offer = await first.start(interim_results="yes")
        await first.audio(SENTENCE + OTHER)
        await first.say(command="END")
        await first.next("END")
        everything = [one for one in first.messages if "seq" in one]
        first.break_off()
    await until(lambda: held(service) == 1)
    # END was not acknowledged: the round is over and still held. Its seat is free.
    assert service.state.admission.recognitions == 0
    known = len(everything) // 2
    async with raw_client(service.url) as second:
        answer = await second.resume(offer["token"], known)
        assert answer["ended"] is True
        assert answer["audio_bytes"] == len(SENTENCE + OTHER)
        while second.numbers[-1:] != [len(everything)]:
            await second.next("RESULT", "END")
        assert [one for one in second.messages if "seq" in one] == everything[known:]
        await second.say(command="ACK", seq=len(everything))
        # Settled: another round may follow, and this one is forgotten.
        await second.start()
        second.break_off()
    await until(lambda: held(service) == 1)
    async with raw_client(service.url) as third:
        assert (await third.resume(offer["token"]))["resp_type"] == "ERROR"


REFUSED = (
    "'token' is invalid: there is no round that can be gone on with by it; allowed: the token of a "
    "round of this project and path that is held; else START"
)


async def test_who_has_not_the_token_of_this_project_and_path_gets_nothing(
    service: Service,
) -> None:
    async with raw_client(service.url) as first:
        offer = await first.start()
        await first.audio(SENTENCE)
        await first.next("RESULT")
        token = offer["token"]
        guesses = [token[:-1], token + "A", token.swapcase(), token.partition(".")[2], "\ud800"]
        for guess in guesses:
            async with raw_client(service.url) as stranger:
                answer = await stranger.resume(guess)
                assert (answer["error_code"], answer["error_msg"]) == ("SIS.0032", REFUSED)
        async with raw_client(service.url, project="another") as stranger:
            assert (await stranger.resume(token))["error_msg"] == REFUSED
        async with raw_client(service.url, "rasr/short-stream") as stranger:
            assert (await stranger.resume(token))["error_msg"] == REFUSED
            # The connection is as before.
            await stranger.start()
        # Nobody has disturbed the round.
        await first.say(command="END")
        assert (await first.next("END"))["reason"] == "NORMAL"


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ({"seq": 0}, "'token' is missing; allowed: the token of the answer to START"),
        ({"token": 5, "seq": 0}, "'token' is invalid; allowed: the token"),
        ({"token": "x" * 201, "seq": 0}, "'token' is invalid; allowed: the token"),
        ({"token": "x"}, "'seq' is invalid: it is missing; allowed: a whole number from 0"),
        ({"token": "x", "seq": -1}, "'seq' is invalid: it is -1; allowed: a whole number"),
        ({"token": "x", "seq": "1"}, "'seq' is invalid: it is '1'; allowed: a whole number"),
    ],
)
async def test_a_resume_that_cannot_be_read_says_what_is_wrong(
    service: Service, command: dict[str, object], sentence: str
) -> None:
    async with raw_client(service.url) as client:
        await client.say(command="RESUME", **command)
        answer = await client.next("ERROR")
        assert answer["error_code"] == "SIS.0032"
        assert answer["error_msg"].startswith(sentence)


async def test_resume_and_acknowledgements_out_of_place_are_told(service: Service) -> None:
    async with raw_client(service.url) as client:
        await client.say(command="ACK", seq=1)
        assert (
            "ACK came where messages have no numbers" in (await client.next("ERROR"))["error_msg"]
        )
        offer = await client.start()
        await client.say(command="RESUME", token=offer["token"], seq=0)
        answer = await client.next("ERROR")
        assert "RESUME came in the middle of a round" in answer["error_msg"]
        assert (await client.next("END"))["reason"] == "ERROR"


async def test_the_newer_of_two_connections_wins_and_the_older_is_closed(
    service: Service,
) -> None:
    async with raw_client(service.url) as first, raw_client(service.url) as second:
        offer = await first.start()
        await first.audio(SENTENCE)
        await first.heard(len(SENTENCE) - 16_384)
        # The first connection hangs: nobody there answers, and the server has not noticed.
        answer = await second.resume(offer["token"], 1)
        assert await first.rest() == 4009
        await second.audio((SENTENCE + OTHER)[answer["audio_bytes"] :])
        await second.say(command="END")
        assert (await second.next("END"))["reason"] == "NORMAL"
        assert first.finals + [one for one in second.finals if one not in first.finals] == (
            await unbroken(service)
        )


async def test_who_had_come_back_is_told_as_well_that_another_has_the_round(
    service: Service,
) -> None:
    async with (
        raw_client(service.url) as first,
        raw_client(service.url) as second,
        raw_client(service.url) as third,
    ):
        offer = await first.start()
        await second.resume(offer["token"], 1)
        await third.resume(offer["token"], 1)
        assert (await first.rest(), await second.rest()) == (4009, 4009)


async def test_a_round_to_which_nobody_comes_back_gives_everything_back() -> None:
    settings = fake_settings(session={"resume_s": 0.2}, server={"max_connections": 1})
    async with Service(settings) as service:
        token = await gone_in_a_round(service, caption_channel="stage")
        await until(lambda: service.state.connections.rounds.lost == 1)
        await service.state.connections.quiet()
        assert service.state.admission.recognitions == 0
        (scheduler,) = service.state.schedulers.values()
        assert scheduler.statistics.open_tasks == 0
        assert service.state.statistics.sessions == {"disconnected": 1}
        async with raw_client(service.url) as late:
            assert (await late.resume(token))["error_msg"] == REFUSED
            # The channel is free again.
            await late.start(caption_channel="stage")


@pytest.mark.parametrize("comes_back", [True, False])
async def test_viewers_of_captions_see_one_round(comes_back: bool) -> None:
    settings = fake_settings(session={"resume_s": 30.0 if comes_back else 0.1})
    async with Service(settings) as service:
        address = service.url.replace("ws:", "http:")
        async with (
            httpx.AsyncClient(base_url=address, timeout=LONG_S) as web,
            watching(web) as viewer,
        ):
            async with raw_client(service.url) as first:
                offer = await first.start(caption_channel="stage")
                await first.audio(SENTENCE)
                await first.next("RESULT")
                await first.heard(len(SENTENCE) - 16_384)
                first.break_off()
            if comes_back:
                await until(lambda: held(service) == 1)
                async with raw_client(service.url) as second:
                    answer = await second.resume(offer["token"], first.numbers[-1])
                    await second.audio((SENTENCE + OTHER)[answer["audio_bytes"] :])
                    await second.say(command="END")
                    await second.next("END")
            states, cues = [], []
            while "ended" not in states:
                event = await viewer.any()
                if event["event"] == "state":
                    states.append(event["state"])
                elif event["event"] == "cue" and event["final"]:
                    cues.append(event["id"])
            assert states == ["waiting", "live", "ended"]
            assert cues == ([1, 2] if comes_back else [1])


async def test_who_is_away_finds_a_place_on_a_server_whose_connections_are_all_taken() -> None:
    async with Service(fake_settings(server={"max_connections": 1})) as service:
        async with raw_client(service.url) as first:
            offer = await first.start()
            first.break_off()
        await until(lambda: held(service) == 1)
        async with raw_client(service.url) as second:
            assert (await second.resume(offer["token"]))["resp_type"] == "RESUMED"


async def test_whoever_has_come_meanwhile_there_is_a_place_to_come_back_to() -> None:
    async with Service(fake_settings(server={"max_connections": 1})) as service:
        async with raw_client(service.url) as first:
            offer = await first.start()
            first.break_off()
        await until(lambda: held(service) == 1)
        async with raw_client(service.url) as fresh, raw_client(service.url) as back:
            await fresh.start()
            await back.say(
                command="START",
                config={"audio_format": "pcm16k16bit", "property": "english_16k_common"},
            )
            assert (await back.next("ERROR"))["error_code"] == "SIS.0312"
            assert (await back.resume(offer["token"]))["resp_type"] == "RESUMED"


@pytest.mark.parametrize("code", [1000, 1001])
async def test_who_closes_in_order_gives_the_round_up_at_once(service: Service, code: int) -> None:
    async with raw_client(service.url) as client:
        offer = await client.start()
        await client.audio(SENTENCE)
        await client.next("RESULT")
        await client.socket.close(code)
    await service.state.connections.quiet()
    assert service.state.admission.recognitions == 0
    async with raw_client(service.url) as late:
        assert (await late.resume(offer["token"]))["error_msg"] == REFUSED


async def test_silence_of_who_is_away_is_not_held_against_him() -> None:
    # Long enough for a slow machine to bring him from START to his first audio, and back to END.
    idle_s = 2.0
    settings = fake_settings(session={"idle_s": idle_s, "resume_s": 3600.0})
    async with Service(settings) as service:
        token = await gone_in_a_round(service)
        await until(lambda: held(service) == 1)
        # When the idle rule would have ended it; nothing else is waited for here.
        (session,) = service.state.connections.statistics
        began = asyncio.get_running_loop().time()
        await until(lambda: asyncio.get_running_loop().time() > began + 1.5 * idle_s)
        assert session.in_recognition
        async with raw_client(service.url) as second:
            assert (await second.resume(token, 1))["resp_type"] == "RESUMED"
            await second.say(command="END")
            assert (await second.next("END"))["reason"] == "NORMAL"


async def test_a_server_that_stops_waits_for_nobody_who_is_away() -> None:
    # For ever, as far as this test is concerned.
    settings = fake_settings(server={"drain_s": 3600.0}, session={"resume_s": 3600.0})
    async with Service(settings) as service:
        await gone_in_a_round(service)
        await until(lambda: held(service) == 1)
        async with asyncio.timeout(LONG_S):
            await service.stop()


async def test_a_server_that_stops_says_so_to_who_is_there(service: Service) -> None:
    async with raw_client(service.url) as client:
        await client.start()
        await client.audio(SENTENCE)
        await client.next("RESULT")
        stopping = asyncio.ensure_future(service.stop())
        assert (await client.next("END"))["reason"] == "NORMAL"
        assert await client.rest() == 1001
        await stopping


async def test_a_server_that_stops_says_so_to_who_has_come_back() -> None:
    # For ever, as far as this test is concerned.
    settings = fake_settings(server={"drain_s": 3600.0}, session={"resume_s": 3600.0})
    async with Service(settings) as service:
        token = await gone_in_a_round(service)
        await until(lambda: held(service) == 1)
        async with raw_client(service.url) as second:
            await second.resume(token, 1)
            stopping = asyncio.ensure_future(service.stop())
            assert (await second.next("END"))["reason"] == "NORMAL"
            assert await second.rest() == 1001
            async with asyncio.timeout(LONG_S):
                await stopping
        assert service.state.connections.count == 0


async def test_a_round_may_be_gone_on_with_again_and_again_and_others_may_follow_it(
    service: Service,
) -> None:
    token, newest, sent = "", 0, 0
    expected = await unbroken(service)
    finals: list[str] = []
    for _ in range(5):
        async with raw_client(service.url) as client:
            if token:
                answer = await client.resume(token, newest)
                sent = answer["audio_bytes"]
            else:
                token = (await client.start())["token"]
            await client.audio((SENTENCE + OTHER)[sent : sent + 25_600])
            await client.heard(sent + 1)
            newest = max([newest, *client.numbers])
            finals += client.finals
            client.break_off()
        await until(lambda: held(service) == 1)
    async with raw_client(service.url) as client:
        answer = await client.resume(token, newest)
        await client.audio((SENTENCE + OTHER)[answer["audio_bytes"] :])
        await client.say(command="END")
        newest = (await client.next("END"))["seq"]
        assert finals + client.finals == expected
        await client.say(command="ACK", seq=newest)
        # A plain round on the same connection is as plain as any other.
        await client.say(
            command="START",
            config={"audio_format": "pcm16k16bit", "property": "english_16k_common"},
        )
        assert set(await client.next("START")) == {"resp_type", "trace_id"}
        await client.audio(SENTENCE)
        await client.say(command="END")
        assert set(await client.next("END")) == {"resp_type", "trace_id", "reason"}


async def test_a_final_that_is_made_meanwhile_is_there_for_who_comes_back(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    finals = HeldFinals()
    finals.hold(monkeypatch)
    async with raw_client(service.url) as first:
        offer = await first.start()
        await first.audio(SENTENCE)
        await first.heard(len(SENTENCE) - 16_384)
        first.break_off()
    await until(lambda: held(service) == 1)
    async with raw_client(service.url) as second:
        await second.resume(offer["token"], 1)
        await until(lambda: finals.count == 1)
        assert second.finals == []
        finals.let_go()
        await second.next("RESULT")
        assert len(second.finals) == 1


async def test_who_acknowledges_nothing_costs_no_more_than_the_bound(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with raw_client(service.url) as first:
        monkeypatch.setattr(SentMessages.__init__, "__defaults__", (400,))
        offer = await first.start(interim_results="yes")
        await first.audio(SENTENCE)
        await first.next("RESULT")
        await first.heard(len(SENTENCE) - 16_384)
        first.break_off()
    await until(lambda: held(service) == 1)
    async with raw_client(service.url) as second:
        # What he lacks is not all there: never with a hole in it.
        assert (await second.resume(offer["token"], 0))["error_msg"] == REFUSED
    await service.state.connections.quiet()
    assert service.state.admission.recognitions == 0


@pytest.mark.engine
async def test_a_worker_that_is_killed_while_the_client_is_away_costs_him_a_delay_only() -> None:
    settings = Settings.model_validate(ONE_WORKER)
    audio = load("library").samples.astype("<i2").tobytes()
    half = len(audio) // 4 * 2
    async with Service(settings) as service:
        async with raw_client(service.url) as client:
            await client.start()
            await client.audio(audio + quiet(300))
            await client.say(command="END")
            await client.next("END")
            undisturbed = client.finals
        async with raw_client(service.url) as first:
            offer = await first.start(interim_results="yes")
            await first.audio(audio[:half])
            # The worker has begun with the sentence.
            await first.next("RESULT")
            first.break_off()
        await until(lambda: held(service) == 1)
        scheduler = service.state.schedulers["pocketsphinx"]
        (only,) = scheduler.workers
        assert isinstance(only, ProcessWorker)
        assert only.pid is not None
        os.kill(only.pid, signal.SIGKILL)
        await until(lambda: scheduler.statistics.restarts == 1)
        async with raw_client(service.url) as second:
            back = await second.resume(offer["token"], max(first.numbers))
            await second.audio(audio[back["audio_bytes"] :] + quiet(300))
            await second.say(command="END")
            await second.next("END")
    assert first.finals + second.finals == undisturbed
    assert undisturbed


async def test_an_engine_that_fails_while_the_client_is_away_is_told_to_who_comes_back() -> None:
    options = {"kind": "fake", "options": {"test_samples": True}}
    magic = (32001).to_bytes(2, "little")
    async with Service(fake_settings(engines={"fake": options})) as service:
        async with raw_client(service.url) as first:
            offer = await first.start()
            await first.audio(SENTENCE[: 2 * 16_384])
            await first.heard(16_384)
            number = max(first.numbers)
            await first.audio(voiced(500) + magic * 10 + voiced(500))
            first.break_off()
        await until(lambda: held(service) == 1)
        await until(lambda: not service.state.admission.recognitions)
        async with raw_client(service.url) as second:
            assert (await second.resume(offer["token"], number))["resp_type"] == "RESUMED"
            told = await second.next("END")
            await second.say(command="ACK", seq=max(second.numbers))
            # The connection is good for the next round.
            await second.start()
    errors = [one["error_code"] for one in second.messages if one["resp_type"] == "ERROR"]
    assert (errors, told["reason"]) == (["SIS.0305"], "ERROR")


async def _come_back(service: Service) -> None:
    """A round whose client comes back once."""
    async with raw_client(service.url) as first:
        offer = await first.start()
        await first.audio(SENTENCE)
        await first.heard(len(SENTENCE) - 16_384)
        first.break_off()
    async with raw_client(service.url) as second:
        await second.resume(offer["token"], max(first.numbers, default=0))
        await second.say(command="END")
        await second.next("END")
        await second.say(command="ACK", seq=max(second.numbers))


def _objects() -> int:
    """So many of the server's own are alive, but for what a connection leaves for some seconds."""
    gc.collect()
    return sum(
        str(type(one).__module__).startswith(("rasr.runtime", "rasr.recognition", "rasr.server.ws"))
        for one in gc.get_objects()
    )


async def test_rounds_that_clients_came_back_to_leave_nothing_behind(service: Service) -> None:
    for _ in range(3):
        await _come_back(service)
    await service.state.connections.quiet()
    before = _objects()
    for _ in range(10):
        await _come_back(service)
    await service.state.connections.quiet()
    await until(lambda: _objects() <= before)


async def test_plain_clients_are_sent_what_they_always_were(service: Service) -> None:
    async with SdkClient(service.url) as client:
        await client.start(resume="no")
        await client.audio(SENTENCE)
        await client.end()
    keys = {key for message in client.messages for key in message}
    assert keys == {"resp_type", "trace_id", "segments", "reason"}


async def test_a_server_that_holds_nothing_offers_nothing() -> None:
    async with Service(fake_settings(session={"resume_s": 0.0})) as service:
        async with SdkClient(service.url) as client:
            await client.start(resume="yes")
            await client.audio(SENTENCE)
            await client.end()
        assert all("seq" not in one and "resume" not in one for one in client.messages)


async def test_a_token_is_nowhere_in_the_log(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    async with raw_client(service.url) as first:
        token = (await first.start())["token"]
        first.break_off()
    await until(lambda: held(service) == 1)
    async with raw_client(service.url) as second:
        await second.resume(token, 1)
    await service.state.connections.quiet()
    said = capsys.readouterr()
    assert "round_resumed" in said.out + said.err
    assert token.partition(".")[2] not in said.out + said.err
