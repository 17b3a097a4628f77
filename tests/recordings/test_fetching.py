"""Recordings are fetched whole, or it is said why not."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import h11
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from rasr.recordings.addresses import Address
from rasr.recordings.faults import RecordingFault
from rasr.recordings.fetching import Fetched
from rasr.recordings.policy import FetchPolicy
from rasr.recordings.spool import RecordingFile
from rasr.server.certificate import self_signed
from rasr.settings import RecordingSettings
from tests.processes import LONG_S
from tests.recordings.hosts import (
    Answer,
    Asked,
    Names,
    Waits,
    chunks,
    fetcher,
    hanging,
    leading,
    ranged,
    raw,
    saying,
    serving,
    settings,
    source,
    without_end,
)

BODY = bytes(range(256)) * 4000
SETTINGS = settings()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the recording comes to lie."""
    return tmp_path / "recording"


def content(place: Path) -> bytes:
    return place.read_bytes()


def size(place: Path) -> int:
    return place.stat().st_size


def mode(place: Path) -> int:
    return place.stat().st_mode & 0o777


async def fetched(
    url: str,
    place: Path,
    of: RecordingSettings = SETTINGS,
    names: Names | None = None,
    waits: Waits | None = None,
    context: ssl.SSLContext | None = None,
) -> Fetched:
    async with RecordingFile(place, of.max_bytes) as file:
        return await fetcher(of, names, waits, context).fetch(source(url, of), file)


async def refused(
    url: str,
    place: Path,
    of: RecordingSettings = SETTINGS,
    names: Names | None = None,
    waits: Waits | None = None,
    context: ssl.SSLContext | None = None,
) -> RecordingFault:
    with pytest.raises(RecordingFault) as found:
        await fetched(url, place, of, names, waits, context)
    return found.value


async def test_a_recording_comes_whole_into_a_file_of_its_own(place: Path) -> None:
    async with serving(saying(BODY, Content_Type="Audio/WAV; x=y")) as host:
        names = Names()
        found = await fetched(host.url("/a.wav?b=c"), place, names=names)
    assert found == Fetched(len(BODY), "audio/wav", 0)
    assert content(place) == BODY
    assert mode(place) == 0o600
    (asked,) = host.asked
    assert (asked.method, asked.path) == ("GET", "/a.wav?b=c")
    # The name is the host's, though its address was connected to; and it is asked for once.
    assert asked.headers["host"] == f"files.example:{host.port}"
    assert asked.headers["accept-encoding"] == "identity"
    assert not {"authorization", "cookie", "referer"} & set(asked.headers)
    assert names.asked == ["files.example"]


async def test_after_breaks_the_rest_is_asked_for(place: Path) -> None:
    waits = Waits()
    async with serving(ranged(BODY, 300_000)) as host:
        found = await fetched(host.url(), place, waits=waits)
    assert found == Fetched(len(BODY), "", 3)
    assert content(place) == BODY
    assert [one.headers.get("range") for one in host.asked] == [
        None,
        "bytes=300000-",
        "bytes=600000-",
        "bytes=900000-",
    ]
    assert {one.headers.get("if-range") for one in host.asked[1:]} == {'"v1"'}
    assert waits.seconds == [1.0] * 3


