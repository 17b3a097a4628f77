"""What both ends remember: any order of breaks loses and doubles nothing, and everything ends."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from rasr.wire.resuming import (
    ACKNOWLEDGED_BYTES,
    ACKNOWLEDGED_MESSAGES,
    ReceivedAudio,
    ReceivedMessages,
    SentAudio,
    SentMessages,
)

MOST = 1000
_PROFILE = settings(max_examples=200)


@dataclass
class Wire:
    """One connection: what is on its way, each direction in order."""

    up: deque[bytes | int] = field(default_factory=deque)
    """Audio, and acknowledgements of messages."""
    down: deque[tuple[int, str] | int] = field(default_factory=deque)
    """Messages with their numbers, and acknowledgements of audio."""


class Round:
    """Both ends of a round, and the connection between them, which may break at any moment."""

    def __init__(self) -> None:
        self.audio, self.messages = SentAudio(10**9), ReceivedMessages()
        self.heard, self.sent = ReceivedAudio(), SentMessages()
        self.wire = Wire()
        self.spoken = self.server_heard = b""
        self.told: list[str] = []
        self.client_told: list[str] = []

    def speak(self, data: bytes) -> None:
        self.spoken += data
        self.audio.add(data)

    def send_audio(self) -> None:
        chunk = self.audio.next()
        if chunk is not None:
            self.wire.up.append(chunk)
            self.audio.went()

    def tell(self) -> None:
        self.told.append(f"message {len(self.told)}")
        number = self.sent.next_number
        self.sent.add(self.told[-1])
        self.wire.down.append((number, self.told[-1]))

    def server_reads(self) -> None:
        if self.wire.up:
            one = self.wire.up.popleft()
            if isinstance(one, int):
                self.sent.acknowledge(one)
            else:
                self.server_heard += one
                if self.heard.came(len(one)):
                    self.wire.down.append(self.heard.bytes)

    def client_reads(self) -> None:
        if self.wire.down:
            one = self.wire.down.popleft()
            if isinstance(one, int):
                self.audio.arrived(one)
            elif self.messages.came(one[0]):
                self.client_told.append(one[1])
                if self.messages.must_acknowledge(at_once=len(one[1]) % 3 == 0):
                    self.wire.up.append(self.messages.newest)

    def lose(self) -> None:
        """The connection breaks and is made anew: what was on its way is gone."""
        self.wire = Wire()
        newest = self.messages.newest
        assert self.sent.has_all_after(newest)
        self.sent.acknowledge(newest)
        assert self.audio.go_on_from(self.heard.bytes)
        self.wire.down.extend(enumerate(self.sent.after(newest), start=newest + 1))

    def calm(self) -> None:
        """From now on nothing breaks."""
        while self.audio.next() is not None:
            self.send_audio()
        while self.wire.up or self.wire.down:
            self.server_reads()
            self.client_reads()


steps = st.one_of(
    st.binary(max_size=40).map(lambda data: ("speak", data * 500)),
    st.sampled_from(["send_audio", "tell", "server_reads", "client_reads", "lose"]).map(
        lambda name: (name, b"")
    ),
)


@_PROFILE
@given(st.lists(steps, max_size=80))
def test_any_order_of_breaks_loses_and_doubles_nothing(script: list[tuple[str, bytes]]) -> None:
    talk = Round()
    for name, data in script:
        if name == "speak":
            talk.speak(data)
        else:
            getattr(talk, name)()
    talk.calm()
    assert talk.server_heard == talk.spoken
    assert talk.client_told == talk.told
    # What has arrived is not kept, but for the last that nobody has acknowledged yet.
    assert talk.audio.kept_bytes < ACKNOWLEDGED_BYTES + 20_000
    assert talk.sent.newest - talk.sent.acknowledged < ACKNOWLEDGED_MESSAGES


@_PROFILE
@given(
    st.lists(
        st.one_of(st.integers(0, 30), st.text(max_size=300)),
        max_size=100,
    )
)
def test_messages_are_bounded_whatever_is_acknowledged(script: list[int | str]) -> None:
    sent = SentMessages(MOST)
    texts: list[str] = []
    for one in script:
        if isinstance(one, int):
            sent.acknowledge(one)
        else:
            sent.add(one)
            texts.append(one)
        assert sent.kept_bytes <= MOST
        assert sent.acknowledged <= sent.newest == len(texts)
        for number in range(sent.newest + 1):
            if sent.has_all_after(number):
                assert sent.after(number) == texts[number:]
    assert not sent.has_all_after(sent.newest + 1)


@_PROFILE
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=400),
            st.sampled_from(["went"]),
            st.tuples(st.sampled_from(["arrived", "go_on"]), st.integers(0, 5000)),
        ),
        max_size=60,
    )
)
def test_audio_is_bounded_but_for_what_was_never_sent(
    script: list[bytes | str | tuple[str, int]],
) -> None:
    audio, spoken, sent_to = SentAudio(MOST), b"", 0
    for one in script:
        match one:
            case bytes():
                audio.add(one)
                spoken += one
            case "went":
                chunk = audio.next()
                if chunk is not None:
                    assert spoken[sent_to : sent_to + len(chunk)] == chunk
                    audio.went()
                    sent_to += len(chunk)
            case ("arrived", byte):
                audio.arrived(byte)
            case ("go_on", byte) if audio.go_on_from(byte):
                assert byte <= sent_to
                sent_to = byte
        assert audio.kept_bytes <= max(MOST, len(spoken) - sent_to)
    rest = b""
    while (chunk := audio.next()) is not None:
        rest += chunk
        audio.went()
    assert rest == spoken[sent_to:]


def test_a_round_with_a_hole_in_it_is_not_gone_on_with() -> None:
    audio = SentAudio(10)
    for _ in range(4):
        audio.add(bytes(5))
        audio.went()
    assert not audio.go_on_from(5)
    assert audio.go_on_from(10)
    audio.went()
    audio.arrived(15)
    assert not audio.go_on_from(10), "what has arrived does not leave again"
    assert not audio.go_on_from(21), "so much was never sent"


def test_audio_is_acknowledged_now_and_then() -> None:
    heard = ReceivedAudio()
    told = [heard.came(ACKNOWLEDGED_BYTES // 2) for _ in range(6)]
    assert told == [False, True] * 3


@given(
    st.lists(
        st.one_of(
            st.binary(min_size=1, max_size=400),
            st.sampled_from(["went"]),
            st.tuples(st.sampled_from(["arrived", "settled"]), st.integers(0, 6000)),
        ),
        max_size=60,
    )
)
def test_another_server_gets_all_that_is_not_settled_or_nothing(
    script: list[bytes | str | tuple[str, int]],
) -> None:
    audio, spoken, sent_to, settled_to = SentAudio(MOST, MOST), b"", 0, 0
    for one in script:
        match one:
            case bytes():
                audio.add(one)
                spoken += one
            case "went":
                chunk = audio.next()
                if chunk is not None:
                    audio.went()
                    sent_to += len(chunk)
            case ("arrived", byte):
                audio.arrived(byte)
            case ("settled", byte):
                audio.settled(byte)
                settled_to = max(settled_to, min(byte, sent_to))
        assert audio.kept_bytes <= max(2 * MOST, len(spoken) - sent_to)
    if not audio.has_unsettled:
        assert len(spoken) - settled_to > MOST, "so much is always there"
        return
    assert audio.begin_anew() == settled_to
    again = b""
    while (chunk := audio.next()) is not None:
        again += chunk
        audio.went()
    assert again == spoken[settled_to:]
