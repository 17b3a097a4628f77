"""The broadcaster: who may publish, how long a channel lives, how viewers are woken."""

from __future__ import annotations

import asyncio

import pytest

from rasr.captions import (
    Broadcaster,
    ChannelBusy,
    ChannelRefusal,
    TooManyChannels,
    Viewer,
    ViewerRefused,
)
from rasr.captions.audience import KEEP_ALIVE_S
from rasr.captions.event_stream import KEEP_ALIVE
from rasr.recognition.events import Done, HeadSilence, Mark, Outcome, SpeechStarted
from rasr.settings import CaptionSettings
from tests.captions.test_channel import cues, events
from tests.captions.values import FakeLoop, final, partial


class World:
    """A broadcaster on a loop whose time a test lets pass."""

    def __init__(self, settings: CaptionSettings | None = None) -> None:
        self.loop = FakeLoop()
        self.broadcaster = Broadcaster(settings or CaptionSettings(), self.loop)
        self.dropped: list[str] = []

    def viewer(self, name: str = "stage", last_event_id: str | None = None) -> Viewer:
        return self.broadcaster.join(name, last_event_id, lambda: self.dropped.append(name))

    def refusal(self, name: str = "stage") -> ChannelRefusal | None:
        return self.broadcaster.refusal(name)


def states(stream: bytes) -> list[str]:
    return [one["state"] for one in events(stream) if one["event"] == "state"]


def texts(stream: bytes) -> list[str]:
    return [text for _, text, *_ in cues(stream)]


class TestPublishing:
    def test_a_channel_is_free_until_a_recognition_has_it(self) -> None:
        world = World()
        assert world.refusal() is None
        publisher = world.broadcaster.open("stage")
        assert world.refusal() == ChannelBusy("stage")
        assert world.refusal("other") is None
        publisher.close()
        assert world.refusal() is None

    def test_what_a_project_has_published_no_other_one_goes_on_with(self) -> None:
        world = World(CaptionSettings(grace_s=60))
        world.broadcaster.open("stage", project="one").close()
        assert world.broadcaster.refusal("stage", "two") == ChannelBusy("stage")
        assert world.broadcaster.refusal("stage") == ChannelBusy("stage")
        assert world.broadcaster.refusal("stage", "one") is None
        world.loop.pass_time(60)
        assert world.broadcaster.refusal("stage", "two") is None

    def test_one_channel_too_many_is_refused_with_the_numbers(self) -> None:
        world = World(CaptionSettings(max_channels=1, grace_s=60))
        publisher = world.broadcaster.open("stage")
        assert world.refusal("other") == TooManyChannels("other", channels=1, max_channels=1)
        viewer = world.viewer()
        publisher.close()
        assert world.refusal("other") == TooManyChannels("other", channels=1, max_channels=1)
        assert world.refusal() is None, "the one that is there may go on"
        world.broadcaster.leave(viewer)
        assert world.refusal("other") is None

    def test_channels_that_are_left_behind_give_way_first_those_of_who_left_most(self) -> None:
        world = World(CaptionSettings(max_channels=4, grace_s=60))
        world.broadcaster.open("stage", owner="speaker").close()
        for name in ("a", "b", "c"):
            world.broadcaster.open(name, owner="attacker").close()
        for name in ("d", "e", "f", "g"):
            assert world.refusal(name) is None
            world.broadcaster.open(name, owner="attacker").close()
        assert world.broadcaster.history("stage") is not None
        assert world.broadcaster.history("d") is None
        assert world.broadcaster.channels == 4
        world.loop.pass_time(60)
        assert world.broadcaster.channels == 0

    def test_a_channel_is_gone_when_its_grace_time_is_over(self) -> None:
        world = World(CaptionSettings(grace_s=60))
        publisher = world.broadcaster.open("stage")
        publisher.on_event(final("hello"))
        world.loop.pass_time(10_000)
        assert world.broadcaster.history("stage") is not None, "it lives as long as its recognition"
        publisher.close()
        world.loop.pass_time(59)
        history = world.broadcaster.history("stage")
        assert history is not None
        assert history.texts == ("hello",)
        world.loop.pass_time(1)
        assert world.broadcaster.history("stage") is None
        assert world.broadcaster.channels == 0

    def test_a_recognition_within_the_grace_time_goes_on_with_the_channel(self) -> None:
        world = World(CaptionSettings(grace_s=60))
        first = world.broadcaster.open("stage")
        first.on_event(final("one"))
        first.close()
        world.loop.pass_time(59)
        second = world.broadcaster.open("stage")
        world.loop.pass_time(59)
        second.on_event(final("two"))
        history = world.broadcaster.history("stage")
        assert history is not None
        assert history.texts == ("one", "two")


