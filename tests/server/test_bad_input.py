"""Bad input over real sockets: the exact answer, and that the connection lives where it may."""

from __future__ import annotations

import asyncio
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode

from rasr.server.service import Service
from tests.asgi.served import handshake
from tests.server.audio import noise, quiet, voiced
from tests.server.conftest import fake_settings
from tests.server.sdk import PROJECT, SdkClient

SENTENCE = quiet(400) + voiced(900) + quiet(900)


async def test_an_error_to_start_leaves_the_connection_usable(service: Service) -> None:
    async with SdkClient(service.url) as client:
        await client.start(vad_tail=99999)
        (error,) = client.messages
        assert error["error_code"] == "SIS.0032"
        assert error["error_msg"] == (
            "'vad_tail' is invalid: it is 99999; allowed: a whole number from 0 to 3000 (ms)"
        )
        client.state = "connected"
        await client.start()
        await client.audio(SENTENCE)
        await client.end()
        assert client.told == ["ERROR SIS.0032", "START", "final", "END NORMAL"]


async def test_an_error_in_a_round_is_followed_by_its_end(service: Service) -> None:
    async with SdkClient(service.url) as client:
        await client.start()
        await client.audio(quiet(300) + voiced(900))
        await client.text("this is no JSON")
        await client.until("END")
        await client.end()
        assert client.told == ["START", "final", "ERROR SIS.0032", "END ERROR"]


async def test_a_text_frame_of_a_mebibyte_is_refused_with_a_sentence(service: Service) -> None:
    async with SdkClient(service.url) as client:
        await client.text("x" * (1 << 20))
        error = await client.until("ERROR")
        assert error["error_msg"] == (
            "the text frame is too long: 1048576 bytes; allowed: at most 65536"
        )


async def test_a_binary_frame_over_the_cap_is_refused_with_a_sentence(service: Service) -> None:
    async with SdkClient(service.url) as client:
        await client.start()
        await client.audio(b"\0" * ((1 << 20) + 2), chunk=2 << 20)
        error = await client.until("ERROR")
        assert error["error_msg"] == (
            "the binary frame is too long: 1048578 bytes; allowed: at most 1048576"
        )
        assert (await client.until("END"))["reason"] == "ERROR"


async def test_a_frame_beyond_all_measure_closes_the_connection(service: Service) -> None:
    async with SdkClient(service.url) as client:
        await client.start()
        try:
            await client.audio(b"\0" * (5 << 20), chunk=5 << 20)
        except ConnectionClosed:
            pass
        assert await client.closed() == 1009


async def test_bad_utf8_closes_the_connection_as_the_websocket_standard_says(
    service: Service,
) -> None:
    async with connect(
        f"{service.url}/v1/{PROJECT}/rasr/continue-stream", compression=None, proxy=None
    ) as socket:
        frame = Frame(Opcode.TEXT, b"\xff\xfe{").serialize(mask=True)
        socket.transport.write(frame)
        await socket.wait_closed()
        assert socket.close_code == 1007


@pytest.mark.parametrize("audio", [quiet(3000), b"", b"\0"], ids=["silence", "nothing", "a byte"])
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("rasr/continue-stream", ["START", "END NORMAL"]),
        ("rasr/sentence-stream", ["START", "END NORMAL"]),
        ("rasr/short-stream", ["START", "final", "END NORMAL"]),
    ],
)
async def test_silence_is_answered_in_every_mode(
    service: Service, path: str, expected: list[str], audio: bytes
) -> None:
    async with SdkClient(service.url, path) as client:
        await client.start(warnings="no")
        await client.audio(audio)
        await client.end()
        assert client.told == expected


async def test_noise_alone_ends_like_anything_else(service: Service) -> None:
    async with SdkClient(service.url) as client:
        await client.start(max_seconds=2, warnings="no")
        await client.audio(noise(5000))
        await client.end()
        assert client.told[0] == "START"
        assert client.told[-1] == "END NORMAL"
        assert set(client.told[1:-1]) <= {"final"}


