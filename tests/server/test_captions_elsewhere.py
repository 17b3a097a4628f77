"""Captions of a round at one server, watched at another one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedOK, InvalidStatus

from rasr.captions import ChannelBusy
from rasr.client import LineState, Options
from rasr.identity.principals import CredentialKind, Principal
from rasr.runtime.access import Access
from rasr.server.admission import Party
from rasr.server.channels import following, shared
from rasr.server.channels.shared import SharedChannels
from rasr.server.service import Service
from rasr.settings import StoreSettings
from rasr.store.on_demand import StoreOnDemand
from rasr.wire.dialect import AccessRequest
from tests.processes import LONG_S
from tests.server.audio import quiet, voiced
from tests.server.broken_network import broken_network, port_of
from tests.server.conftest import fake_settings
from tests.server.resumed import until
from tests.server.sdk import SdkClient
from tests.server.several import Several, several, without_store
from tests.server.test_captions import Stream, http_of, speak, watching
from tests.server.test_taking_over import Talk, sentences
from tests.store.conftest import postgres_settings, template

__all__ = ["postgres_settings", "template"]

CAPTIONED = Options.of(
    "english_16k_common", interim_results=True, need_word_info=True, caption_channel="stage"
)


@asynccontextmanager
async def watched_at(service: Service, last: str | None = None) -> AsyncIterator[Stream]:
    async with httpx.AsyncClient(base_url=http_of(service), timeout=LONG_S) as web:
        async with watching(web, last=last) as stream:
            yield stream


async def text_at(service: Service, kind: str = "txt") -> str:
    async with httpx.AsyncClient(base_url=http_of(service), timeout=LONG_S) as web:
        answer = await web.get(f"/captions/stage.{kind}")
        return answer.text if answer.status_code == 200 else ""


async def more(client: SdkClient, seed: int) -> None:
    await client.audio(voiced(800, seed=seed) + quiet(900))


async def test_a_viewer_at_another_server_sees_what_is_spoken(tmp_path: Path) -> None:
    async with several(tmp_path, 2) as made:
        first, second = made.services
        async with watched_at(second) as stream, SdkClient(first.url) as client:
            assert (await stream.next("state"))["state"] == "waiting"
            await client.start(interim_results="yes", caption_channel="stage")
            await made.heard()
            await stream.next("state", state="live")
            await client.audio(quiet(300) + voiced(1200) + quiet(900))
            partial = await stream.next("cue", final=False)
            final = await stream.next("cue", final=True)
            await client.end()
            await stream.next("state", state="ended")
        (told,) = client.finals
        assert partial["id"] == final["id"] == 1
        assert final["text"] == told["result"]["text"]
        assert final["start"] == told["start_time"]


async def test_who_comes_late_or_comes_back_at_another_server_waits_for_nothing(
    tmp_path: Path,
) -> None:
    async with several(tmp_path, 2) as made:
        first, second = made.services
        async with SdkClient(first.url) as client:
            await speak(client)
            async with watched_at(first) as stream:
                last = (await stream.next("cue", final=True))["event_id"]
            await more(client, 2)
            await more(client, 3)
            await client.end()
            async with watched_at(second, last) as stream:
                assert (await stream.any())["state"] == "ended"
                assert [(await stream.any())["id"] for _ in range(2)] == [2, 3]
            async with watched_at(second) as stream:
                assert [(await stream.next("cue"))["id"] for _ in range(3)] == [1, 2, 3]


async def test_files_are_the_same_at_all_servers(tmp_path: Path) -> None:
    async with several(tmp_path, 2) as made:
        first, second = made.services
        async with SdkClient(first.url) as client:
            await speak(client, 4000)
            await more(client, 2)
            await client.end()
        for kind in ("txt", "srt", "vtt"):
            document = await text_at(first, kind)
            assert len(document) > 10
            assert await text_at(second, kind) == document


async def test_a_copy_that_nobody_needs_is_dropped(tmp_path: Path) -> None:
    async with several(tmp_path, 3) as made:
        first, *others = made.services
        async with SdkClient(first.url) as client:
            await client.start(caption_channel="stage")
            for one in others:
                await text_at(one)
            assert [one.state.captions.copies for one in others] == [1, 1]
            await made.heard()
            # The keeper's stays.
            assert sorted(one.state.captions.copies for one in others) == [0, 1]


async def test_one_speaks_to_a_channel_at_a_time_wherever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with several(tmp_path, 2) as made:
        first, second = made.services
        async with SdkClient(first.url) as one, SdkClient(second.url) as other:
            await one.start(caption_channel="stage")
            with monkeypatch.context() as patch:
                # He is not waited for to end.
                patch.setattr(shared, "_END_S", 0.05)
                await other.start(caption_channel="stage")
            (error,) = other.messages
            assert error["error_code"] == "SIS.0032"
            assert "another round is publishing" in error["error_msg"]
            assert second.state.admission.recognitions == 0
            await one.end()
            other.state = "connected"
            await other.start(caption_channel="stage")
            assert other.state == "started"


async def test_a_channel_goes_on_where_the_next_one_speaks_with_all_that_was_said(
    tmp_path: Path,
) -> None:
    async with several(tmp_path, 3) as made:
        first, second, third = made.services
        async with AsyncExitStack() as stack:
            streams = [
                await stack.enter_async_context(watched_at(one)) for one in (first, second, third)
            ]
            finals = []
            for number, service in enumerate((first, second, first)):
                async with SdkClient(service.url) as client:
                    await client.start(interim_results="yes", caption_channel="stage")
                    await made.heard()
                    await more(client, number + 1)
                    await client.end()
                    finals += [one["result"]["text"] for one in client.finals]
            for stream in streams:
                told = [await stream.next("cue", final=True) for _ in range(3)]
                assert [one["id"] for one in told] == [1, 2, 3]
                assert [one["text"].replace("\n", " ") for one in told] == finals
                assert len({one["event_id"].partition("-")[0] for one in told}) == 1
        assert [await text_at(one) for one in made.services] == [
            "".join(f"{one}\n" for one in finals)
        ] * 3


async def test_what_a_project_has_published_no_other_one_goes_on_with_elsewhere(
    tmp_path: Path,
) -> None:
    async with several(tmp_path, 2) as made:
        first, second = made.services
        async with SdkClient(first.url) as client:
            await client.start(caption_channel="stage")
            await client.end()
        assert await second.state.channels.claim("stage", "another") == ChannelBusy("stage")
        assert await second.state.channels.claim("stage", "") is None


def keeper_that_is_chosen(made: Several, service: Service) -> Service:
    """The one that keeps what is spoken at a server."""
    channels = service.state.channels
    assert isinstance(channels, SharedChannels)
    name = channels._keeper_of("stage")
    (found,) = [one for one in made.services if one.state.connections.rounds.replica == name]
    return found


async def keeper_of(made: Several, cues: int) -> Service:
    """The one that has a copy of so many cues although nobody watches it there."""

    def has(one: Service) -> bool:
        history = one.state.captions.history("stage")
        return history is not None and len(history.cues) == cues

    await until(lambda: any(one.state.captions.copies and has(one) for one in made.services))
    (keeper,) = [one for one in made.services if one.state.captions.copies]
    return keeper


async def test_what_was_said_outlives_the_server_to_which_it_was_said(tmp_path: Path) -> None:
    async with several(tmp_path, 3) as made:
        first = made.services[0]
        async with SdkClient(first.url) as client:
            await speak(client)
            await more(client, 2)
            await made.heard()
            await client.end()
            said = "".join(f"{one['result']['text']}\n" for one in client.finals)
            keeper = await keeper_of(made, len(client.finals))
            (other,) = [one for one in made.services[1:] if one is not keeper]
            await made.cut_off(0)
            # Who comes to the last one finds it at the keeper.
            assert await text_at(other) == said
            await made.heard()
            await made.heard()
            assert dict(keeper.state.captions.own) == {"stage": ""}
            # And the last one is its keeper now.
            assert other.state.captions.copies == 1
            async with watched_at(other) as stream, SdkClient(other.url) as again:
                last = [await stream.next("cue", final=True) for _ in range(2)][-1]
                await again.start(interim_results="yes", caption_channel="stage")
                await more(again, 3)
                told = await stream.next("cue", final=True)
                await again.end()
            assert told["event_id"] == last["event_id"].replace("-2", "-3")


async def test_captions_go_on_where_the_client_takes_its_round(tmp_path: Path) -> None:
    async with several(tmp_path, 3, replicas={"finish_s": 60.0}) as made:
        first, second, third = made.services
        stopping: list[asyncio.Task[None]] = []
        async with (
            broken_network(first.url) as network,
            watched_at(second) as at_second,
            watched_at(third) as at_third,
        ):
            talk = Talk(network.url, sentences(6), CAPTIONED)

            async def retire() -> None:
                await made.heard()
                for stream in (at_second, at_third):
                    await stream.next("state", state="live")
                network.target = port_of(second.url)
                stopping.append(asyncio.create_task(made.stop(0)))
                await until(lambda: bool(talk.states))

            await talk.hold({31: retire})
            await stopping[0]
            await made.heard()
            assert talk.states == [LineState.LOST, LineState.BEGUN_ANEW]
            assert len(talk.finals) == 6
            for stream in (at_second, at_third):
                told = [await stream.next("cue", final=True) for _ in talk.finals]
                said = [one["text"].replace("\n", " ") for one in told]
                assert said == [one.text for one in talk.finals]
                assert [one["id"] for one in told] == list(range(1, len(said) + 1))
            assert await text_at(third) == await text_at(second)


async def test_a_client_without_a_server_is_let_in_although_its_channel_seems_to_live(
    tmp_path: Path,
) -> None:
    """The server to which it spoke says nothing any more, and nobody has noticed yet."""
    async with several(tmp_path, 2) as made:
        first, second = made.services
        async with SdkClient(first.url) as client, watched_at(second) as stream:
            await speak(client)
            await made.heard()
            await stream.next("cue", final=True)
            await made.cut_off(0)
            async with SdkClient(second.url) as again:
                await again.start(interim_results="yes", caption_channel="stage")
                assert again.state == "started"
                await more(again, 2)
                assert (await stream.next("cue", final=True))["id"] == 2
                await again.end()


async def test_viewers_go_with_a_channel_from_server_to_server(tmp_path: Path) -> None:
    """Nobody watches where was spoken first, and nothing is kept there."""
    async with several(tmp_path, 3) as made:
        kept_at = [keeper_that_is_chosen(made, one) for one in made.services]
        (first,) = [one for one in made.services if one not in kept_at]
        second, third = [one for one in made.services if one is not first]
        async with watched_at(third) as stream:
            for number, service in enumerate((first, second), 1):
                async with SdkClient(service.url) as client:
                    await client.start(caption_channel="stage")
                    await made.heard()
                    await more(client, number)
                    await made.heard()
                    assert (await stream.next("cue", final=True))["id"] == number
                    await client.end()


async def test_what_was_said_outlives_a_server_in_whose_place_another_one_is_started(
    tmp_path: Path,
) -> None:
    async with several(tmp_path, 3) as made:
        first = made.services[0]
        async with SdkClient(first.url) as client:
            await speak(client)
            await made.heard()
            await client.end()
        keeper = await keeper_of(made, 1)
        (other,) = [one for one in made.services[1:] if one is not keeper]
        # Its name is not that of the one before it, and it has nothing: neither who comes there
        # nor who comes from there finds it at its address.
        await made.put_in_place_of(0, other)
        async with watched_at(other) as stream:
            assert (await stream.any())["state"] == "ended"
            assert (await stream.next("cue", final=True))["id"] == 1
        assert keeper.state.captions.copies == 1


async def test_a_channel_that_is_forgotten_is_followed_no_more(tmp_path: Path) -> None:
    async with several(tmp_path, 2) as made:
        first, second = made.services
        async with SdkClient(first.url) as client, watched_at(second) as stream:
            await client.start(caption_channel="stage")
            await client.end()
            await made.heard()
            await stream.next("state", state="ended")
            first.state.captions.give_away("stage")
            first.state.captions.drop("stage")
            await made.heard()
            await made.heard()
            await stream.next("state", state="waiting")
            channels = second.state.channels
            assert isinstance(channels, SharedChannels)
            assert channels._followings.names == set()


async def test_a_server_that_says_nothing_any_more_is_asked_again_by_a_new_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_PING_S", 0.1)
    # Who did not say otherwise would wait for ever, as far as this test is concerned, for the
    # answer to a farewell.
    monkeypatch.setattr(following, "connect", partial(connect, close_timeout=3600.0))
    async with several(tmp_path, 2) as made:
        first, second = made.services
        async with SdkClient(first.url) as client, watched_at(second) as stream:
            await speak(client)
            await made.heard()
            await stream.next("cue", final=True)
            await made.hang(0)
            await more(client, 2)
            assert (await stream.next("cue", final=True))["id"] == 2
            await client.end()


async def test_those_who_ask_for_channels_do_not_pile_up_while_the_store_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs(store: StoreOnDemand) -> None:
        await asyncio.Event().wait()

    async with several(tmp_path, 1) as made:
        channels = made.services[0].state.channels
        assert isinstance(channels, SharedChannels)
        with monkeypatch.context() as patch:
            patch.setattr(StoreOnDemand, "kept", hangs)
            patch.setattr(shared, "_SEEK_S", 0.05)
            await asyncio.gather(*(channels.seek(f"stage-{number}") for number in range(50)))
            await until(lambda: not channels._seeking)


async def test_a_server_that_only_the_store_does_not_hear_goes_on_telling(tmp_path: Path) -> None:
    async with several(tmp_path, 2) as made:
        first, second = made.services
        async with SdkClient(first.url) as client, watched_at(second) as stream:
            await speak(client)
            await made.heard()
            await stream.next("cue", final=True)
            made.silence(0)
            for _ in range(9):
                await made.heard()
            assert not second.state.connections.rounds.elsewhere
            await more(client, 2)
            assert (await stream.next("cue", final=True))["id"] == 2
            assert "stage" not in second.state.captions.own
            await client.end()
            await stream.next("state", state="ended")
            for _ in range(2):
                await made.heard()
            assert "stage" in second.state.captions.own


async def test_without_the_store_captions_stay_where_they_are_spoken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with several(tmp_path, 2) as made:
        first, second = made.services
        with without_store(monkeypatch):
            async with SdkClient(first.url) as client, watched_at(first) as stream:
                await client.start(interim_results="yes", caption_channel="stage")
                await more(client, 1)
                told = await stream.next("cue", final=True)
                assert await text_at(second) == ""
                await client.end()
        # Once it is there again the others see it.
        await made.heard()
        assert await text_at(second) == f"{told['text']}\n".replace(
            "\n", " ", told["text"].count("\n")
        )


async def test_what_is_copied_needs_what_a_viewer_needs(service: Service) -> None:
    for path, host, status in (
        ("no%20name", "localhost", 404),
        ("stage", "stranger.example", 403),
    ):
        port = port_of(service.url)
        url = f"ws://{host}:{port}/captions/{path}/copy"
        with pytest.raises(InvalidStatus) as refused:
            async with connect(url, host="127.0.0.1", port=port):
                pass
        assert refused.value.response.status_code == status


async def test_copies_take_no_places_of_viewers_and_have_a_bound() -> None:
    async with Service(fake_settings(captions={"max_viewers": 1})) as service:
        url = f"{service.url}/captions/stage/copy"
        async with watched_at(service) as stream, connect(url) as copy:
            await stream.next("state")
            assert b'"token":""' in await copy.recv()
            with pytest.raises(InvalidStatus) as refused:
                async with connect(url):
                    pass
            assert refused.value.response.status_code == 503
            stopping = asyncio.create_task(service.stop())
            with pytest.raises(ConnectionClosedOK):
                await copy.recv()
            await stopping


@pytest.mark.parametrize("odd", ["6f9619ff-8b86-d011-b42d-00cf4fc964ff", "\x00", "\ud800"])
async def test_whatever_a_project_is_called_the_store_hears_of_the_channels_of_others(
    postgres_settings: StoreSettings, odd: str
) -> None:
    """An identity provider calls it so."""

    def request(channel: str) -> AccessRequest:
        return AccessRequest("english_16k_common", "english", 16_000, caption_channel=channel)

    def party(project: str) -> Party:
        caller = Principal("oidc:ann", "ann", "", project, CredentialKind.OIDC, "oidc:0123")
        return Party(project, "127.0.0.1", caller)

    settings = fake_settings(replicas={"address": "ws://127.0.0.1:9"})
    settings = settings.model_copy(update={"store": postgres_settings})
    store = StoreOnDemand(settings.store, {})
    async with Service(settings, store=store) as service:
        state = service.state
        assert isinstance(await state.authoriser.authorise(party(odd), request("odd")), Access)
        # As one that began while the store was gone.
        state.captions.open("other", project="other").close()
        await state.channels.beat()
        async with (await store.kept()).reading() as work:
            assert await work.caption_channels.find("other") is not None
            assert await work.caption_channels.find("odd") is not None
        busy = await state.authoriser.authorise(party("another"), request("odd"))
        assert not isinstance(busy, Access)
