"""The hub: who may publish, how long a channel lives, how viewers are woken."""

from __future__ import annotations

import asyncio

import pytest

from rasr.captions import Hub, Refused, Viewer
from rasr.captions.events import KEEP_ALIVE
from rasr.captions.hub import KEEP_ALIVE_S
from rasr.settings import CaptionSettings
from rasr.wire.sis.errors import ErrorCode
from tests.captions.test_channel import cues, events
from tests.captions.values import FakeLoop, spoken


class World:
    """A hub on a loop whose time a test lets pass."""

    def __init__(self, settings: CaptionSettings | None = None) -> None:
        self.loop = FakeLoop()
        self.hub = Hub(settings or CaptionSettings(), self.loop)
        self.dropped: list[str] = []

    def viewer(self, name: str = "stage", last_event_id: str | None = None) -> Viewer:
        return self.hub.join(name, last_event_id, lambda: self.dropped.append(name))

    def refusal(self, name: str = "stage") -> str | None:
        refused = self.hub.refusal(name)
        return None if refused is None else f"{refused.code} {refused.message}"


def states(stream: bytes) -> list[str]:
    return [one["state"] for one in events(stream) if one["event"] == "state"]


def texts(stream: bytes) -> list[str]:
    return [text for _, text, *_ in cues(stream)]


class TestPublishing:
    def test_a_channel_is_free_until_a_round_has_it(self) -> None:
        world = World()
        assert world.refusal() is None
        publisher = world.hub.open("stage")
        assert world.refusal() == (
            "SIS.0032 'caption_channel' is invalid: it is 'stage', to which another round is "
            "publishing; allowed: a channel without an open round"
        )
        assert world.refusal("other") is None
        publisher.close()
        assert world.refusal() is None

    def test_one_channel_too_many_is_refused_with_the_numbers(self) -> None:
        world = World(CaptionSettings(max_channels=1, grace_s=60))
        world.hub.open("stage").close()
        refused = world.hub.refusal("other")
        assert refused is not None
        assert refused.code is ErrorCode.FULL
        assert "keeps 1 of 1 caption channels" in refused.message
        assert world.refusal() is None, "the one that is there may go on"

    def test_a_channel_is_gone_when_its_grace_time_is_over(self) -> None:
        world = World(CaptionSettings(grace_s=60))
        publisher = world.hub.open("stage")
        publisher.publish((spoken("hello"),))
        world.loop.pass_time(10_000)
        assert world.hub.said("stage") is not None, "it lives as long as its round"
        publisher.close()
        world.loop.pass_time(59)
        said = world.hub.said("stage")
        assert said is not None
        assert said.sentences == ("hello",)
        world.loop.pass_time(1)
        assert world.hub.said("stage") is None
        assert world.hub.channels == 0

    def test_a_round_within_the_grace_time_goes_on_with_the_channel(self) -> None:
        world = World(CaptionSettings(grace_s=60))
        first = world.hub.open("stage")
        first.publish((spoken("one"),))
        first.close()
        world.loop.pass_time(59)
        second = world.hub.open("stage")
        world.loop.pass_time(59)
        second.publish((spoken("two"),))
        said = world.hub.said("stage")
        assert said is not None
        assert said.sentences == ("one", "two")


