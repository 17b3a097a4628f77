"""Answers come to their callback URLs, or it is known why not."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasr.recordings import webhooks
from rasr.recordings.callbacks import Callbacks
from rasr.recordings.connecting import Connector
from rasr.recordings.deliveries import Delivery, DeliveryState
from rasr.recordings.faults import RecordingFault
from rasr.settings import RecordingSettings
from tests.recordings.hosts import (
    Answer,
    Asked,
    Names,
    hanging,
    leading,
    raw,
    saying,
    serving,
    settings,
    without_end,
)

NOW = datetime(2026, 1, 2, tzinfo=UTC).timestamp() + 0.5
DAY = 86_400.0
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CONTENT = json.dumps({"job_id": "j1", "status": "FINISHED"}).encode()
SETTINGS = settings()


def callbacks(of: RecordingSettings = SETTINGS, names: Names | None = None) -> Callbacks:
    return Callbacks(of, Connector(names or Names()))


async def sent(url: str, of: RecordingSettings = SETTINGS, names: Names | None = None) -> Delivery:
    delivery = Delivery.begin("j1", url, NOW)
    return await callbacks(of, names).deliver(delivery, CONTENT, KEY, NOW)


async def test_an_answer_is_sent_and_signed() -> None:
    async with serving(saying(b"thanks")) as host:
        after = await sent(host.url("/done?token=geheim"))
    assert (after.state, after.attempts, after.next_at) == (DeliveryState.DELIVERED, 1, None)
    assert (after.ended_at, after.fault) == (NOW, None)
    (asked,) = host.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/done?token=geheim", CONTENT)
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["host"] == f"files.example:{host.port}"
    moment = asked.headers["webhook-timestamp"]
    assert (asked.headers["webhook-id"], moment) == ("j1", str(int(NOW)))
    # As a receiver checks it, without a library.
    signed = f"j1.{moment}.".encode() + asked.body
    digest = hmac.new(base64.b64decode(KEY[6:]), signed, hashlib.sha256).digest()
    assert asked.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    # A URL may have a secret in it.
    assert "geheim" not in repr(after)


def test_a_signature_is_that_of_the_specification() -> None:
    told = webhooks.headers(
        KEY, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330.9, b'{"test": 2432232314}'
    )
    assert told == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    first, second = webhooks.new_key(), webhooks.new_key()
    assert first != second
    assert len(base64.b64decode(first.removeprefix("whsec_"))) == 32


async def test_without_a_key_an_answer_is_not_signed() -> None:
    async with serving(saying()) as host:
        delivery = Delivery.begin("j1", host.url(), NOW)
        await callbacks().deliver(delivery, CONTENT, None, NOW)
    assert "webhook-signature" not in host.asked[0].headers
    assert host.asked[0].headers["webhook-id"] == "j1"


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (saying(b"", "500 Internal"), "the receiver answers with HTTP 500"),
        (saying(b"", "503 Busy"), "the receiver answers with HTTP 503"),
        (saying(b"", "404 None"), "the receiver answers with HTTP 404"),
        (saying(b"", "401 None"), "the receiver answers with HTTP 401"),
        (raw(b""), "breaks off before its answer is whole, or speaks no HTTP"),
        (raw(b"SSH-2.0\r\n"), "breaks off before its answer is whole, or speaks no HTTP"),
    ],
)
async def test_what_a_receiver_does_not_take_is_sent_again(answer: Answer, fault: str) -> None:
    async with serving(answer) as host:
        after = await sent(host.url())
    assert (after.state, after.attempts, after.ended_at) == (DeliveryState.WAITING, 1, None)
    assert after.next_at == NOW + 10
    assert fault in str(after.fault)
    assert len(host.asked) == 1


@pytest.mark.parametrize("location", ["/again", "http://127.0.0.2/", "http://169.254.169.254/"])
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Moved", "308 Moved"])
async def test_a_receiver_that_leads_elsewhere_is_not_followed(location: str, status: str) -> None:
    async with serving(leading(location, status)) as host:
        after = await sent(host.url())
    assert after.state is DeliveryState.WAITING
    assert f"HTTP {status[:3]}, and redirects are not followed" in str(after.fault)
    assert len(host.asked) == 1


async def test_a_receiver_that_hangs_is_given_up_for_now() -> None:
    async def half(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 O")
        await hanging(asked, writer)

    for answer in (hanging, half):
        async with serving(answer) as host:
            after = await sent(host.url(), settings(callback_timeout_s=1.0))
        assert after.state is DeliveryState.WAITING
        assert str(after.fault) in (
            "the receiver does not answer within 1 s",
            "files.example sends nothing for too long",
        )


async def test_an_answer_of_a_receiver_that_never_ends_is_not_waited_for() -> None:
    async with serving(without_end) as host:
        assert (await sent(host.url())).state is DeliveryState.DELIVERED


async def test_nobody_there_is_tried_again() -> None:
    async with serving(saying()) as host:
        url = host.url()
    after = await sent(url)
    assert (after.state, after.fault) == (DeliveryState.WAITING, "files.example cannot be reached")


async def test_a_receiver_that_is_gone_for_good_is_left_alone() -> None:
    async with serving(saying(b"", "410 Gone")) as host:
        after = await sent(host.url())
    assert (after.state, after.next_at) == (DeliveryState.GIVEN_UP, None)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "http://ann:geheim@files.example/",
        "nonsense",
        "http://files.example/" + "a" * 2048,
    ],
)
async def test_nothing_is_sent_where_nothing_may_be_asked(url: str) -> None:
    closed = RecordingSettings()
    after = await sent(url, closed, Names(localhost=[["127.0.0.1"]]))
    assert (after.state, after.attempts, after.ended_at) == (DeliveryState.GIVEN_UP, 1, NOW)
    assert after.fault is not None
    assert "geheim" not in after.fault


async def test_a_url_is_refused_before_anybody_works_for_it() -> None:
    for url, said in (
        ("http://10.0.0.1/", "of a private network"),
        ("ftp://x/", "callback_url begins with ftp:"),
        ("http://a.example/" + "b" * 2048, "callback_url is longer than 2047 bytes"),
    ):
        with pytest.raises(RecordingFault, match=said) as refused:
            callbacks(RecordingSettings()).read(url)
        assert refused.value.code == "SIS.0608"
    assert callbacks().read("https://files.example/a").host == "files.example"


async def test_a_name_that_leads_inside_later_gets_nothing() -> None:
    names = Names(files_example=[["127.0.0.1"], ["10.0.0.1"]])
    async with serving(saying(b"", "500 x")) as host:
        sender = callbacks(names=names)
        first = await sender.deliver(Delivery.begin("j1", host.url(), NOW), CONTENT, KEY, NOW)
        assert first.state is DeliveryState.WAITING
        assert first.next_at is not None
        second = await sender.deliver(first, CONTENT, KEY, first.next_at)
    assert (second.state, len(host.asked)) == (DeliveryState.GIVEN_UP, 1)
    assert "of a private network" in str(second.fault)


async def test_what_is_not_due_is_not_sent() -> None:
    async with serving(saying(b"", "500 x"), saying()) as host:
        waiting = await sent(host.url())
        sender = callbacks()
        assert await sender.deliver(waiting, CONTENT, KEY, NOW + 9) == waiting
        done = await sender.deliver(waiting, CONTENT, KEY, NOW + 10)
        assert (done.state, done.attempts) == (DeliveryState.DELIVERED, 2)
        # A step that is done again does nothing again.
        assert await sender.deliver(done, CONTENT, KEY, NOW + 99) == done
    assert len(host.asked) == 2
    assert {one.headers["webhook-id"] for one in host.asked} == {"j1"}
    assert [one.headers["webhook-timestamp"] for one in host.asked] == [
        str(int(NOW)),
        str(int(NOW + 10)),
    ]


def test_an_answer_is_tried_for_a_day() -> None:
    delivery, now, pauses = Delivery.begin("j1", "http://a.example/", NOW), NOW, []
    while delivery.next_at is not None:
        pauses.append(delivery.next_at - now)
        now = delivery.next_at
        delivery = delivery.failed(now, "no", DAY)
    assert pauses[:10] == [0, 10, 20, 40, 80, 160, 320, 640, 1280, 2560]
    assert set(pauses[10:]) == {3600}
    assert (delivery.state, delivery.attempts) == (DeliveryState.GIVEN_UP, len(pauses))
    assert NOW + DAY - 3600 < now <= NOW + DAY
    assert delivery.ended_at == now


@given(late=st.lists(st.floats(0, 10_000), max_size=60), for_s=st.floats(0, 2 * DAY))
def test_whenever_it_is_tried_it_has_an_end(late: list[float], for_s: float) -> None:
    """Also where nobody came to try for hours."""
    delivery = Delivery.begin("j1", "http://a.example/", 0.0)
    for more in late:
        if delivery.next_at is None:
            break
        before, now = delivery.attempts, delivery.next_at + more
        assert delivery.is_due(now)
        delivery = delivery.failed(now, "no", for_s)
        assert delivery.attempts == before + 1
        if delivery.next_at is None:
            assert delivery.state is DeliveryState.GIVEN_UP
        else:
            assert now + 10 <= delivery.next_at <= min(now + 3600, for_s)


def test_a_delivery_is_kept_as_it_is() -> None:
    """A durable engine keeps it as JSON between two attempts."""
    delivery = Delivery.begin("j1", "http://a.example/", NOW).failed(NOW, "no", DAY)
    kept = json.loads(json.dumps(dataclasses.asdict(delivery)))
    again = Delivery(**{**kept, "state": DeliveryState(kept["state"])})
    assert again == delivery
