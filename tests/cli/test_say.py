"""`rasr say` and `rasr voices`, with espeak-ng as it is."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from types import ModuleType
from typing import Any

import av
import numpy as np
import pytest

from rasr.audio import audio_info, read_audio
from rasr.audio.writing import AudioWriter
from rasr.cli.chapters import chapters
from rasr.synthesis.errors import EngineFailed
from rasr.synthesis.pool import SpeechPool
from rasr.synthesis.reading.request import Request
from rasr.synthesis.speech import Sound
from tests.cli.conftest import Rasr
from tests.longer import mostly_long
from tests.synthesis.sherpa_models import write_melo


@pytest.fixture(autouse=True)
def not_last(rasr: Rasr, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who goes last gets next to nothing where other tests run beside."""
    monkeypatch.setenv("RASR_SYNTHESIS__NICENESS", "0")


class Speakers:
    """Stands in for sounddevice: keeps what is played."""

    def __init__(self) -> None:
        self.opened: dict[str, Any] = {}
        self.played: list[bytes] = []
        self.calls: list[str] = []

    def module(self) -> ModuleType:
        module = ModuleType("sounddevice")
        module.__dict__.update(PortAudioError=OSError, RawOutputStream=self.open)
        return module

    def open(self, **arguments: Any) -> Speakers:
        self.opened = arguments
        return self

    def write(self, data: bytes) -> None:
        self.played.append(data)

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        self.calls.append("stop")

    def close(self) -> None:
        self.calls.append("close")


@pytest.mark.parametrize(
    ("name", "rate"),
    [("a.wav", 22050), ("a.mp3", 16000)],
)
def test_the_name_of_the_file_says_what_it_is(
    rasr: Rasr, tmp_path: Path, name: str, rate: int
) -> None:
    result = rasr("say", "Good", "morning", "--out", tmp_path / name)
    assert (result.exit_code, result.output) == (0, "")
    assert audio_info(tmp_path / name).sample_rate == rate
    samples = np.concatenate(list(read_audio(tmp_path / name, 16000)))
    assert 0.5 < len(samples) / 16000 < 2
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("format", "bytes_each"), mostly_long([("pcm", 2), ("alaw", 1), ("ulaw", 1)], ("ulaw", 1))
)
def test_raw_sound_is_as_long_as_it_is(
    rasr: Rasr, tmp_path: Path, format: str, bytes_each: int
) -> None:
    files = [tmp_path / f"a.{format}", tmp_path / "a.wav"]
    for file in files:
        assert rasr("say", "Good morning", "--rate", "8000", "--out", file).exit_code == 0
    assert files[0].stat().st_size == pytest.approx((files[1].stat().st_size - 44) / 2 * bytes_each)


def test_a_text_on_standard_input_goes_to_standard_output(rasr: Rasr) -> None:
    result = rasr("say", "-", "--out", "-", "--format", "pcm", input="早上好".encode())
    assert result.exit_code == 0
    samples = np.frombuffer(result.stdout_bytes, "<i2")
    assert 0.4 < len(samples) / 22050 < 2
    assert np.abs(samples).max() > 2000


def test_a_long_text_has_subtitles_with_its_marks(rasr: Rasr, tmp_path: Path) -> None:
    text = tmp_path / "book.txt"
    text.write_text(
        "第一章。\n\n今天天气很好，我们去公园散步。\n\nThe end of it all.\n" * 8, "utf-8"
    )
    out, srt = tmp_path / "book.mp3", tmp_path / "book.srt"
    result = rasr("say", "--file", text, "--out", out, "--srt", srt)
    assert (result.exit_code, result.output) == (0, "")
    shown = srt.read_text("utf-8")
    assert shown.count("The end of it all.") == 8
    assert "今天天气很好，" in shown
    last = shown.strip().split("\n\n")[-1].splitlines()[1].split(" --> ")[1]
    minutes, seconds = last.replace(",", ".").split(":")[1:]
    length = sum(len(piece) for piece in read_audio(out, 16000)) / 16000
    assert int(minutes) * 60 + float(seconds) == pytest.approx(length, abs=1.0)


BOOK = """Words before.

第一章 开始

今天天气很好。

***

Chapter 2: The end

It all ends here. This is the end.
"""


