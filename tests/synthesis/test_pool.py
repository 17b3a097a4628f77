"""Workers that speak: their queue, their end, and who may use them."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import AsyncIterator

import pytest

from rasr.settings import SynthesisSettings
from rasr.synthesis.engines.espeak import espeak_voices
from rasr.synthesis.errors import EngineFailed, TextRefused, TooManySpeak, VoiceUnavailable
from rasr.synthesis.manner import Manner
from rasr.synthesis.pool import SpeechPool
from rasr.synthesis.reading.request import Request
from rasr.synthesis.speech import Sound
from rasr.synthesis.voice import LIVE_COST
from rasr.tasks import given_up
from tests.processes import LONG_S, Process, until

VOICES = espeak_voices()
TEXT = "One sentence is here. Another one is there. The third one is the last."


def request(text: str = TEXT) -> Request:
    return Request(text, VOICES[0], Manner())


async def heard(pool: SpeechPool, text: str = TEXT) -> list[Sound]:
    return [sound async for sound in pool.speak(request(text))]


@pytest.fixture
async def pool() -> AsyncIterator[SpeechPool]:
    pool = SpeechPool(VOICES, SynthesisSettings(workers=1, max_texts=2))
    await pool.start()
    yield pool
    pool.stop()


def worker(pool: SpeechPool) -> Process:
    (found,) = pool.pids
    return Process(found)


async def test_a_text_comes_sentence_by_sentence(pool: SpeechPool) -> None:
    sounds = await heard(pool)
    assert [" ".join(word.text for word in sound.words) for sound in sounds] == [
        "One sentence is here",
        "Another one is there",
        "The third one is the last",
    ]
    assert all(sound.rate == 22050 and sound.seconds > 1 for sound in sounds)


async def test_texts_are_spoken_by_turns(pool: SpeechPool) -> None:
    long, short = pool.speak(request(TEXT * 20)), pool.speak(request("Short."))
    await anext(long)
    assert len([sound async for sound in short]) == 1
    assert pool.texts == 1
    await long.aclose()


async def test_a_long_text_is_read_as_it_is_spoken(pool: SpeechPool) -> None:
    long = pool.speak(request("It costs $5.20 on May 3, 2024. " * 300))
    await anext(long)
    # A portion or two of the sixty, what was heard, and the piece behind it; and others have turns.
    assert pool.asked <= 4
    asked = pool.asked
    assert len(await heard(pool, "Short.")) == 1
    assert pool.asked <= asked + 2 + 2
    await long.aclose()


async def test_a_text_that_is_read_in_portions_is_heard_whole(pool: SpeechPool) -> None:
    sounds = await heard(pool, f"{TEXT} " * 12)
    text = " ".join(word.text for sound in sounds for word in sound.words)
    assert text == " ".join([TEXT.replace(".", "")] * 12)
    assert len(sounds) == 36


async def test_words_behind_much_that_is_none_are_found(pool: SpeechPool) -> None:
    text = "( ) " * 300
    with pytest.raises(TextRefused, match="nothing to say"):
        await heard(pool, text)
    assert [word.text for sound in await heard(pool, f"{text}Here.") for word in sound.words] == [
        "Here"
    ]


async def test_one_text_more_than_are_taken_is_refused(pool: SpeechPool) -> None:
    one, two = pool.speak(request()), pool.speak(request())
    await anext(one)
    await anext(two)
    with pytest.raises(TooManySpeak, match="2 texts are being spoken"):
        await heard(pool)
    await one.aclose()
    assert len(await heard(pool)) == 3
    await two.aclose()


async def test_who_stops_listening_stops_the_engine_within_a_piece(pool: SpeechPool) -> None:
    speaking = pool.speak(request(TEXT * 50))
    await anext(speaking)
    await speaking.aclose()
    assert pool.texts == 0
    asked = pool.asked
    assert len(await heard(pool, "Next.")) == 1
    # Its reading and its piece: nothing of the long text came between.
    assert pool.asked == asked + 2


async def test_who_is_cancelled_while_he_waits_gives_his_place_back(pool: SpeechPool) -> None:
    listening = asyncio.ensure_future(heard(pool, TEXT * 50))
    # The first sentence is about to be made: he waits for it, or for one behind it.
    await until(lambda: pool.asked >= 2)
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening
    assert pool.texts == 0
    assert len(await heard(pool, "Next.")) == 1


async def test_a_warm_pool_has_asked_each_worker(pool: SpeechPool) -> None:
    await pool.warm(VOICES[0])
    assert pool.asked == 1


async def test_who_listens_slowly_has_one_piece_made_ahead(pool: SpeechPool) -> None:
    speaking = pool.speak(request(TEXT * 50))
    await anext(speaking)
    # The reading, the piece that was heard and the one behind it.
    await until(lambda: pool.asked == 3)
    await heard(pool, "Next.")
    assert pool.asked == 3 + 2
    await speaking.aclose()


async def test_a_worker_that_dies_costs_nothing(pool: SpeechPool) -> None:
    # Of several portions, which another process reads on.
    text = f"{TEXT} " * 5
    whole = await heard(pool, text)
    speaking = pool.speak(request(text))
    sounds = [await anext(speaking)]
    before = worker(pool)
    before.kill()
    await until(lambda: before.gone)
    sounds += [sound async for sound in speaking]
    # espeak-ng's flutter goes on from sentence to sentence: the words are the same.
    assert [[word.text for word in one.words] for one in sounds] == [
        [word.text for word in one.words] for one in whole
    ]
    assert worker(pool).pid != before.pid


async def test_a_worker_that_hangs_is_replaced() -> None:
    pool = SpeechPool(VOICES, SynthesisSettings(workers=1, step_timeout_s=LONG_S))
    await pool.start()
    try:
        await heard(pool)
        pool.settings = SynthesisSettings(workers=1, step_timeout_s=0.2)
        before = worker(pool)
        await before.stop()
        with pytest.raises(EngineFailed, match="took too long"):
            await heard(pool)
        pool.settings = SynthesisSettings(workers=1, step_timeout_s=LONG_S)
        assert len(await heard(pool)) == 3
        await until(lambda: before.gone)
    finally:
        pool.stop()


async def test_a_worker_that_hangs_is_replaced_although_its_listener_has_left() -> None:
    pool = SpeechPool(VOICES, SynthesisSettings(workers=1, step_timeout_s=LONG_S))
    await pool.start()
    try:
        await heard(pool)
        pool.settings = SynthesisSettings(workers=1, step_timeout_s=0.2)
        before, asked = worker(pool), pool.asked
        await before.stop()
        listening = asyncio.ensure_future(heard(pool))
        await until(lambda: pool.asked > asked)
        await given_up(listening)
        await until(lambda: before.gone)
        pool.settings = SynthesisSettings(workers=1, step_timeout_s=LONG_S)
        assert len(await heard(pool)) == 3
    finally:
        pool.stop()


async def test_no_worker_is_started_again_once_all_are_ended(pool: SpeechPool) -> None:
    await heard(pool)
    await worker(pool).stop()
    before, asked = set(multiprocessing.active_children()), pool.asked
    listening = asyncio.ensure_future(heard(pool))
    await until(lambda: pool.asked > asked)
    pool.stop()
    with pytest.raises(EngineFailed, match="are ended"):
        await listening
    assert before.issuperset(multiprocessing.active_children())


@pytest.mark.parametrize("text", ["", "  ", "！？…", "😀😀", "\x00\x07", "、。"])
async def test_a_text_without_a_word_is_refused(pool: SpeechPool, text: str) -> None:
    with pytest.raises(TextRefused, match="nothing to say"):
        await heard(pool, text)
    assert pool.texts == 0


async def test_a_language_that_no_voice_has_is_refused(pool: SpeechPool) -> None:
    with pytest.raises(VoiceUnavailable, match="cyrillic letters"):
        await heard(pool, "Доброе утро")


async def test_a_voice_that_nobody_has_is_refused(pool: SpeechPool) -> None:
    with pytest.raises(VoiceUnavailable, match="no voice 'nobody'"):
        await heard(pool, '<speak><voice name="nobody">Hello</voice></speak>')


async def test_a_voice_is_measured_and_the_slow_one_is_not_live(pool: SpeechPool) -> None:
    await pool.calibrate()
    assert 0 < pool.costs[VOICES[0].name] < LIVE_COST
    assert pool.live_fault(VOICES[0]) is None
    pool.note_cost(VOICES[0], 1.25)
    with pytest.raises(VoiceUnavailable, match=r"takes 1\.2 s of processor time"):
        await anext(pool.speak(request(), live=True))
    assert len(await heard(pool)) == 3


async def test_a_slow_voice_that_a_document_names_is_not_live_either(pool: SpeechPool) -> None:
    pool.note_cost(VOICES[1], 1.25)
    text = f'<speak>One.<voice name="{VOICES[1].name}">Two.</voice></speak>'
    with pytest.raises(VoiceUnavailable, match=r"takes 1\.2 s of processor time"):
        await anext(pool.speak(request(text), live=True))
    assert pool.texts == 0
    assert len(await heard(pool, text)) == 2


async def test_live_speech_is_promised_no_more_than_the_workers_have(pool: SpeechPool) -> None:
    pool.note_cost(VOICES[0], 0.5)
    speaking = pool.speak(request(), live=True)
    await anext(speaking)
    with pytest.raises(TooManySpeak, match="promised to others"):
        await anext(pool.speak(request(), live=True))
    await speaking.aclose()
    assert len([sound async for sound in pool.speak(request(), live=True)]) == 3


async def test_twenty_texts_at_once_come_out_whole() -> None:
    pool = SpeechPool(VOICES, SynthesisSettings(workers=2))
    await pool.start()
    try:
        every = await asyncio.gather(*(heard(pool, f"Number {n}. {TEXT}") for n in range(20)))
    finally:
        pool.stop()
    assert {len(sounds) for sounds in every} == {4}
    assert [sounds[0].words[1].text for sounds in every] == [str(n) for n in range(20)]


@pytest.mark.parametrize("niceness", [0, 10])
async def test_processes_that_speak_go_behind_others_as_far_as_they_are_told(
    niceness: int,
) -> None:
    before = set(multiprocessing.active_children())
    pool = SpeechPool(VOICES, SynthesisSettings(workers=1, niceness=niceness))
    await pool.start()
    try:
        (speaker,) = set(multiprocessing.active_children()) - before
        assert speaker.pid is not None
        wanted = os.getpriority(os.PRIO_PROCESS, 0) + niceness
        assert os.getpriority(os.PRIO_PROCESS, speaker.pid) == wanted
    finally:
        pool.stop()