async def test_end_twice_is_answered_in_order(service: Service) -> None:
    async with SdkClient(service.url) as client:
        await client.start()
        await client.audio(SENTENCE)
        await client.text('{"command":"END"}')
        await client.text('{"command":"END"}')
        await client.until("ERROR")
        assert client.told == ["START", "final", "END NORMAL", "ERROR SIS.0032"]


@pytest.mark.parametrize("point", range(5))
async def test_a_client_that_leaves_at_any_point_gives_everything_back(
    service: Service, point: int
) -> None:
    async with SdkClient(service.url) as client:
        if point > 0:
            await client.start()
        if point > 1:
            await client.audio(quiet(300) + voiced(800))
        if point > 2:
            await client.audio(quiet(900) + voiced(300))
        if point > 3:
            await client.text('{"command":"END"}')
    await service.state.connections.quiet()
    (scheduler,) = service.state.schedulers.values()
    assert service.state.admission.recognitions == 0
    assert scheduler.statistics.open_tasks == 0
    assert scheduler.statistics.waiting_tasks == 0


async def test_a_client_that_breaks_off_without_a_word_gives_everything_back(
    service: Service,
) -> None:
    async with connect(
        f"{service.url}/v1/{PROJECT}/rasr/continue-stream", compression=None, proxy=None
    ) as socket:
        await socket.send(
            json.dumps(
                {
                    "command": "START",
                    "config": {
                        "audio_format": "pcm16k16bit",
                        "property": "english_16k_common",
                    },
                }
            )
        )
        await socket.recv()
        await socket.send(quiet(300) + voiced(800))
        socket.transport.abort()
    await service.state.connections.quiet()
    assert service.state.admission.recognitions == 0


async def test_a_half_open_socket_is_dropped_by_the_idle_rule() -> None:
    # Long enough for a slow machine to come from the handshake to START.
    settings = fake_settings(session={"idle_s": 1.5})
    async with Service(settings) as service, SdkClient(service.url) as client:
        await client.start()
        fatal = await client.until("FATAL_ERROR")
        assert fatal["error_code"] == "SIS.0304"
        assert await client.closed() == 1000


async def test_a_client_that_never_reads_is_dropped_and_others_are_served() -> None:
    settings = fake_settings(server={"port": 0, "send_timeout_s": 0.3})
    async with Service(settings) as service:
        host, port = service.url.removeprefix("ws://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(handshake(f"/v1/{PROJECT}/rasr/continue-stream"))
        await reader.readuntil(b"\r\n\r\n")
        # Nonsense is answered; from here on nobody reads the answers.
        assert isinstance(writer.transport, asyncio.Transport)
        writer.transport.pause_reading()
        nonsense = Frame(Opcode.TEXT, b'{"command":"nonsense"}').serialize(mask=True) * 1000

        async def flood() -> None:
            while True:
                writer.write(nonsense)
                await writer.drain()

        with pytest.raises(ConnectionError):
            await flood()
        async with SdkClient(service.url) as client:
            await client.start()
            await client.audio(SENTENCE)
            await client.end()
            assert client.told == ["START", "final", "END NORMAL"]
        await service.state.connections.quiet()


async def test_a_client_a_hundred_times_faster_than_speech_loses_nothing() -> None:
    settings = fake_settings(session={"backlog_s": 5.0})
    async with Service(settings) as service, SdkClient(service.url) as client:
        for chunk in (3200, 64_000):
            await client.start(need_word_info="yes")
            await client.audio(SENTENCE * 20, chunk)
            await client.end()
        assert len(client.finals) == 40
        assert client.finals[:20] == client.finals[20:]


@pytest.mark.parametrize("path", ["", "v1", f"v1/{PROJECT}/rasr/other", f"v2/{PROJECT}/rasr"])
async def test_an_unknown_path_is_refused_with_what_is_there(service: Service, path: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{service.url}/{path}", proxy=None)
    assert refused.value.response.status_code == 404
    body = json.loads(refused.value.response.body or b"")
    assert body["error_code"] == "APIG.0101"
    assert "/v1/{project_id}/rasr/continue-stream" in body["error_msg"]