def test_a_book_has_a_file_for_each_chapter_and_goes_on_where_it_ended(
    rasr: Rasr, tmp_path: Path
) -> None:
    text, folder = tmp_path / "story.txt", tmp_path / "story"
    text.write_text(BOOK, "utf-8")
    assert rasr("say", "--file", text, "--chapters", folder).exit_code == 0
    names = [f"0{number}.{suffix}" for number in (1, 2, 3) for suffix in ("mp3", "srt")]
    assert sorted(path.name for path in folder.iterdir()) == names
    with av.open(str(folder / "02.mp3")) as opened:
        told = {key: opened.metadata[key] for key in ("title", "album", "track")}
    assert told == {"title": "第一章 开始", "album": "story", "track": "2/3"}
    assert "It all ends here." in (folder / "03.srt").read_text("utf-8")
    first = (folder / "01.mp3").stat().st_mtime_ns
    (folder / "02.mp3").unlink()
    again = rasr("say", "--file", text, "--chapters", folder)
    assert again.exit_code == 0
    assert "01.mp3 is there already" in again.stderr
    assert (folder / "02.mp3").exists()
    assert (folder / "01.mp3").stat().st_mtime_ns == first


def test_a_long_text_says_how_much_there_is_and_is_read_part_by_part(
    rasr: Rasr, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def speak(pool: SpeechPool, request: Request) -> AsyncGenerator[Sound, None]:
        asked.append(request.text)
        yield Sound(np.zeros(1, np.int16), 22050)

    monkeypatch.setattr(SpeechPool, "speak", speak)
    result = rasr("say", "-", "--out", "-", "--format", "pcm", input=b"#" * 3_000_000)
    assert result.exit_code == 0
    assert result.stderr == "3,000,000 characters, about 200.0 h of speech at speed 0\n"
    assert "".join(asked) == "#" * 3_000_000
    assert max(map(len, asked)) <= 2200


def test_what_sigterm_ends_leaves_no_part_of_a_file(
    rasr: Rasr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(writer: AudioWriter, samples: object) -> bytes:
        assert [path.name for path in tmp_path.iterdir()] == ["a.wav.part"]
        os.kill(os.getpid(), signal.SIGTERM)
        return b""

    def again(pool: SpeechPool) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        stop(pool)

    stop = SpeechPool.stop
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(AudioWriter, "feed", end)
    monkeypatch.setattr(SpeechPool, "stop", again)
    result = rasr("say", "One sentence here. Another one.", "--out", tmp_path / "a.wav")
    assert result.exit_code == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) == before


def test_chapters_begin_at_headings_and_not_at_sentences() -> None:
    text = "# One\nPart of it was lost.\n第二章\n第三章讲的是别的事情。\nChapter IV\nx\n"
    assert [chapter.title for chapter in chapters(text)] == ["One", "第二章", "Chapter IV"]
    assert [chapter.title for chapter in chapters("no heading")] == [""]
    assert chapters(" \n") == ()


def test_it_is_played_without_a_file(rasr: Rasr, monkeypatch: pytest.MonkeyPatch) -> None:
    speakers = Speakers()
    monkeypatch.setitem(sys.modules, "sounddevice", speakers.module())
    result = rasr("say", "First sentence here. Second sentence there.")
    assert (result.exit_code, result.output) == (0, "")
    assert speakers.opened == {"samplerate": 22050, "channels": 1, "dtype": "int16"}
    assert len(speakers.played) == 2
    assert speakers.calls == ["start", "stop", "close"]


def test_without_a_loudspeaker_it_says_what_to_do(
    rasr: Rasr, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_device(**arguments: Any) -> None:
        raise OSError("Error querying device -1")

    module = Speakers().module()
    module.__dict__["RawOutputStream"] = no_device
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    result = rasr("say", "Hello")
    assert result.exit_code == 1
    assert "no loudspeaker can be opened: Error querying device -1" in result.stderr
    assert "--out speech.wav" in result.stderr


def test_speed_and_voice_are_heard(rasr: Rasr, tmp_path: Path) -> None:
    sizes = {}
    for name, options in {
        "usual": [],
        "fast": ["--speed", "500"],
        "man": ["--voice", "chinese_xiaoyu_common"],
    }.items():
        file = tmp_path / f"{name}.pcm"
        assert rasr("say", "The weather is good today", *options, "--out", file).exit_code == 0
        sizes[name] = file.read_bytes()
    assert len(sizes["fast"]) < 0.6 * len(sizes["usual"])
    assert sizes["man"] != sizes["usual"]


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["say", "!?"], "nothing to say"),
        (["say", "Hello", "--voice", "nobody"], "'nobody' is no voice here"),
        (["say", "Hello", "--voice", "klingon_worf_common"], "no voice here speaks klingon"),
        (["say", "Hello", "--out", "a.flac"], "nothing is written as .flac"),
        (["say", "Hello", "--out", "nowhere/a.wav"], "there is no folder nowhere"),
        (["say", "Hello", "--out", "a.wav", "--play"], "exclude each other"),
        (["say", "Hello", "--speed", "501"], "501 is not in the range -500<=x<=500"),
        (["say", "<speak>Hello", "--out", "a.wav"], "not well-formed"),
        (["say", "Привет", "--out", "a.wav"], "cyrillic letters"),
    ],
)
def test_what_cannot_be_said_is_refused_with_the_reason(
    rasr: Rasr,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    fault: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "sounddevice", Speakers().module())
    result = rasr(*arguments)
    assert result.exit_code != 0
    assert fault in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_text_is_refused(rasr: Rasr, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"abc\xff")
    result = rasr("say", "--file", file, "--out", tmp_path / "a.wav")
    assert f"{file} is no text in UTF-8: byte 3 is none" in result.stderr


