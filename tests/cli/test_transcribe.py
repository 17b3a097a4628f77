"""`rasr transcribe`, from files to documents, through a server of its own."""

from __future__ import annotations

import json
import re
import socket
import wave
from pathlib import Path

import numpy as np
import pysubs2
import pytest

from rasr.audio import COMPRESSED_FORMATS, FORMATS, encode, read_audio
from rasr.client import Connection
from rasr.wire.sis.messages import StartConfig, Started
from tests.audio.compressed import compressed
from tests.cli.conftest import Rasr
from tests.cli.scripted_server import scripted_server
from tests.client.scripted import Peer
from tests.client.values import ended, final

SPEECH = Path(__file__).parents[1] / "speech"
ONE = SPEECH / "greeting.flac"
OTHER = SPEECH / "rain.flac"


def pcm(file: Path, sample_rate: int = 16000) -> bytes:
    return np.concatenate(list(read_audio(file, sample_rate))).tobytes()


def wav(path: Path, audio: bytes) -> Path:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16000)
        out.writeframes(audio)
    return path


def test_a_file_becomes_lines_of_text(rasr: Rasr) -> None:
    result = rasr("transcribe", ONE)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert len(result.stdout.split()) > 5


def test_a_connection_that_breaks_costs_a_remark_and_no_word(
    rasr: Rasr, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = rasr("transcribe", ONE).stdout
    sends = 0
    send = Connection.send

    async def breaks(connection: Connection, chunk: bytes) -> None:
        nonlocal sends
        sends += 1
        if sends == 5:
            connection.abort()
        await send(connection, chunk)

    monkeypatch.setattr(Connection, "send", breaks)
    result = rasr("transcribe", ONE)
    assert (result.exit_code, result.stdout) == (0, whole)
    lost = "The connection is lost. The sound is kept, and the server looked for …"
    back = "The connection is back, and nothing is lost."
    assert result.stderr.splitlines() == [lost, back]


def test_standard_input_gives_the_text_of_the_same_file(rasr: Rasr) -> None:
    assert rasr("transcribe", "-", input=pcm(ONE)).stdout == rasr("transcribe", ONE).stdout != ""


def test_several_files_stand_each_under_its_name(rasr: Rasr) -> None:
    result = rasr("transcribe", ONE, OTHER)
    one, other = rasr("transcribe", ONE).stdout, rasr("transcribe", OTHER).stdout
    assert result.stdout == f"greeting.flac:\n{one}\nrain.flac:\n{other}"


def test_json_has_segments_and_the_words_that_were_asked_for(rasr: Rasr) -> None:
    result = rasr("transcribe", ONE, "--format", "json", "--need-word-info")
    (recording,) = json.loads(result.stdout)["recordings"]
    assert recording["name"] == "greeting.flac"
    for segment in recording["segments"]:
        words = segment["word_info"]
        assert " ".join(word["word"] for word in words) == segment["text"]
        assert words[0]["start_time"] == segment["start_time"]
        assert words[-1]["end_time"] == segment["end_time"]


def test_captions_are_written_to_the_output(rasr: Rasr, tmp_path: Path) -> None:
    result = rasr("transcribe", ONE, "--format", "srt", "--output", tmp_path / "one.srt")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert (tmp_path / "one.srt").read_text().startswith("1\n00:00:0")


def test_captions_of_several_files_go_to_a_folder(rasr: Rasr, tmp_path: Path) -> None:
    result = rasr("transcribe", ONE, OTHER, "--format", "vtt", "--output", tmp_path)
    assert result.exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["greeting.vtt", "rain.vtt"]
    assert (tmp_path / "rain.vtt").read_text().startswith("WEBVTT\n\n00:00:0")


@pytest.mark.parametrize("name", list(FORMATS))
def test_every_audio_format_is_recognised(rasr: Rasr, name: str) -> None:
    result = rasr("transcribe", ONE, "--audio-format", name)
    assert result.exit_code == 0, result.output
    assert len(result.stdout.split()) > 5


@pytest.mark.parametrize("name", list(COMPRESSED_FORMATS))
def test_a_compressed_file_is_sent_as_it_is(rasr: Rasr, tmp_path: Path, name: str) -> None:
    file = tmp_path / "sound"
    file.write_bytes(compressed(np.frombuffer(pcm(ONE, 48000), np.int16), name, 48000))
    result = rasr("transcribe", file, "--audio-format", name)
    assert result.exit_code == 0, result.output
    assert len(result.stdout.split()) > 5
    piped = rasr("transcribe", "-", "--audio-format", name, input=file.read_bytes())
    assert piped.stdout == result.stdout


def test_a_compressed_file_of_another_kind_is_an_error_that_says_so(rasr: Rasr) -> None:
    result = rasr("transcribe", ONE, "--audio-format", "webm-opus")
    assert result.exit_code == 1
    assert "cannot be read as 'webm-opus': it is FLAC" in result.stderr


def test_coded_sound_on_standard_input_is_what_the_format_says(rasr: Rasr) -> None:
    form = FORMATS["ulaw8k8bit"]
    samples = np.frombuffer(pcm(ONE, 8000), np.int16)
    coded = encode(samples, form.encoding)
    result = rasr("transcribe", "-", "--audio-format", form.name, input=coded)
    assert result.stdout == rasr("transcribe", ONE, "--audio-format", form.name).stdout != ""


def test_sentence_mode_gives_the_first_sentence_only(rasr: Rasr) -> None:
    conversation = SPEECH / "conversation.flac"
    whole = rasr("transcribe", conversation).stdout.splitlines()
    first = rasr("transcribe", conversation, "--mode", "sentence").stdout.splitlines()
    assert len(whole) > 1
    assert first == whole[:1]


def test_sound_past_the_limit_of_the_mode_is_a_warning_with_a_hint(
    rasr: Rasr, tmp_path: Path
) -> None:
    audio = pcm(ONE)
    long = wav(tmp_path / "long.wav", audio * (65 * 32000 // len(audio) + 1))
    result = rasr("transcribe", long, "--mode", "short")
    assert result.exit_code == 0, result.output
    assert "Warning: short mode takes 60 s of sound" in result.stderr
    assert "--mode continue" in result.stderr
    assert result.stdout != ""


def test_silence_in_sentence_mode_is_a_warning_with_a_hint(rasr: Rasr, tmp_path: Path) -> None:
    silent = wav(tmp_path / "silent.wav", bytes(32000 * 3))
    result = rasr("transcribe", silent, "--mode", "sentence", "--vad-head", 1000, "--no-warnings")
    assert "no speech was heard within 1000 ms" in result.stderr
    assert "--vad-head" in result.stderr


def test_what_the_server_refuses_is_said_in_its_words(rasr: Rasr) -> None:
    result = rasr("transcribe", ONE, "--property", "klingon_16k_common")
    assert result.exit_code == 1
    assert "Error: greeting.flac: the server refused the round: 'property'" in result.stderr
    assert "english" in result.stderr


def test_a_language_that_could_be_had_is_told_with_the_command_that_brings_it(rasr: Rasr) -> None:
    result = rasr("transcribe", ONE, "--property", "chinese_16k_common")
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: chinese is not served here, only english. This fetches the model x-asr-480ms "
        "(134 MB) and has it served: rasr setup chinese\n"
    )


def test_a_model_is_named_as_for_a_server(rasr: Rasr) -> None:
    chinese = ("--property", "chinese_16k_common")
    missing = rasr("transcribe", ONE, "--model", "x-asr-480ms", *chinese)
    assert missing.exit_code == 1
    assert "rasr models pull x-asr-480ms" in missing.stderr
    other = rasr("transcribe", ONE, "--model", "english=tiny-zh-en", *chinese)
    assert "say what serves it, as with --model x-asr-480ms" in other.stderr
    heard = rasr("transcribe", ONE, "--model", "tiny-zh-en", *chinese)
    assert heard.exit_code == 0, heard.output


def test_format_and_property_that_disagree_are_refused_by_the_server(rasr: Rasr) -> None:
    result = rasr(
        "transcribe", ONE, "--audio-format", "pcm8k16bit", "--property", "english_16k_common"
    )
    assert result.exit_code == 1
    assert "SIS.0301" in result.stderr


def test_a_file_that_is_no_sound_does_not_keep_the_others_from_being_read(
    rasr: Rasr, tmp_path: Path
) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no sound at all")
    result = rasr("transcribe", text, ONE)
    assert result.exit_code == 1
    assert result.stderr == f"Error: {text} is a text file, not a recording\n"
    assert result.stdout.endswith(rasr("transcribe", ONE).stdout)


@pytest.mark.parametrize("scheme", ["ws://", "", "http://", "HTTP://"])
def test_a_server_elsewhere_is_used_when_its_url_is_given(rasr: Rasr, scheme: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.start()
        await peer.send(Started("trace"))
        await peer.end()
        await peer.send(final("from elsewhere"), ended())

    with scripted_server(script) as url:
        result = rasr("transcribe", ONE, "--url", url.replace("ws://", scheme))
    assert (result.exit_code, result.stdout) == (0, "from elsewhere\n")


def test_what_came_before_a_server_went_away_is_kept(rasr: Rasr, tmp_path: Path) -> None:
    async def script(peer: Peer) -> None:
        await peer.start()
        await peer.send(Started("trace"), final("so far"))
        await peer.websocket.close(1001, "the server is shutting down")

    with scripted_server(script) as url:
        result = rasr("transcribe", ONE, "--url", url, "--output", tmp_path / "out.txt")
    assert result.exit_code == 1
    assert "the server is shutting down" in result.stderr
    assert (tmp_path / "out.txt").read_text() == "so far\n"


def test_no_server_at_the_url_is_told_with_what_to_do(rasr: Rasr) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{taken.getsockname()[1]}"
        result = rasr("transcribe", ONE, "--url", url)
    assert result.exit_code == 1
    assert "there is no server at" in result.stderr
    assert "rasr serve" in result.stderr


def test_settings_that_cannot_be_used_end_the_command(
    rasr: Rasr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RASR_PROPERTIES__ENGLISH", "nobody")
    result = rasr("transcribe", ONE)
    assert result.exit_code == 1
    assert "there is no engine 'nobody'" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Missing argument"),
        (["missing.wav"], "'missing.wav' does not exist"),
        ([ONE, "--mode", "short", "--vad-tail", "300"], "--vad-tail does nothing in short mode"),
        ([ONE, "--vad-tail", "5000"], "'5000'; allowed: a whole number from 0 to 3000 (ms)"),
        ([ONE, "--max-seconds", "ten"], "'ten'; allowed: a whole number from 1 to 60 (s)"),
        ([ONE, "--audio-format", "flac"], "'flac'; allowed: pcm16k16bit, pcm8k16bit"),
        ([ONE, "--property", "english"], "chinese_8k_common; did you mean english_16k_common?"),
        ([ONE, "--property", "?"], "'?'; allowed: language_rate_domain"),
        ([ONE, "--mode", "long"], "'long' is not one of"),
        ([ONE, OTHER, "--format", "srt"], "name a folder with --output"),
        ([ONE, OTHER, "--output", "no/such/folder"], "is no folder"),
        ([ONE, "--output", "no/such/file.srt"], "there is no folder no/such"),
        (
            [ONE, "--url", "ws://localhost", "--config", "rasr.toml"],
            "--config is for a server that is started for",
        ),
        ([ONE, "--url", "localhost", "--model", "a"], "--model is for a server that is started"),
        ([ONE, "--url", "ftp://localhost"], "'ftp://localhost' is no address of a server"),
        ([ONE, ONE, "--output", "."], "would write the same output"),
    ],
)
def test_usage_mistakes_are_sentences_and_exit_with_2(
    rasr: Rasr, arguments: list[object], sentence: str
) -> None:
    result = rasr("transcribe", *arguments)
    assert result.exit_code == 2
    assert sentence in " ".join(result.stderr.split())


def test_captions_have_lines_that_can_be_read_and_the_times_of_words(rasr: Rasr) -> None:
    conversation = SPEECH / "conversation.flac"
    cues = pysubs2.SSAFile.from_string(
        rasr("transcribe", conversation, "--format", "srt").stdout, format_="srt"
    )
    assert len(cues) > 1
    for cue in cues:
        lines = cue.text.split("\\N")
        assert len(lines) <= 2
        assert all(len(line) <= 42 for line in lines)
        assert cue.end - cue.start >= 1000


def test_a_channel_is_published_to_and_its_address_is_told(rasr: Rasr) -> None:
    result = rasr("transcribe", ONE, "--channel", "stage", "--pace", "fast")
    assert result.exit_code == 0, result.output
    address = r"http://127\.0\.0\.1:\d+/captions/stage"
    assert re.fullmatch(rf"Captions: {address}, as long as this command runs\n", result.stderr)
    assert result.stdout == rasr("transcribe", ONE).stdout


@pytest.mark.parametrize(
    ("flags", "partials"),
    [([], True), (["--no-interim-results"], False)],
    ids=["asked", "declined"],
)
def test_the_channel_is_asked_for_and_has_partials(
    rasr: Rasr, tmp_path: Path, flags: list[str], partials: bool
) -> None:
    starts: list[StartConfig] = []

    async def script(peer: Peer) -> None:
        starts.append((await peer.start()).config)
        await peer.send(Started("trace"))
        await peer.end()
        await peer.send(final("said"), ended())

    short = wav(tmp_path / "short.wav", bytes(3200))
    with scripted_server(script) as url:
        result = rasr("transcribe", short, "--url", url, "--channel", "stage", *flags)
    assert result.exit_code == 0, result.output
    assert result.stderr == f"Captions: {url.replace('ws:', 'http:')}/captions/stage\n"
    (config,) = starts
    assert config.caption_channel == "stage"
    assert config.interim_results is partials


def test_a_recording_without_a_word_is_told(rasr: Rasr, tmp_path: Path) -> None:
    async def script(peer: Peer) -> None:
        await peer.start()
        await peer.send(Started("trace"))
        await peer.end()
        await peer.send(ended())

    short = wav(tmp_path / "short.wav", bytes(3200))
    with scripted_server(script) as url:
        result = rasr("transcribe", short, "--url", url)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("short.wav: no words were heard, as english_16k_common; ")


def test_a_name_that_is_no_channel_s_is_refused_with_what_is_allowed(rasr: Rasr) -> None:
    result = rasr("transcribe", ONE, "--channel", "no name")
    assert result.exit_code == 2
    assert "1 to 64 characters of A-Z" in result.stderr