async def test_a_date_vouches_for_the_rest_too(place: Path) -> None:
    date = datetime(2026, 1, 2, tzinfo=UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    where = f"bytes 9-{len(BODY) - 1}/{len(BODY)}"
    async with serving(
        saying(BODY[:9], announced=len(BODY), Last_Modified=date),
        saying(BODY[9:], "206 Partial Content", Content_Range=where, Last_Modified=date),
    ) as host:
        assert (await fetched(host.url(), place)).resumed == 1
    assert host.asked[1].headers["if-range"] == date
    assert content(place) == BODY


@pytest.mark.parametrize(
    "second",
    [
        saying(BODY),
        ranged(BODY, tag='"v2"'),
        ranged(BODY, tag='W/"weak"'),
    ],
)
async def test_a_server_that_does_not_resume_starts_anew(place: Path, second: Answer) -> None:
    async with serving(ranged(b"old" * 9000, 1000), second) as host:
        found = await fetched(host.url(), place)
    assert found == Fetched(len(BODY), "", 0)
    assert content(place) == BODY


async def test_without_a_version_nobody_vouches_for_the_rest(place: Path) -> None:
    first = saying(b"x" * 99, announced=999)
    weak = saying(b"x" * 99, announced=999, ETag='W/"weak"')
    for answer in (first, weak):
        async with serving(answer, saying(BODY)) as host:
            await fetched(host.url(), place)
        assert [one.headers.get("range") for one in host.asked] == [None, None]
        assert content(place) == BODY


@pytest.mark.parametrize(
    "part",
    [
        saying(b"rest", "206 Partial Content", Content_Range="bytes 5-8/9", ETag='"v1"'),
        saying(b"rest", "206 Partial Content", Content_Range="bytes 100-103/104", ETag='"v9"'),
        saying(b"rest", "206 Partial Content", Content_Range="bytes nonsense", ETag='"v1"'),
        saying(b"rest", "206 Partial Content", ETag='"v1"'),
        saying(b"", "416 Range Not Satisfiable", Content_Range="bytes */5"),
    ],
)
async def test_bytes_of_two_versions_are_never_mixed(place: Path, part: Answer) -> None:
    async with serving(ranged(b"o" * 999, 100), part, saying(BODY)) as host:
        await fetched(host.url(), place)
    assert [one.headers.get("range") for one in host.asked] == [None, "bytes=100-", None]
    assert content(place) == BODY


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_what_may_pass_is_tried_again(place: Path, status: int) -> None:
    waits = Waits()
    busy = saying(b"later", f"{status} Busy")
    async with serving(busy, saying(b"", f"{status} Busy", Retry_After="7"), ranged(BODY)) as host:
        await fetched(host.url(), place, waits=waits)
    assert waits.seconds == [1.0, 7.0]
    assert content(place) == BODY


async def test_tries_that_bring_nothing_have_an_end(place: Path) -> None:
    waits = Waits()
    async with serving(saying(b"", "503 Busy", Retry_After="9999")) as host:
        fault = await refused(host.url(), place, waits=waits)
    assert (fault.code, fault.message) == ("SIS.0609", "files.example answers with HTTP 503")
    assert fault.may_pass
    assert (len(host.asked), waits.seconds) == (5, [60.0] * 4)
    # The same bytes again and again are nothing new either.
    waits = Waits()
    async with serving(saying(b"x" * 99, announced=999)) as host:
        fault = await refused(host.url(), place, waits=waits)
    assert "breaks off before its answer is whole" in fault.message
    assert (len(host.asked), waits.seconds) == (5, [1.0, 2.0, 4.0, 8.0])


@pytest.mark.parametrize("status", [201, 204, 206, 300, 304, 400, 401, 403, 404, 410, 501])
async def test_what_does_not_pass_is_told_at_once(place: Path, status: int) -> None:
    async with serving(saying(b"", f"{status} Never", Retry_After="1")) as host:
        fault = await refused(host.url("/a?key=geheim"), place)
    assert fault.message == f"files.example answers with HTTP {status}"
    assert (fault.code, len(host.asked)) == ("SIS.0609", 1)


async def test_redirects_are_followed_and_nothing_is_carried_along(place: Path) -> None:
    async with serving(ranged(BODY, 500_000)) as there:
        onward = leading(there.url("/d", "other.example"))

        async def twice(asked: Asked, writer: asyncio.StreamWriter) -> None:
            await (leading("/b?c") if asked.path == "/a.wav" else onward)(asked, writer)

        async with serving(twice) as host:
            assert (await fetched(host.url(), place)).resumed == 2
    # Each try begins at the URL that was given: where it leads may last for a minute.
    assert [one.path for one in host.asked] == ["/a.wav", "/b?c"] * 3
    assert {one.headers["host"] for one in there.asked} == {f"other.example:{there.port}"}
    assert not {"authorization", "cookie", "referer"} & set(there.asked[0].headers)
    assert content(place) == BODY


async def test_redirects_have_an_end(place: Path) -> None:
    async with serving(leading("/again")) as host:
        fault = await refused(host.url(), place)
    assert fault.message == "files.example leads on more than 5 times"
    assert len(host.asked) == 6
    async with serving(saying(b"", "302 Found")) as host:
        assert "does not say where" in (await refused(host.url(), place)).message
    async with serving(leading("/b"), saying(BODY)) as host:
        none = settings(max_redirects=0)
        assert "more than 0 times" in (await refused(host.url(), place, none)).message


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("http://10.0.0.1/", "of a private network"),
        ("http://[::1]/", "of this machine"),
        ("http://169.254.169.254/latest/meta-data/", "clouds keep credentials"),
        ("http://inside.example/", "inside.example leads to an address of this machine"),
        ("file:///etc/passwd", "begins with file:"),
        ("gopher://files.example/", "begins with gopher:"),
        ("http://ann:geheim@files.example/", "has a user or password"),
    ],
)
async def test_a_redirect_to_what_may_not_be_asked_is_not_followed(
    place: Path, location: str, said: str
) -> None:
    async with serving(leading(location)) as host:
        fault = await refused(
            host.url(), place, names=Names(inside_example=[["8.8.8.8", "192.168.0.1"]])
        )
    assert (fault.code, len(host.asked)) == ("SIS.0608", 1)
    assert said in fault.message
    assert "geheim" not in fault.message


