"""Finals by another engine than the live one, on real sockets."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from bench.recordings import load
from rasr.scheduling import ProcessWorker
from rasr.server.errors import StartError
from rasr.server.service import Service
from rasr.settings import Settings
from tests.server.audio import quiet, voiced
from tests.server.conftest import fake_settings, pretend_calibration
from tests.server.sdk import SdkClient
from tests.server.test_metrics import scrape

SENTENCE = quiet(400) + voiced(1000) + quiet(900)
MAGIC = (32001).to_bytes(2, "little")
BAD_SENTENCE = quiet(400) + voiced(600) + MAGIC + voiced(400) + quiet(900)


def settings(
    live: dict[str, object] | None = None,
    final: dict[str, object] | None = None,
    *,
    final_timeout_s: float = 300.0,
) -> Settings:
    """The fake engine twice; words of the second one begin with "x". A second pass is in time
    however slow the machine is, unless a test says otherwise."""
    return fake_settings(
        engines={
            "fake": {"kind": "fake", "options": live or {}},
            "better": {"kind": "fake", "options": {"prefix": "x", **(final or {})}},
        },
        properties={"english": {"live": "fake", "final": "better"}},
        decoding={"workers": 1, "final_timeout_s": final_timeout_s},
    )


async def heard(service: Service, audio: bytes = SENTENCE, **config: Any) -> SdkClient:
    async with SdkClient(service.url) as client:
        await client.start(interim_results="yes", **config)
        await client.audio(audio)
        await client.end()
    await service.state.connections.quiet()
    return client


def is_by_final_engine(text: str) -> bool:
    found = {word.lower().startswith("x") for word in text.split()}
    assert len(found) == 1, text
    return found.pop()


def text_of(message: dict[str, Any]) -> str:
    text: str = message["result"]["text"]
    return text


async def test_partials_are_the_live_engines_and_the_final_is_the_others() -> None:
    async with Service(settings()) as service:
        async with SdkClient(service.url) as client:
            await client.start(interim_results="yes")
            await client.audio(quiet(400) + voiced(1000))
            # Else the second pass may be done before the first has said a word.
            await client.until("RESULT")
            await client.audio(quiet(900))
            await client.end()
        await service.state.connections.quiet()
        numbers = await scrape(service)
    (final,) = client.finals
    partials = [
        segment
        for message in client.messages
        for segment in message.get("segments", ())
        if not segment["is_final"]
    ]
    assert partials
    assert not any(is_by_final_engine(text_of(one)) for one in partials)
    assert is_by_final_engine(text_of(final))
    assert numbers["rasr_second_passes_total", "in_time"] == 1
    # Its words are made of all the audio that an engine alone would have heard.
    async with Service(fake_settings(decoding={"workers": 1})) as alone:
        (same,) = (await heard(alone)).finals
    assert text_of(final).lower().replace("x", "") == text_of(same).lower()


async def test_a_second_pass_that_fails_or_is_late_costs_nobody_his_text() -> None:
    # It takes half a second of a core at the least, and has a millisecond.
    slow = settings(final={"cost_ms_per_second": 500.0}, final_timeout_s=0.001)
    broken = settings(final={"test_samples": True})
    for how, audio, outcome in ((slow, SENTENCE, "late"), (broken, BAD_SENTENCE, "failed")):
        async with Service(how) as service:
            client = await heard(service, audio)
            numbers = await scrape(service)
        (final,) = client.finals
        assert client.told[-1] == "END NORMAL"
        assert not is_by_final_engine(text_of(final))
        assert numbers["rasr_second_passes_total", outcome] == 1
        assert numbers["rasr_engine_open_jobs", "better"] == 0


async def test_an_utterance_on_which_the_live_engine_fails_is_saved() -> None:
    async with Service(settings(live={"test_samples": True})) as service:
        client = await heard(service, BAD_SENTENCE + SENTENCE)
    assert client.told[-1] == "END NORMAL"
    assert len(client.finals) == 2
    assert all(is_by_final_engine(text_of(one)) for one in client.finals)


async def test_an_utterance_on_which_both_fail_is_told_as_with_one_engine() -> None:
    fails: dict[str, object] = {"test_samples": True}
    async with Service(settings(live=fails, final=fails)) as service:
        client = await heard(service, BAD_SENTENCE)
    (error,) = [one for one in client.messages if one["resp_type"] == "ERROR"]
    assert error["error_code"] == "SIS.0305"


async def test_the_pair_is_told_at_start_and_admitted_as_two_engines() -> None:
    async with Service(settings()) as service:
        pretend_calibration(service)
        assert "\nRecognises english: fake with finals by better" in service.ready_message
        async with SdkClient(service.url) as client:
            await client.start()
            now = service.state.admission._slots
            (slot,) = now
            assert slot.engine.names == ("fake", "better")


@pytest.mark.parametrize(
    ("engines", "served", "sentence"),
    [
        (
            {},
            {"live": "fake", "final": "nobody"},
            "properties.english.final: there is no engine 'nobody'; there are: fake",
        ),
        (
            {},
            {"live": "nobody", "final": "fake"},
            "properties.english.live: there is no engine 'nobody'; there are: fake",
        ),
        (
            {},
            {"live": "fake", "final": "fake"},
            "properties.english.final: 'fake' is the live engine too and would say the same "
            "again; name another engine or model, or leave final out",
        ),
        (
            {"better": {"kind": "fake", "options": {"languages": "chinese,welsh"}}},
            {"live": "fake", "final": "better"},
            "properties.english.final: engine 'better' does not know english, only chinese, "
            "welsh; map english to an engine or a model that knows it",
        ),
    ],
)
async def test_a_second_pass_that_cannot_be_is_told_at_start(
    engines: dict[str, object], served: dict[str, str], sentence: str
) -> None:
    how = fake_settings(
        engines={"fake": {"kind": "fake"}, **engines}, properties={"english": served}
    )
    with pytest.raises(StartError) as refused:
        async with Service(how):
            pass
    assert str(refused.value) == sentence


@pytest.mark.engine
@pytest.mark.parametrize("wanted", [True, False])
async def test_words_of_a_final_are_aligned_where_their_times_are_guessed_and_wanted(
    wanted: bool,
) -> None:
    async with Service(settings(final={"word_times": False})) as service:
        assert service.state.aligns("english")
        client = await heard(service, need_word_info="yes" if wanted else "no")
        numbers = await scrape(service)
    assert is_by_final_engine(text_of(client.finals[0]))
    # A buzz is no speech: what comes of it is for the aligner to say.
    looked = [count for (name, _), count in numbers.items() if name == "rasr_alignments_total"]
    assert sum(looked) == wanted
    assert numbers["rasr_aligner_faults_total", ""] == 0


async def test_nothing_is_aligned_where_every_engine_knows_when_words_were_said() -> None:
    async with Service(settings()) as service:
        assert service.state.aligners is None
        assert ("rasr_aligner_faults_total", "") not in await scrape(service)


def finals_by_pocketsphinx(final_timeout_s: float) -> Settings:
    return fake_settings(
        engines={"fake": {"kind": "fake"}, "pocketsphinx": {"kind": "pocketsphinx"}},
        properties={"english": {"live": "fake", "final": "pocketsphinx"}},
        decoding={"workers": 1, "final_timeout_s": final_timeout_s},
    )


@pytest.mark.engine
async def test_a_worker_of_the_second_pass_that_dies_costs_nobody_his_text() -> None:
    audio = load("library").samples.astype("<i2").tobytes()
    # A replacement takes longer to load than this.
    async with Service(finals_by_pocketsphinx(0.05)) as service:
        async with SdkClient(service.url) as client:
            await client.start(interim_results="yes")
            await client.audio(audio)
            await client.until("RESULT")
            (only,) = service.state.schedulers["pocketsphinx"].workers
            assert isinstance(only, ProcessWorker)
            assert only.pid is not None
            os.kill(only.pid, signal.SIGKILL)
            await client.audio(audio + quiet(900))
            await client.end()
        await service.state.connections.quiet()
        outcomes = service.state.statistics.second_passes
    assert client.told[-1] == "END NORMAL"
    assert all(text_of(one) for one in client.finals)
    assert outcomes.total() == len(client.finals)


@pytest.mark.engine
async def test_a_streaming_engine_in_processes_makes_finals_too() -> None:
    # However slow the machine is.
    how = finals_by_pocketsphinx(300.0)
    recording = load("library")
    audio = recording.samples.astype("<i2").tobytes() + quiet(900)
    async with Service(how) as service:
        client = await heard(service, audio)
    text = " ".join(text_of(one) for one in client.finals).lower()
    words = {word.strip(".,?!").lower() for word in recording.text.split()}
    assert len(words & set(text.split())) > len(words) / 2