def test_voices_are_listed_with_who_speaks_for_official_names(rasr: Rasr) -> None:
    result = rasr("voices")
    assert result.exit_code == 0
    rows = [line.split() for line in result.output.splitlines()]
    assert rows[1][:5] == ["espeak-female", "english,", "chinese,", "cantonese", "female"]
    spoken = {row[0]: row[3] for row in rows if row and row[0].startswith("chinese_")}
    assert spoken["chinese_xiaoyan_common"] == "espeak-female"
    assert spoken["chinese_xiaoyu_common"] == "espeak-male"
    assert spoken["chinese_xiaowang_common"] == "espeak-child"


def test_what_voices_cost_can_be_measured(rasr: Rasr) -> None:
    document = json.loads(rasr("voices", "--measure", "--json").output)
    costs = {one["name"]: one["cost"] for one in document["voices"]}
    assert 0 < costs["espeak-female"] < 0.5
    rows = rasr("voices", "--measure").output.splitlines()
    assert rows[0].split()[-1] == "COST"
    assert 0 < float(rows[1].split()[-1]) < 0.5


def test_a_voice_that_takes_too_long_to_be_measured_is_told(
    rasr: Rasr, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def calibrate(pool: SpeechPool) -> None:
        raise EngineFailed("the engine took too long for this text")

    monkeypatch.setattr(SpeechPool, "calibrate", calibrate)
    result = rasr("voices", "--measure")
    assert (result.exit_code, result.stderr) == (
        1,
        "Error: the voices cannot be measured: the engine took too long for this text\n",
    )


def test_the_settings_say_who_speaks(rasr: Rasr, tmp_path: Path) -> None:
    config = tmp_path / "rasr.toml"
    config.write_text('[synthesis.voices]\nchinese_xiaoyan_common = "espeak-male"\n')
    document = json.loads(rasr("voices", "--config", config, "--json").output)
    assert document["voices"][0]["word_times"] == "engine"
    (found,) = [o for o in document["official"] if o["name"] == "chinese_xiaoyan_common"]
    assert (found["voice"], found["remark"]) == ("espeak-male", "as the settings say")
    (arabic,) = [o for o in document["official"] if o["name"] == "arabic_dh_male"]
    assert arabic["voice"] is None
    assert "no voice here speaks arabic" in arabic["remark"]


@pytest.mark.engine
def test_folders_of_ones_own_are_listed_or_told_to_be_refused(rasr: Rasr, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "melo").mkdir()
    write_melo(tmp_path / "melo")
    config = tmp_path / "config.toml"
    config.write_text(
        "".join(
            f'[synthesis.folders.{name}]\nfolder = "{tmp_path / name}"\n'
            for name in ("empty", "melo")
        )
    )
    result = rasr("voices", "--config", config, "--json")
    (refused,) = result.stderr.splitlines()
    assert refused.startswith(f"synthesis.folders.empty: {tmp_path / 'empty'} holds no voice: ")
    first = json.loads(result.stdout)["voices"][0]
    assert (first["name"], first["engine"], first["model"]) == ("melo", "sherpa-onnx-tts", None)
    assert (first["languages"], first["sample_rate"]) == (["chinese", "english"], 44100)
