"""Voices of sherpa-onnx: what a folder holds, and what each family is given of a text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from rasr.audio.writing import wav_header
from rasr.synthesis.engines.espeak_library import EspeakLibrary
from rasr.synthesis.engines.sherpa import SherpaVoiceEngine, try_voices
from rasr.synthesis.engines.sherpa.families import Family, FrontEnd
from rasr.synthesis.engines.sherpa.model import read_voice_model
from rasr.synthesis.engines.sherpa.prompt import read_prompt
from rasr.synthesis.errors import TextRefused, VoiceUnavailable
from rasr.synthesis.manner import Manner
from rasr.synthesis.reading.reader import Reader
from rasr.synthesis.reading.request import Request
from rasr.synthesis.speech import Piece, Sound, Word
from rasr.synthesis.voice import Age, EngineName, Gender, Voice, WordTimes
from tests.synthesis import sherpa_models as models

pytestmark = pytest.mark.engine

USUAL = Manner()
Write = Callable[[Path], Path]


def voice_of(folder: Path, speaker: int = 0, *languages: str) -> Voice:
    return Voice(
        name="teller",
        languages=languages or ("english",),
        gender=Gender.FEMALE,
        age=Age.ADULT,
        engine=EngineName.SHERPA,
        variant=str(speaker),
        rate=16000,
        word_times=WordTimes.ESTIMATED,
        folder=str(folder),
    )


class Teller:
    """The engine of a folder, and a reader."""

    def __init__(self, folder: Path, library: EspeakLibrary, reader: Reader, *spoken: str) -> None:
        # What is wrong with a folder, its trial says, which has tests of its own.
        self.voice = replace(voice_of(folder, 0, *spoken), tried=True)
        self._reader = reader
        self._engine = SherpaVoiceEngine(self.voice, library, self.words)

    def words(self, text: str) -> Sequence[Word]:
        return self.piece(text).words

    def piece(self, text: str, speaker: int = 0, manner: Manner = USUAL) -> Piece:
        voice = replace(self.voice, variant=str(speaker))
        (piece,) = self._reader.pieces(Request(text, voice, manner), lambda _: voice)
        return piece

    def say(self, text: str, speaker: int = 0, manner: Manner = USUAL) -> Sound:
        return self._engine.say(self.piece(text, speaker, manner))


def numbers(symbols: tuple[str, ...], *wanted: str) -> list[int]:
    return [symbols.index(one) for one in wanted]


LAYOUTS: dict[str, tuple[Write, Family, FrontEnd, int, tuple[str, ...], tuple[str, ...]]] = {
    "Piper of the release page": (
        models.write_piper, Family.PIPER, FrontEnd.PHONES, 22050, ("english",), ("0",),
    ),
    "Piper as it is published": (
        lambda folder: models.write_piper(folder, described=False, speakers=2),
        Family.PIPER, FrontEnd.PHONES, 22050, ("english",), ("0", "1"),
    ),
    "Piper, Mandarin": (
        lambda folder: models.write_piper(folder, accent="cmn", symbols=models.MANDARIN),
        Family.PIPER, FrontEnd.PHONES, 22050, ("chinese",), ("0",),
    ),
    "MeloTTS": (
        models.write_melo, Family.VITS, FrontEnd.LIBRARY, 44100, ("chinese", "english"), ("0",),
    ),
    "VITS with a lexicon": (
        models.write_lexicon_vits,
        Family.VITS, FrontEnd.LIBRARY, 16000, ("english",), ("0", "1", "2"),
    ),
    "Matcha, Mandarin and English": (
        models.write_matcha, Family.MATCHA, FrontEnd.LEXICON, 16000, ("chinese", "english"), ("0",),
    ),
    "Matcha, English": (
        lambda folder: models.write_matcha(folder, mandarin=False),
        Family.MATCHA, FrontEnd.PHONES, 22050, ("english",), ("0",),
    ),
    "Kokoro, Mandarin and English": (
        models.write_kokoro,
        Family.KOKORO, FrontEnd.LEXICON, 24000, ("chinese", "english"), ("af_one", "zf_two"),
    ),
    "Kokoro, English": (
        lambda folder: models.write_kokoro(folder, lexicons=False),
        Family.KOKORO, FrontEnd.PHONES, 24000, ("english",), ("af_one", "zf_two"),
    ),
    "KittenTTS": (
        models.write_kitten, Family.KITTEN, FrontEnd.PHONES, 24000, ("english",),
        ("expr-voice-2-m", "expr-voice-2-f"),
    ),
    "ZipVoice": (
        models.write_zipvoice,
        Family.ZIPVOICE, FrontEnd.LEXICON, 24000, ("chinese", "english"), ("0",),
    ),
    "ZipVoice without a lexicon": (
        lambda folder: models.write_zipvoice(folder, lexicon=False),
        Family.ZIPVOICE, FrontEnd.LEXICON, 24000, ("english",), ("0",),
    ),
    "Pocket TTS": (
        models.write_pocket, Family.POCKET, FrontEnd.LIBRARY, 24000, ("english",), ("0",),
    ),
    "Supertonic": (
        models.write_supertonic,
        Family.SUPERTONIC, FrontEnd.LIBRARY, 16000, ("english",), ("0", "1"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_folder_says_which_voices_it_holds(tmp_path: Path, layout: str) -> None:
    write, family, front_end, rate, languages, speakers = LAYOUTS[layout]
    found = try_voices(write(tmp_path))
    assert (found.family, found.front_end) == (family, front_end)
    assert (found.rate, found.languages, found.speakers) == (rate, languages, speakers)


def test_piper_is_told_letters_of_the_ipa(
    tmp_path: Path, library: EspeakLibrary, reader: Reader
) -> None:
    teller = Teller(models.write_piper(tmp_path, described=False), library, reader)
    told = models.tokens_in(teller.say("Hello, world."), 1.2)
    # The library puts a beginning, an end, and a blank between the letters.
    ipa = library.phonemes("Hello", "en-us") + ", " + library.phonemes("world", "en-us") + "."
    assert told[::2] == numbers(models.IPA, "^", *ipa, "$")
    assert set(told[1::2]) == {0}


def test_mandarin_piper_is_told_the_sounds_of_its_syllables_in_context(
    tmp_path: Path, library: EspeakLibrary, reader: Reader
) -> None:
    folder = models.write_piper(tmp_path, accent="cmn", symbols=models.MANDARIN)
    teller = Teller(folder, library, reader, "chinese")
    told = models.tokens_in(teller.say("重庆。"), 1.2)
    ipa = library.phonemes("chong2 qing4", "cmn") + "."
    assert library.phonemes("zhong4", "cmn") not in ipa
    assert set(ipa) <= set(models.MANDARIN)
    assert told[::2] == numbers(models.MANDARIN, "^", *ipa, "$")


def test_melo_is_told_words_and_makes_tokens_by_its_lexicon(
    tmp_path: Path, library: EspeakLibrary, reader: Reader
) -> None:
    teller = Teller(models.write_melo(tmp_path), library, reader, "chinese", "english")
    told = models.tokens_in(teller.say("你好，hello ab。"))
    # Tokens and ten times their tones; what is no word is spelt.
    assert [one for one in told if one] == [31, 32, 33, 34, 5, 79, 90, 74, 71, 6]


def test_a_vits_with_a_lexicon_says_its_words_with_each_of_its_speakers(
    tmp_path: Path, library: EspeakLibrary, reader: Reader
) -> None:
    teller = Teller(models.write_lexicon_vits(tmp_path), library, reader)
    first, third = teller.say("Hello world"), teller.say("Hello world", speaker=2)
    assert models.tokens_in(first) == [2, 3, 4, 5, 1, 6, 7, 4, 8]
    raised = round(2 * models.SPEAKER / models.STEP)
    assert models.tokens_in(third) == [one + raised for one in [2, 3, 4, 5, 1, 6, 7, 4, 8]]
    with pytest.raises(VoiceUnavailable, match=r"is speaker 3 of .*, which has 3"):
        teller.say("Hello world", speaker=3)


def test_matcha_is_told_the_words_of_its_lexicon_and_syllables_and_letters(
    tmp_path: Path, library: EspeakLibrary, reader: Reader
) -> None:
    teller = Teller(models.write_matcha(tmp_path), library, reader, "chinese", "english")
    told = models.tokens_in(teller.say("你好，重庆世界hello。"))
    expected = ["ni2", "hao3", ",", "chong2", "qing4", "shi4", "jie4"]
    # A word that no lexicon has is said by letters of the IPA.
    english = [one for one in library.phonemes("hello", "en-us") if one in models.PINYIN]
    assert told == numbers(models.PINYIN, *expected, *english, ".")


def test_english_matcha_is_told_letters_of_the_ipa(
    tmp_path: Path, library: EspeakLibrary, reader: Reader
) -> None:
    folder = models.write_matcha(tmp_path, mandarin=False)
    told = models.tokens_in(Teller(folder, library, reader).say("Hello."))
    ipa = library.phonemes("Hello", "en-us") + "."
    assert [one for one in told if one] == numbers(models.IPA, "^", *ipa, "$")


def test_kokoro_is_told_the_words_of_its_lexicons_and_letters_for_the_rest(
    tmp_path: Path, library: EspeakLibrary, reader: Reader
) -> None:
    folder = models.write_kokoro(tmp_path, precision=".int8")
    teller = Teller(folder, library, reader, "chinese", "english")
    symbols = ("$", *models.IPA[3:], *"ㄋㄧㄏㄠ23")
    told = models.tokens_in(teller.say("你好，hello bed。"), 0.9)
    # The library takes what is behind a mark for a sentence of its own, and begins and ends it.
    expected = numbers(symbols, *"$ㄋㄧ2ㄏㄠ3,$", *"$ həlˈoʊ bˈɛd.$")
    assert told == expected
    other = models.tokens_in(teller.say("你好，hello bed。", speaker=1), 0.9)
    raised = round(models.SPEAKER / models.STEP)
    assert other == [one + raised for one in expected]


@pytest.mark.parametrize("steps", [0, 1, 9])
def test_zipvoice_is_told_its_recording_and_what_is_said_in_it(
    tmp_path: Path, library: EspeakLibrary, reader: Reader, steps: int
) -> None:
    teller = Teller(models.write_zipvoice(tmp_path), library, reader, "chinese", "english")
    teller.voice = replace(teller.voice, steps=steps)
    frames, *told = models.tokens_in(teller.say("你，世 hello。"))
    # Two seconds, of which a frame begins every 256 samples.
    assert frames == pytest.approx(2 * 24000 / 256, abs=2)
    prompted = numbers(models.PINYIN, "ni2", "hao3")
    english = [one for one in library.phonemes("hello", "en-us") if one in models.PINYIN]
    assert told == [*prompted, *numbers(models.PINYIN, "ni2", ",", "shi4", *english, ".")]


@pytest.mark.parametrize("steps", [0, 1, 9])
def test_pocket_tts_is_told_its_recording_and_the_tokens_of_a_text(
    tmp_path: Path, library: EspeakLibrary, reader: Reader, steps: int
) -> None:
    teller = Teller(models.write_pocket(tmp_path), library, reader)
    teller.voice = replace(teller.voice, steps=steps)
    hundredths, *told = models.tokens_in(teller.say("Hello, abe"))
    assert hundredths == 200
    tokens = [models.LETTERS.index(one) - 250 for one in "▁Hello,▁abe"]
    assert told == [*tokens, *tokens[-1:] * 2]


@pytest.mark.parametrize("steps", [0, 1, 9])
def test_supertonic_is_told_letters_and_who_speaks(
    tmp_path: Path, library: EspeakLibrary, reader: Reader, steps: int
) -> None:
    teller = Teller(models.write_supertonic(tmp_path), library, reader)
    teller.voice = replace(teller.voice, steps=steps)
    # The library puts tags of the language around.
    letters = [ord(one) for one in "<en>Hello, five.</en>"]
    assert models.tokens_in(teller.say("Hello, 5.")) == letters
    raised = round(models.SPEAKER / models.STEP)
    told = models.tokens_in(teller.say("Hello, 5.", speaker=1))
    assert told == [one + raised for one in letters]


def test_a_recording_whose_words_a_model_does_not_know_is_refused(
    tmp_path: Path, library: EspeakLibrary, reader: Reader
) -> None:
    models.write_prompt(models.write_zipvoice(tmp_path), 2.0, "猫")
    with pytest.raises(VoiceUnavailable, match=r"knows none of the words of .*prompt\.txt"):
        Teller(tmp_path, library, reader, "chinese")
    with pytest.raises(VoiceUnavailable, match=r"prompt\.txt cannot be read: .* text is chinese"):
        Teller(tmp_path, library, reader, "english")


def test_a_recording_that_is_too_long_or_silent_or_none_is_refused(tmp_path: Path) -> None:
    models.write_zipvoice(tmp_path)
    for seconds, fault in (
        (0.9, r"is 0\.9 s long; allowed: 1 to 20 s"),
        (20.1, r"is 20\.1 s long; allowed: 1 to 20 s"),
    ):
        models.write_prompt(tmp_path, seconds)
        with pytest.raises(VoiceUnavailable, match=fault):
            read_voice_model(tmp_path)
    recording = tmp_path / "prompt.wav"
    recording.write_bytes(wav_header(16000, 64000) + bytes(64000))
    with pytest.raises(VoiceUnavailable, match=r"prompt\.wav is silent"):
        read_prompt(tmp_path, with_text=True).samples()
    recording.write_bytes(b"RIFF and no more")
    with pytest.raises(VoiceUnavailable, match=r"prompt\.wav cannot be read"):
        read_voice_model(tmp_path)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b" \n", "has 0 characters; allowed: 1 to 300"),
        (b"a" * 301, "has 301 characters"),
        (b"\xff", "is no text in UTF-8"),
    ],
)
def test_what_is_said_in_a_recording_is_a_text_of_some_length(
    tmp_path: Path, text: bytes, fault: str
) -> None:
    models.write_zipvoice(tmp_path)
    (tmp_path / "prompt.txt").write_bytes(text)
    with pytest.raises(VoiceUnavailable, match=fault):
        read_voice_model(tmp_path)


def test_steps_are_for_voices_that_are_made_in_steps(tmp_path: Path) -> None:
    read_voice_model(models.write_zipvoice(tmp_path)).refuse_steps(8)
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(VoiceUnavailable, match="family KittenTTS, whose sound is not made in step"):
        read_voice_model(models.write_kitten(other)).refuse_steps(8)


def test_more_tokens_than_kokoro_takes_are_said_in_parts(
    tmp_path: Path, library: EspeakLibrary, reader: Reader
) -> None:
    # With 40 styles, a sentence of 40 tokens would end the process.
    teller = Teller(models.write_kokoro(tmp_path, lexicons=False), library, reader)
    told = models.tokens_in(teller.say(" ".join(["hello"] * 12), speaker=1), 0.9)
    raised = round(models.SPEAKER / models.STEP)
    assert sum(one == raised for one in told) == 2 * 3
    assert len(told) == len(" ".join(["həlˈoʊ"] * 12)) + 2 * 3


def test_kitten_is_told_letters_of_the_ipa(
    tmp_path: Path, library: EspeakLibrary, reader: Reader
) -> None:
    told = models.tokens_in(Teller(models.write_kitten(tmp_path), library, reader).say("A bed."))
    symbols = ("$", *models.IPA[3:])
    ipa = library.phonemes("A bed", "en-us") + "."
    # The library puts a space behind them.
    assert [one for one in told if one] == numbers(symbols, *ipa, " ")


def test_more_tokens_than_kitten_takes_are_said_in_parts(
    tmp_path: Path, library: EspeakLibrary, reader: Reader
) -> None:
    teller = Teller(models.write_kitten(tmp_path), library, reader)
    told = models.tokens_in(teller.say(" ".join(["hello"] * 12), speaker=1))
    raised = round(models.SPEAKER / models.STEP)
    assert sum(one == raised for one in told) == 2 * 3


@pytest.mark.parametrize("layout", [one for one in LAYOUTS if "english" in LAYOUTS[one][4]])
def test_a_voice_is_as_fast_as_it_is_told_and_its_words_have_times(
    tmp_path: Path, library: EspeakLibrary, reader: Reader, layout: str
) -> None:
    write, *_, languages, _ = LAYOUTS[layout]
    teller = Teller(write(tmp_path), library, reader, *languages)
    usual = teller.say("Hello hello.")
    fast = teller.say("Hello hello.", manner=Manner(tempo=2.0))
    high = teller.say("Hello hello.", manner=Manner(pitch=1.25))
    assert fast.seconds == pytest.approx(usual.seconds / 2, rel=0.2)
    assert high.seconds == pytest.approx(usual.seconds, rel=0.2)
    one, two = usual.words
    assert (one.text, one.start_s, one.end_s) == ("Hello", 0.0, two.start_s)
    assert two.end_s == pytest.approx(usual.seconds)


def test_a_voice_that_knows_no_word_of_a_sentence_says_so(
    tmp_path: Path, library: EspeakLibrary, reader: Reader
) -> None:
    folder = models.write_matcha(tmp_path)
    (folder / "lexicon.txt").write_text("你 ni2\n", "utf-8")
    teller = Teller(folder, library, reader, "chinese")
    with pytest.raises(TextRefused, match="teller knows none of the words"):
        teller.say("猫")


def test_words_that_a_model_does_not_know_are_written_nowhere(
    tmp_path: Path,
    library: EspeakLibrary,
    reader: Reader,
    capfd: pytest.CaptureFixture[str],
) -> None:
    teller = Teller(models.write_lexicon_vits(tmp_path), library, reader)
    assert models.tokens_in(teller.say("Hello secret")) == [2, 3, 4, 5]
    assert capfd.readouterr() == ("", "")


def lacks(name: str, write: Write) -> Write:
    def written(folder: Path) -> Path:
        (write(folder) / name).unlink()
        return folder

    return written


def cut_short(name: str, size: int, write: Write) -> Write:
    def written(folder: Path) -> Path:
        file = write(folder) / name
        file.write_bytes(file.read_bytes()[:size])
        return folder

    return written


def holds(*names: str) -> Write:
    def written(folder: Path) -> Path:
        for name in names:
            (folder / name).write_bytes(b"graph")
        return folder

    return written


def no_text(name: str, write: Write) -> Write:
    def written(folder: Path) -> Path:
        (write(folder) / name).write_bytes(bytes(range(256)) * 16)
        return folder

    return written


def german(folder: Path) -> Path:
    models.write_piper(folder, described=False)
    config = folder / "en_US-tell-low.onnx.json"
    config.write_text(config.read_text("utf-8").replace("en-us", "de"), "utf-8")
    return folder


def cut_off(folder: Path) -> Path:
    models.write_kokoro(folder)
    (folder / "voices.bin").write_bytes(bytes(100))
    return folder


REFUSED: dict[str, tuple[Write, str]] = {
    "an empty folder": (lambda folder: folder, "holds no voice: there is no …onnx file"),
    "no graph": (holds("model.onnx", "tokens.txt"), "model.onnx is no ONNX model or was cut off"),
    "MeloTTS without its lexicon": (lacks("lexicon.txt", models.write_melo), "lacks its lexicon"),
    "MeloTTS of before": (
        lambda folder: models.write_melo(folder, version=1), "while it loaded the model",
    ),
    "no tokens": (lacks("tokens.txt", models.write_kitten), "lacks its tokens.txt"),
    "Matcha without a vocoder": (
        lambda folder: models.write_matcha(folder, vocoder=False),
        "lacks a vocoder, .* put vocos-16khz-univ.onnx of",
    ),
    "Matcha without its lexicon": (lacks("lexicon.txt", models.write_matcha), "lacks its lexicon"),
    "styles cut off": (cut_off, "while it loaded the model .*Corrupted"),
    "two graphs": (
        holds("a.onnx", "b.onnx"),
        "holds 2 voices: a.onnx, b.onnx; give each a folder",
    ),
    "a lexicon that is no text": (
        no_text("lexicon.txt", models.write_lexicon_vits), "lexicon.txt is no text in UTF-8",
    ),
    "the lexicon of Matcha is no text": (
        no_text("lexicon.txt", models.write_matcha), "lexicon.txt is no text in UTF-8",
    ),
    "tokens that are no text": (
        no_text("tokens.txt", models.write_kitten), "tokens.txt is no text in UTF-8",
    ),
    "German": (german, "needs the sounds of 'de'"),
    "Supertonic, styles cut off later": (
        cut_short("voice.bin", 60, models.write_supertonic), "while it loaded the model",
    ),
    "Korean MeloTTS": (
        lambda folder: models.write_melo(folder, language="Korean"),
        "does not say which language it speaks, or none of chinese",
    ),
    "a language that nobody reads": (
        lambda folder: models.write_lexicon_vits(folder, language="Finnish"),
        "does not say which language it speaks, or none of chinese, english, cantonese",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_served_is_refused_with_a_sentence(tmp_path: Path, what: str) -> None:
    write, reason = REFUSED[what]
    with pytest.raises(VoiceUnavailable, match=reason):
        try_voices(write(tmp_path))


LACKING: dict[str, tuple[Write, str]] = {
    "ZipVoice without its decoder": (
        lacks("decoder.int8.onnx", models.write_zipvoice), "lacks its decoder….onnx",
    ),
    "ZipVoice without a vocoder": (
        lacks("vocos_24khz.onnx", models.write_zipvoice), "lacks a vocoder, .* put vocos_24khz.onn",
    ),
    "ZipVoice without a recording": (
        lacks("prompt.wav", models.write_zipvoice), "lacks its prompt.wav: somebody who speaks for",
    ),
    "ZipVoice without what is said in it": (
        lacks("prompt.txt", models.write_zipvoice), "lacks its prompt.txt: what is said in prompt",
    ),
    "Pocket TTS without its vocabulary": (
        lacks("vocab.json", models.write_pocket), "lacks its vocab.json; unpack the model again",
    ),
    "Pocket TTS without a recording": (
        lacks("prompt.wav", models.write_pocket), "imitates a recording, and lacks its prompt.wav",
    ),
    "Supertonic without its vocoder": (
        lacks("vocoder.int8.onnx", models.write_supertonic), "lacks its vocoder….onnx; unpack the",
    ),
    "Supertonic without styles": (
        lacks("voice.bin", models.write_supertonic), "lacks its voice.bin; unpack the model again",
    ),
    "Supertonic, styles cut off": (
        cut_short("voice.bin", 20, models.write_supertonic), "voice.bin holds no styles of speak",
    ),
    "Supertonic, no rate": (
        cut_short("tts.json", 5, models.write_supertonic), "does not describe a voice of Superto",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", LACKING)
def test_what_a_folder_of_several_graphs_lacks_is_said(tmp_path: Path, what: str) -> None:
    write, reason = LACKING[what]
    with pytest.raises(VoiceUnavailable, match=reason):
        read_voice_model(write(tmp_path))


def test_languages_are_told_where_a_model_does_not_say_them(tmp_path: Path) -> None:
    models.write_lexicon_vits(tmp_path, language="Finnish")
    assert try_voices(tmp_path, ("cantonese",)).languages == ("cantonese",)
    with pytest.raises(VoiceUnavailable, match="cannot speak finnish; allowed: chinese, english"):
        try_voices(tmp_path, ("finnish",))


def test_who_is_told_sounds_speaks_the_language_of_those_sounds(tmp_path: Path) -> None:
    models.write_kitten(tmp_path)
    with pytest.raises(VoiceUnavailable, match="cannot speak chinese; allowed: english"):
        try_voices(tmp_path, ("english", "chinese"))