class TestViewing:
    def test_a_viewer_is_told_how_the_channel_stands(self) -> None:
        world = World(CaptionSettings(grace_s=60))
        viewer = world.viewer()
        told = states(viewer.news())
        publisher = world.hub.open("stage")
        told += states(viewer.news())
        publisher.close()
        told += states(viewer.news())
        world.loop.pass_time(60)
        told += states(viewer.news())
        assert told == ["waiting", "live", "ended", "waiting"]

    def test_who_was_there_before_the_channel_sees_all_of_it(self) -> None:
        world = World()
        viewer = world.viewer()
        viewer.news()
        publisher = world.hub.open("stage")
        for number in range(30):
            publisher.publish((spoken(str(number)),))
        assert len(texts(viewer.news())) == 30

    def test_another_channel_of_the_same_name_is_another_history(self) -> None:
        world = World(CaptionSettings(grace_s=0))
        viewer = world.viewer()
        seen = []
        for word in ("one", "two"):
            publisher = world.hub.open("stage")
            publisher.publish((spoken(word),))
            news = events(viewer.news())
            seen.append(news[0]["channel"])
            assert [one["text"] for one in news if one["event"] == "cue"] == [word]
            publisher.close()
            # He looks away: that it was gone for a while is not told.
            world.loop.pass_time(1)
        assert len(set(seen)) == 2

    def test_a_viewer_who_comes_back_gets_the_finals_that_he_missed(self) -> None:
        world = World()
        publisher = world.hub.open("stage")
        publisher.publish((spoken("one"),))
        first = world.viewer()
        (last,) = [one["event_id"] for one in events(first.news()) if one["event"] == "cue"]
        world.hub.leave(first)
        publisher.publish((spoken("two"),))
        publisher.publish((spoken("three", final=False),))
        assert texts(world.viewer(last_event_id=last).news()) == ["two", "three"]

    def test_viewers_of_other_names_hear_nothing(self) -> None:
        world = World()
        other = world.viewer("other")
        other.news()
        world.hub.open("stage").publish((spoken("hello"),))
        assert other.news() == b""

    def test_one_viewer_too_many_is_refused_with_the_numbers(self) -> None:
        world = World(CaptionSettings(max_viewers=1))
        first = world.viewer()
        with pytest.raises(Refused, match="1 of 1 viewers are here"):
            world.viewer("other")
        world.hub.leave(first)
        world.viewer("other")
        assert world.hub.viewers == 1

    def test_a_silent_stream_has_comments_and_one_with_news_has_not(self) -> None:
        world = World()
        viewer = world.viewer()
        viewer.news()
        world.loop.pass_time(KEEP_ALIVE_S)
        assert viewer.news() == KEEP_ALIVE
        assert viewer.news() == b""
        world.hub.open("stage")
        world.loop.pass_time(KEEP_ALIVE_S)
        assert KEEP_ALIVE not in viewer.news()

    def test_nothing_is_timed_when_the_last_viewer_has_left(self) -> None:
        world = World()
        viewer = world.viewer()
        world.hub.leave(viewer)
        world.loop.pass_time(10 * KEEP_ALIVE_S)
        assert viewer.news().count(KEEP_ALIVE) == 0


class TestWaking:
    async def test_a_thousand_viewers_are_woken_a_few_at_each_turn_of_the_loop(self) -> None:
        world = World()
        viewers = [world.viewer() for _ in range(1000)]
        for viewer in viewers:
            viewer.news()
        waiting = [asyncio.ensure_future(viewer.next()) for viewer in viewers]
        await asyncio.sleep(0)
        publisher = world.hub.open("stage")
        turns = []
        while True:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            turns.append(sum(one.done() for one in waiting))
            if not world.loop.soon:
                break
            world.loop.turn()
        steps = [after - before for before, after in zip([0, *turns], turns, strict=False)]
        assert turns[-1] == 1000
        assert max(steps) <= 50
        publisher.close()

    async def test_all_get_the_same_bytes_which_are_made_once(self) -> None:
        world = World()
        publisher = world.hub.open("stage")
        viewers = [world.viewer() for _ in range(3)]
        for viewer in viewers:
            viewer.news()
        publisher.publish((spoken("hello"),))
        (event,) = {id(viewer.news()) for viewer in viewers}
        assert event

    async def test_what_comes_while_viewers_are_being_woken_reaches_them_all(self) -> None:
        world = World()
        publisher = world.hub.open("stage")
        viewers = [world.viewer() for _ in range(120)]
        for viewer in viewers:
            viewer.news()
        publisher.publish((spoken("one"),))
        publisher.publish((spoken("two"),))
        while world.loop.soon:
            world.loop.turn()
        assert all([texts(await viewer.next() or b"") == ["one", "two"] for viewer in viewers])

    async def test_a_viewer_who_is_gone_is_given_nothing_more(self) -> None:
        world = World()
        viewer = world.viewer()
        viewer.news()
        waiting = asyncio.ensure_future(viewer.next())
        await asyncio.sleep(0)
        viewer.go()
        assert await waiting is None


class TestClosing:
    async def test_every_viewer_gets_what_is_left_then_the_end(self) -> None:
        world = World()
        publisher = world.hub.open("stage")
        viewer = world.viewer(last_event_id="0")
        viewer.news()
        for number in range(200):
            publisher.publish((spoken(str(number)),))
        publisher.close()
        closing = asyncio.ensure_future(world.hub.close(60.0))
        await asyncio.sleep(0)
        told, ends = [], []
        while (news := await viewer.next()) is not None:
            told += texts(news)
            ends += states(news)
        assert told == [str(number) for number in range(200)]
        assert ends == ["closing"]
        world.hub.leave(viewer)
        await closing
        assert world.dropped == []

    async def test_who_does_not_take_it_in_time_is_dropped(self) -> None:
        world = World()
        viewer = world.viewer()

        def dropped() -> None:
            world.dropped.append("late")
            world.hub.leave(viewer)

        viewer.abort = dropped
        await world.hub.close(0.0)
        assert world.dropped == ["late"]

    async def test_nobody_comes_to_a_server_that_closes(self) -> None:
        world = World()
        world.hub.open("stage").close()
        await world.hub.close(1.0)
        with pytest.raises(Refused, match="shutting down"):
            world.viewer()