async def test_a_name_that_resolves_differently_the_second_time_gains_nothing(place: Path) -> None:
    """Each connection goes to addresses that were checked for it."""
    names = Names(files_example=[["127.0.0.1"], ["10.0.0.1"], ["127.0.0.1"]])
    async with serving(ranged(BODY, 500_000)) as host:
        fault = await refused(host.url(), place, names=names)
    assert fault.code == "SIS.0608"
    assert "of a private network" in fault.message
    assert (len(host.asked), names.asked) == (1, ["files.example"] * 2)


async def test_no_connection_is_made_to_what_may_not_be_asked(place: Path) -> None:
    async with serving(saying(BODY)) as host:
        closed = settings(allowed_hosts=())
        fault = await refused(host.url(), place, closed)
        assert "an address of this machine or of a private network" in fault.message
        mixed = Names(files_example=[["8.8.8.8", "127.0.0.1"]])
        assert (await refused(host.url(), place, closed, mixed)).code == "SIS.0608"
    assert host.asked == []


async def test_the_next_address_is_tried_where_one_does_not_answer(place: Path) -> None:
    names = Names(files_example=[["127.0.0.2", "127.0.0.1"]])
    async with serving(saying(BODY)) as host:
        await fetched(host.url(), place, settings(allowed_hosts=("127.0.0.0/8",)), names)
    assert content(place) == BODY


async def test_names_are_resolved_as_the_machine_does(place: Path) -> None:
    from rasr.recordings.connecting import Connector, SystemResolver
    from rasr.recordings.fetching import Fetcher

    resolve = SystemResolver()
    try:
        async with serving(saying(BODY)) as host:
            url = host.url(host="localhost")
            async with RecordingFile(place, len(BODY)) as file:
                getting = Fetcher(SETTINGS, Connector(resolve), Waits())
                await getting.fetch(source(url, settings(allowed_hosts=("localhost",))), file)
                with pytest.raises(RecordingFault, match="nothing: there is no such host"):
                    await getting.fetch(source("http://nothing:1/", settings()), file)
    finally:
        resolve.close()


async def test_names_whose_servers_do_not_answer_keep_no_other_name_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from rasr.recordings import connecting

    look_up, may_end = connecting._look_up, threading.Event()

    def silent(host: str) -> list[Address]:
        if host.startswith("silent"):
            may_end.wait()
        return look_up("localhost")

    monkeypatch.setattr(connecting, "_look_up", silent)
    resolve = connecting.SystemResolver()
    # Eight callbacks and eight recordings, each given up and asked for again three times while the
    # machine still waits for the first answer.
    asked = [asyncio.create_task(resolve(f"silent-{number}.example")) for number in range(48)]
    # They ask now.
    await asyncio.sleep(0)
    try:
        async with asyncio.timeout(LONG_S):
            await resolve("files.example")
        assert not any(one.done() for one in asked)
    finally:
        may_end.set()
        await asyncio.gather(*asked)
        resolve.close()


