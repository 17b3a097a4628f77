"""The line to one client: who has its place, what is sent to whom, and what nobody waits for."""

from __future__ import annotations

import asyncio

import pytest

from rasr.runtime.line import Line
from rasr.runtime.place import CLOSE_REPLACED
from tests.runtime.fakes import PlayedSocket, settle


class Words:
    def numbered(self, text: str, number: int) -> str:
        return f"{number} {text}"

    def received(self, audio_bytes: int, settled_sample: int | None) -> str:
        return f"received {audio_bytes}"

    def resumed(self, audio_bytes: int, *, ended: bool) -> str:
        return f"resumed {audio_bytes} {ended}"


class Book:
    """Everybody may go on with every round."""

    def __init__(self, grace_s: float = 30.0) -> None:
        self.grace_s = grace_s
        self.lines: dict[str, Line] = {}
        self.back = self.gone = 0

    def is_end(self, text: str) -> bool:
        return text == "end"

    def enter(self, token: str, line: Line) -> None:
        self.lines[token] = line

    def find(self, token: str) -> Line | None:
        return self.lines.get(token)

    def remove(self, token: str) -> None:
        del self.lines[token]

    def resumed(self) -> None:
        self.back += 1

    def lost(self) -> None:
        self.gone += 1


class Slow(PlayedSocket):
    """A peer that takes what it is sent when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.takes = asyncio.Event()

    async def send(self, message: str | bytes) -> None:
        await self.takes.wait()
        await super().send(message)


class Stage:
    """A line with a round that survives its connection."""

    def __init__(self, socket: PlayedSocket | None = None, *, timeout_s: float = 5.0) -> None:
        self.book = Book()
        self.timeout_s = timeout_s
        self.socket = socket or PlayedSocket()
        self.returns = 0
        self.line = Line(self.socket, self.book, self._back, send_timeout_s=timeout_s)
        self.line.audio_begins(survives=True)
        self.line.begin("token", Words())
        self.heard: list[str | bytes | None] = []
        self._reading = asyncio.ensure_future(self._read())

    def _back(self) -> None:
        self.returns += 1

    async def _read(self) -> None:
        while not self.heard or self.heard[-1] is not None:
            self.heard.append(await self.line.receive())

    def come_back(self, number: int, socket: PlayedSocket | None = None) -> PlayedSocket:
        """The client comes with another websocket."""
        socket = socket or PlayedSocket()
        other = Line(socket, self.book, send_timeout_s=self.timeout_s)
        back = other.go_on("token", number)
        assert back is not None
        self.visit = asyncio.ensure_future(back.run())
        return socket

    async def over(self) -> None:
        self.line.abort()
        self.line.leave()
        await self._reading


async def test_what_is_said_while_the_client_is_away_is_there_when_it_is_back() -> None:
    stage = Stage()
    await stage.line.send("one")
    stage.socket.say(bytes(100))
    stage.socket.leave()
    await settle()
    assert stage.line.is_away
    await stage.line.send("two")
    second = stage.come_back(1)
    # Said before the answer has left, and behind it all the same.
    await stage.line.send("three")
    await settle()
    await stage.line.send("four")
    second.say(b"more")
    await settle()
    assert stage.socket.sent == ["1 one"]
    assert second.sent == ["resumed 100 False", "2 two", "3 three", "4 four"]
    assert stage.heard == [bytes(100), b"more"]
    assert (stage.returns, stage.book.back) == (1, 1)
    await stage.over()
    await stage.visit


async def test_a_websocket_that_hangs_holds_nobody_up() -> None:
    stage = Stage(Slow())
    sending = asyncio.ensure_future(stage.line.send("one"))
    await settle()
    second = stage.come_back(0)
    third = stage.come_back(0)
    stage.socket.say(b"too late")
    third.say(b"heard", "end")
    await settle()
    await sending
    assert stage.heard == [b"heard", "end"]
    assert third.sent == ["resumed 0 False", "1 one"]
    assert second.closed is not None
    assert stage.come_back(1) is not third
    await settle()
    assert stage.heard[-1] == "end"
    await stage.over()
    await stage.visit


async def test_the_older_of_two_is_closed_with_a_code_of_its_own() -> None:
    stage = Stage()
    first_visit = stage.come_back(0), stage.visit
    stage.come_back(0)
    await settle()
    assert stage.socket.closed is not None
    assert stage.socket.closed[0] == CLOSE_REPLACED
    assert first_visit[0].closed is not None
    assert first_visit[0].closed[0] == CLOSE_REPLACED
    await first_visit[1]
    await stage.over()


async def test_who_takes_nothing_has_lost_the_connection_and_not_the_round() -> None:
    stage = Stage(Slow(), timeout_s=0.01)
    await stage.line.send("one")
    assert stage.socket.aborted
    assert stage.line.is_away
    back = stage.come_back(0)
    await settle()
    assert back.sent == ["resumed 0 False", "1 one"]
    await stage.over()


async def test_who_takes_nothing_of_what_was_missed_is_let_go_as_well() -> None:
    stage = Stage(timeout_s=0.01)
    await stage.line.send("one")
    slow = stage.come_back(0, Slow())
    await stage.visit
    assert slow.aborted
    assert stage.line.is_away
    await stage.over()


async def test_without_such_a_round_who_takes_nothing_is_told_of() -> None:
    line = Line(Slow(), Book(), send_timeout_s=0.01)
    with pytest.raises(TimeoutError):
        await line.send("one")


async def test_more_that_is_missed_than_is_kept_is_no_way_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = Stage()
    for _ in range(3):
        await stage.line.send("x" * (1 << 19))
    stage.socket.leave()
    await settle()
    other = Line(PlayedSocket(), stage.book, send_timeout_s=5.0)
    assert other.go_on("token", 0) is None
    await settle()
    assert stage.heard == [None]
    assert stage.book.lines == {}


async def test_a_number_that_cannot_be_takes_the_round_from_nobody() -> None:
    stage = Stage()
    await stage.line.send("one")
    other = Line(PlayedSocket(), stage.book, send_timeout_s=5.0)
    assert other.go_on("token", 2) is None
    assert not stage.socket.aborted
    await stage.line.send("two")
    assert len(stage.socket.sent) == 2
    await stage.over()


async def test_more_that_is_said_to_a_slow_one_than_is_kept_is_not_sent_with_a_hole() -> None:
    stage = Stage()
    await stage.line.send("one")
    slow = Slow()
    stage.come_back(0, slow)
    await settle()
    for _ in range(3):
        await stage.line.send("x" * (1 << 19))
    slow.takes.set()
    await stage.visit
    assert slow.sent == ["resumed 0 False"]
    assert slow.aborted
    await stage.over()


async def test_a_farewell_waits_for_who_is_still_sent_what_was_missed() -> None:
    stage = Stage()
    await stage.line.send("one")
    slow = Slow()
    stage.come_back(1, slow)
    await settle()
    await stage.line.send("end")
    closing = asyncio.ensure_future(stage.line.close(1000, "the end"))
    await settle()
    assert not closing.done()
    slow.takes.set()
    await closing
    assert slow.sent == ["resumed 0 False", "2 end"]
    assert slow.closed == (1000, "the end")
    await stage.over()
    await stage.visit


async def test_a_farewell_waits_no_longer_than_anything_does() -> None:
    stage = Stage(timeout_s=0.01)
    await stage.line.send("one")
    slow = stage.come_back(0, Slow())
    try:
        await stage.line.close(1000, "the end")
    except TimeoutError:
        pass
    await stage.visit
    assert slow.aborted
    await stage.over()


async def test_what_belongs_to_no_round_is_sent_behind_what_was_missed() -> None:
    stage = Stage()
    await stage.line.send("end")
    slow = Slow()
    stage.come_back(0, slow)
    await settle()
    # The client begins anew before the server has seen that it took the last of it.
    stage.line.audio_begins(survives=True)
    answering = asyncio.ensure_future(stage.line.send("begun"))
    await settle()
    slow.takes.set()
    await answering
    assert slow.sent == ["resumed 0 False", "1 end", "begun"]
    await stage.over()
    await stage.visit


async def test_a_round_that_is_over_and_whose_end_has_come_is_not_waited_for() -> None:
    stage = Stage()
    await stage.line.send("end")
    stage.line.end_round()
    assert stage.book.lines
    stage.line.acknowledge(1)
    assert stage.book.lines == {}
    stage.socket.leave()
    await settle()
    assert stage.heard == [None]


async def test_nobody_waits_for_a_client_that_has_said_goodbye_or_a_server_that_stops() -> None:
    left, stopped = Stage(), Stage()
    left.socket.left_for_good = True
    left.socket.leave()
    stopped.socket.leave()
    await settle()
    assert (left.heard, stopped.heard) == ([None], [])
    stopped.line.wait_no_more()
    await settle()
    assert stopped.heard == [None]
    assert left.line.gone
    assert stopped.line.gone


async def test_the_grace_has_an_end() -> None:
    stage = Stage()
    stage.book.grace_s = 0.01
    stage.socket.leave()
    await stage._reading
    assert stage.book.gone == 1
    assert stage.book.lines == {}


async def test_the_round_of_the_same_line_is_not_gone_on_with() -> None:
    stage = Stage()
    assert stage.line.go_on("token", 0) is None
    await stage.over()