class TestEvents:
    def test_a_partial_rolls_and_a_final_stays(self) -> None:
        world = World()
        publisher = world.broadcaster.open("stage")
        viewer = world.viewer(last_event_id="0")
        publisher.on_event(partial("good", 700))
        assert cues(viewer.new_events()) == [(1, "good", False, 1)]
        publisher.on_event(final("good day", 700))
        assert cues(viewer.new_events()) == [(1, "good day", True, 2)]
        history = world.broadcaster.history("stage")
        assert history is not None
        assert [(cue.start_ms, cue.end_ms) for cue in history.cues] == [(700, 1300)]

    def test_a_final_without_text_withdraws_the_partials_of_its_segment(self) -> None:
        world = World()
        publisher = world.broadcaster.open("stage")
        viewer = world.viewer()
        publisher.on_event(partial("hm"))
        viewer.new_events()
        publisher.on_event(final(""))
        assert cues(viewer.new_events()) == [(1, "", False, 2)]

    def test_a_partial_without_text_changes_nothing(self) -> None:
        world = World()
        publisher = world.broadcaster.open("stage")
        viewer = world.viewer()
        publisher.on_event(partial("good"))
        viewer.new_events()
        publisher.on_event(partial(""))
        assert viewer.new_events() == b""

    def test_what_has_no_final_when_the_recognition_is_over_is_withdrawn(self) -> None:
        world = World()
        publisher = world.broadcaster.open("stage")
        viewer = world.viewer()
        publisher.on_event(partial("good"))
        viewer.new_events()
        publisher.close()
        assert texts(viewer.new_events()) == [""]

    def test_other_events_are_no_captions(self) -> None:
        world = World()
        publisher = world.broadcaster.open("stage")
        viewer = world.viewer()
        viewer.new_events()
        for event in (SpeechStarted(0, 0, 0), HeadSilence(0), Mark("m"), Done(Outcome.FINISHED)):
            publisher.on_event(event)
        assert viewer.new_events() == b""


class TestViewing:
    def test_a_viewer_is_told_how_the_channel_stands(self) -> None:
        world = World(CaptionSettings(grace_s=60))
        viewer = world.viewer()
        told = states(viewer.new_events())
        publisher = world.broadcaster.open("stage")
        told += states(viewer.new_events())
        publisher.close()
        told += states(viewer.new_events())
        world.loop.pass_time(60)
        told += states(viewer.new_events())
        assert told == ["waiting", "live", "ended", "waiting"]

    def test_who_was_there_before_the_channel_sees_all_of_it(self) -> None:
        world = World()
        viewer = world.viewer()
        viewer.new_events()
        publisher = world.broadcaster.open("stage")
        for number in range(30):
            publisher.on_event(final(str(number)))
        assert len(texts(viewer.new_events())) == 30

    def test_another_channel_of_the_same_name_is_another_history(self) -> None:
        world = World(CaptionSettings(grace_s=0))
        viewer = world.viewer()
        seen = []
        for word in ("one", "two"):
            publisher = world.broadcaster.open("stage")
            publisher.on_event(final(word))
            new = events(viewer.new_events())
            seen.append(new[0]["channel"])
            assert [one["text"] for one in new if one["event"] == "cue"] == [word]
            publisher.close()
            # He looks away: that it was gone for a while is not told.
            world.loop.pass_time(1)
        assert len(set(seen)) == 2

    def test_a_viewer_who_comes_back_gets_the_finals_that_he_missed(self) -> None:
        world = World()
        publisher = world.broadcaster.open("stage")
        publisher.on_event(final("one"))
        first = world.viewer()
        (last,) = [one["event_id"] for one in events(first.new_events()) if one["event"] == "cue"]
        world.broadcaster.leave(first)
        publisher.on_event(final("two"))
        publisher.on_event(partial("three"))
        assert texts(world.viewer(last_event_id=last).new_events()) == ["two", "three"]

    def test_viewers_of_other_names_hear_nothing(self) -> None:
        world = World()
        other = world.viewer("other")
        other.new_events()
        world.broadcaster.open("stage").on_event(final("hello"))
        assert other.new_events() == b""

    def test_one_viewer_too_many_is_refused_with_the_numbers(self) -> None:
        world = World(CaptionSettings(max_viewers=1))
        first = world.viewer()
        with pytest.raises(ViewerRefused, match="1 of 1 viewers are here"):
            world.viewer("other")
        world.broadcaster.leave(first)
        world.viewer("other")
        assert world.broadcaster.viewers == 1

    def test_a_silent_stream_has_comments_and_one_with_news_has_not(self) -> None:
        world = World()
        viewer = world.viewer()
        viewer.new_events()
        world.loop.pass_time(KEEP_ALIVE_S)
        assert viewer.new_events() == KEEP_ALIVE
        assert viewer.new_events() == b""
        world.broadcaster.open("stage")
        world.loop.pass_time(KEEP_ALIVE_S)
        assert KEEP_ALIVE not in viewer.new_events()

    def test_nothing_is_timed_when_the_last_viewer_has_left(self) -> None:
        world = World()
        viewer = world.viewer()
        world.broadcaster.leave(viewer)
        world.loop.pass_time(10 * KEEP_ALIVE_S)
        assert viewer.new_events().count(KEEP_ALIVE) == 0