async def test_a_host_that_nobody_is_at_is_tried_again(place: Path) -> None:
    async with serving(saying(b"")) as host:
        pass
    waits = Waits()
    fault = await refused(host.url(), place, waits=waits)
    assert (fault.message, fault.may_pass) == ("files.example cannot be reached", True)
    assert len(waits.seconds) == 4


LIMIT = len(BODY)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (saying(BODY + b"x"), f"has {LIMIT + 1} bytes; allowed: {LIMIT}"),
        # What it says of itself is enough.
        (saying(b"", announced=1 << 50), f"has {1 << 50} bytes"),
        (chunks(BODY, b"x"), f"has more than {LIMIT} bytes"),
        (raw(b"HTTP/1.1 200 OK\r\n\r\n" + BODY + b"x"), f"has more than {LIMIT} bytes"),
        (without_end, f"has more than {LIMIT} bytes"),
    ],
)
async def test_one_byte_more_than_allowed_is_too_many(
    place: Path, answer: Answer, said: str
) -> None:
    async with serving(answer) as host:
        fault = await refused(host.url(), place, settings(max_bytes=LIMIT))
    assert fault.code == "SIS.0537"
    assert said in fault.message
    assert len(host.asked) == 1
    assert size(place) <= LIMIT


@pytest.mark.parametrize(
    "answer",
    [saying(BODY), chunks(BODY), raw(b"HTTP/1.0 200 OK\r\n\r\n" + BODY)],
)
async def test_as_much_as_allowed_is_not_too_much(place: Path, answer: Answer) -> None:
    async with serving(answer) as host:
        await fetched(host.url(), place, settings(max_bytes=LIMIT))
    assert content(place) == BODY


async def test_a_recording_has_300_mib_at_most_unless_the_settings_say_otherwise(
    place: Path,
) -> None:
    async with serving(saying(b"", announced=(300 << 20) + 1)) as host:
        fault = await refused(host.url(), place)
    assert fault.code == "SIS.0537"
    assert fault.message == "the recording has 314572801 bytes; allowed: 314572800 at most"


async def test_a_rest_that_is_too_large_is_refused_before_it_comes(place: Path) -> None:
    huge = saying(b"", "206 Partial Content", Content_Range=f"bytes 9-99/{1 << 40}", ETag='"v1"')
    async with serving(ranged(BODY, 9), huge) as host:
        fault = await refused(host.url(), place)
    assert (fault.code, str(1 << 40) in fault.message) == ("SIS.0537", True)


async def test_what_lies_about_its_length_is_not_taken_for_whole(place: Path) -> None:
    for answer in (
        saying(BODY, announced=len(BODY) + 1),
        chunks(BODY, end=False),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n12345"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n12345"),
        raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
        raw(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 40_000),
        raw(b""),
    ):
        async with serving(answer) as host:
            fault = await refused(host.url(), place)
        assert (fault.code, fault.may_pass) == ("SIS.0609", True)
        assert "breaks off" in fault.message


async def test_what_is_packed_is_refused(place: Path) -> None:
    bomb = gzip.compress(bytes(10 << 20))
    for encoding in ("gzip", "br", "deflate, gzip", "x" * 200):
        async with serving(saying(bomb, Content_Encoding=encoding)) as host:
            fault = await refused(host.url(), place)
        assert "sends the recording packed" in fault.message
        assert (fault.code, len(host.asked), len(fault.message) < 120) == ("SIS.0609", 1, True)
    async with serving(saying(BODY, Content_Encoding="Identity")) as host:
        await fetched(host.url(), place)


@pytest.mark.parametrize(
    "answer",
    [
        saying(b"<p>Please sign in", Content_Type="text/html; charset=utf-8"),
        saying(b"<p>Please sign in", Content_Type="application/xhtml+xml"),
        saying(b"\xef\xbb\xbf \n<!DOCTYPE html><title>x</title>", Content_Type="audio/wav"),
        saying(b"<HTML>" + b"x" * 9999),
        chunks(b"<", b"h", b"tml>"),
    ],
)
async def test_a_web_page_is_told_as_such(place: Path, answer: Answer) -> None:
    async with serving(answer) as host:
        fault = await refused(host.url(), place)
    assert fault.message.startswith("files.example answers with a web page, not with a recording")
    assert (fault.code, len(host.asked)) == ("SIS.0609", 1)