class TestWaking:
    async def test_a_thousand_viewers_are_woken_a_few_at_each_turn_of_the_loop(self) -> None:
        world = World()
        viewers = [world.viewer() for _ in range(1000)]
        for viewer in viewers:
            viewer.new_events()
        waiting = [asyncio.ensure_future(viewer.next_events()) for viewer in viewers]
        await asyncio.sleep(0)
        publisher = world.broadcaster.open("stage")
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
        publisher = world.broadcaster.open("stage")
        viewers = [world.viewer() for _ in range(3)]
        for viewer in viewers:
            viewer.new_events()
        publisher.on_event(final("hello"))
        (event,) = {id(viewer.new_events()) for viewer in viewers}
        assert event

    async def test_what_comes_while_viewers_are_being_woken_reaches_them_all(self) -> None:
        world = World()
        publisher = world.broadcaster.open("stage")
        viewers = [world.viewer() for _ in range(120)]
        for viewer in viewers:
            viewer.new_events()
        publisher.on_event(final("one"))
        publisher.on_event(final("two"))
        while world.loop.soon:
            world.loop.turn()
        assert all(
            [texts(await viewer.next_events() or b"") == ["one", "two"] for viewer in viewers]
        )

    async def test_a_viewer_who_is_gone_is_given_nothing_more(self) -> None:
        world = World()
        viewer = world.viewer()
        viewer.new_events()
        waiting = asyncio.ensure_future(viewer.next_events())
        await asyncio.sleep(0)
        viewer.disconnect()
        assert await waiting is None


class TestClosing:
    async def test_every_viewer_gets_what_is_left_then_the_end(self) -> None:
        world = World()
        publisher = world.broadcaster.open("stage")
        viewer = world.viewer(last_event_id="0")
        viewer.new_events()
        for number in range(200):
            publisher.on_event(final(str(number)))
        publisher.close()
        closing = asyncio.ensure_future(world.broadcaster.close(60.0))
        await asyncio.sleep(0)
        told, ends = [], []
        while (new := await viewer.next_events()) is not None:
            told += texts(new)
            ends += states(new)
        assert told == [str(number) for number in range(200)]
        assert ends == ["closing"]
        world.broadcaster.leave(viewer)
        await closing
        assert world.dropped == []

    async def test_who_does_not_take_it_in_time_is_dropped(self) -> None:
        world = World()
        viewer = world.viewer()

        def dropped() -> None:
            world.dropped.append("late")
            world.broadcaster.leave(viewer)

        viewer.abort = dropped
        await world.broadcaster.close(0.0)
        assert world.dropped == ["late"]

    async def test_nobody_comes_to_a_server_that_closes(self) -> None:
        world = World()
        world.broadcaster.open("stage").close()
        await world.broadcaster.close(1.0)
        with pytest.raises(ViewerRefused, match="shutting down"):
            world.viewer()