async def test_an_empty_recording_is_none(place: Path) -> None:
    async with serving(saying(b"")) as host:
        assert "an empty recording" in (await refused(host.url(), place)).message


async def test_a_host_that_hangs_is_given_up(place: Path) -> None:
    async with serving(hanging) as host:
        # Long enough to be asked in, on a machine that is busy.
        fault = await refused(host.url(), place, settings(silence_s=0.5, attempts=2))
    assert fault.message == "files.example sends nothing for too long"
    assert len(host.asked) == 2


async def test_all_of_it_has_an_end(place: Path) -> None:
    """A byte now and then is no silence."""

    async def dripping(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with serving(dripping) as host:
        fault = await refused(host.url(), place, settings(fetch_timeout_s=0.3))
    assert "did not come within 0.3 s" in fault.message
    assert (fault.code, fault.may_pass) == ("SIS.0609", True)


async def test_names_that_nobody_resolves_have_an_end(place: Path) -> None:
    class Silent(Names):
        async def __call__(self, host: str) -> Sequence[Address]:
            await asyncio.Event().wait()
            raise AssertionError

    fault = await refused(
        "http://files.example/", place, settings(silence_s=0.01, attempts=2), Silent()
    )
    assert fault.message == "files.example does not answer"


async def test_single_bytes_hold_up_nobody(place: Path) -> None:
    """Other tasks get their turns while thousands of chunks wait to be read."""
    ends = asyncio.Event()
    in_a_row: list[int] = [0]

    class Counting(RecordingFile):
        async def write(self, chunk: bytes) -> None:
            in_a_row[-1] += 1
            await super().write(chunk)

    async def others() -> None:
        while not ends.is_set():
            in_a_row.append(0)
            await asyncio.sleep(0)

    async with serving(chunks(*[b"x"] * 8000)) as host:
        async with asyncio.TaskGroup() as group:
            group.create_task(others())
            async with Counting(place, 8000) as file:
                await fetcher(SETTINGS).fetch(source(host.url(), SETTINGS), file)
            ends.set()
    assert sum(in_a_row) == 8000
    assert max(in_a_row) <= 32


STILL_AT_WORK = b"HTTP/1.1 102 Processing\r\n\r\n"


async def test_a_host_that_only_says_that_it_is_at_work_holds_up_nobody(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = asyncio.Event()
    in_a_row: list[int] = [0]
    next_event = h11.Connection.next_event

    def counted(self: h11.Connection) -> object:
        in_a_row[-1] += 1
        return next_event(self)

    monkeypatch.setattr(h11.Connection, "next_event", counted)

    async def others() -> None:
        while not ends.is_set():
            in_a_row.append(0)
            await asyncio.sleep(0)

    count = 250_000 // len(STILL_AT_WORK)
    answer = raw(STILL_AT_WORK * count + b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
    async with serving(answer) as host:
        async with asyncio.TaskGroup() as group:
            group.create_task(others())
            await fetched(host.url(), place)
            ends.set()
    assert sum(in_a_row) > count
    assert max(in_a_row) <= 2 * 4096 // len(STILL_AT_WORK)

    async def for_ever(asked: Asked, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(STILL_AT_WORK * 100)
            await writer.drain()

    async with serving(for_ever) as host:
        fault = await refused(host.url(), place)
    assert (fault.message, len(host.asked)) == ("files.example breaks off", 5)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """For a server of the name files.example, and for who believes it."""
    made = self_signed(["files.example"], datetime.now(UTC))
    cert, key = made.write(tmp_path_factory.mktemp("tls"))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(cert, key)
    return server, ssl.create_default_context(cafile=cert)


async def test_a_certificate_is_checked_by_the_name_of_the_host(
    place: Path, certificate: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    server, client = certificate
    seen: list[str | None] = []
    server.sni_callback = lambda socket, name, context: seen.append(name)
    async with serving(saying(BODY), context=server) as host:
        await fetched(host.url(scheme="https"), place, context=client)
        assert content(place) == BODY
        for wrong in ("other.example", "127.0.0.1"):
            fault = await refused(host.url(host=wrong, scheme="https"), place, context=client)
            assert f"the certificate of {wrong} is not good" in fault.message
            assert not fault.may_pass
        unknown = ssl.create_default_context()
        assert "self-signed" in (
            await refused(host.url(scheme="https"), place, context=unknown)
        ).message.replace("self signed", "self-signed")
    assert len(host.asked) == 1
    assert seen[:2] == ["files.example", "other.example"]


async def test_https_does_not_lead_to_http(
    place: Path, certificate: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    server, client = certificate
    async with serving(leading("http://files.example/"), context=server) as host:
        fault = await refused(host.url(scheme="https"), place, context=client)
    assert fault.code == "SIS.0608"
    assert "which encrypts nothing" in fault.message


async def test_proxies_of_the_environment_are_not_used(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would resolve the name itself, and connect to what it likes."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with serving(saying(BODY)) as host:
        await fetched(host.url(), place)
    assert content(place) == BODY


CUTS = st.lists(st.integers(1, 3000), min_size=1, max_size=6)


@tried(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=CUTS, forgets=st.booleans())
async def test_wherever_it_breaks_the_recording_is_whole(
    tmp_path: Path, cuts: list[int], forgets: bool
) -> None:
    body = BODY[:20_000]
    answers = [ranged(body, cut, '"v1"') for cut in cuts]
    if forgets:
        # The version changes in the middle: all of the new one, nothing of the old.
        answers += [ranged(b"n" * 7000, 100, '"v2"')]
        body = b"n" * 7000
    tag = '"v2"' if forgets else '"v1"'
    async with serving(*answers, ranged(body, tag=tag)) as host:
        await fetched(host.url(), tmp_path / "whole", settings(attempts=9))
    assert content(tmp_path / "whole") == body


def test_the_policy_of_the_settings_is_what_sources_have() -> None:
    assert source("http://127.0.0.1/", SETTINGS).policy == FetchPolicy.of(SETTINGS)


LINE = st.one_of(
    st.sampled_from(
        [
            *(b"Content-Length: 3", b"Content-Length: 99999999999999999999", b"Content-Length: x"),
            *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip", b"Content-Encoding: br"),
            *(b"Location: /b", b"Location: \xff\xfe", b"Location: http://[::1", b"Location:"),
            *(b"ETag: \xe9", b'ETag: "v"', b"Last-Modified: \xe9", b"Retry-After: 1e9"),
            *(b"Content-Type: \xff", b"Content-Range: bytes 0-1/2", b"Content-Range: bytes 9-"),
            *(b"Connection: upgrade", b"Upgrade: websocket", b": x", b"x", b" folded", b"A: \x00"),
        ]
    ),
    st.binary(max_size=30),
)
STATUS = st.sampled_from(
    [
        *(b"HTTP/1.1 200 OK", b"HTTP/1.0 200", b"HTTP/1.1 206 x", b"HTTP/1.1 302 x", b"HTTP/2 200"),
        *(b"HTTP/1.1 101 x", b"HTTP/1.1 100 x", b"HTTP/1.1 999 x", b"HTTP/1.1 2 x", b"HTTP/9.9"),
        *(b"HTTP/1.1 503 \xff", b"\x16\x03\x01", b"", b"HTTP/1.1 416 x", b"HTTP/1.1 304 x"),
    ]
)


@tried(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=st.tuples(STATUS, st.lists(LINE, max_size=4), st.binary(max_size=20)),
    then=st.tuples(STATUS, st.lists(LINE, max_size=4), st.binary(max_size=20)),
)
async def test_whatever_a_host_sends_it_is_a_recording_or_a_sentence(
    tmp_path: Path, first: tuple[bytes, list[bytes], bytes], then: tuple[bytes, list[bytes], bytes]
) -> None:
    answers = [
        raw(b"\r\n".join([status, *lines, b"", b""]) + body)
        for status, lines, body in (first, then)
    ]
    place = tmp_path / "any"
    async with serving(*answers) as host:
        try:
            found = await fetched(host.url(), place, settings(attempts=2, silence_s=5.0))
        except RecordingFault as fault:
            assert fault.message.isprintable()  # noqa: PT017 (both ends are right)
        else:
            assert found.bytes == size(place) > 0
