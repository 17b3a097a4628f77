"""Tiny models of the families that sherpa-onnx speaks with, each as its publishers lay it out.

They do not speak: their sound tells which tokens they were given. Each token lasts `TOKEN` samples
at the usual speed, and its height is the number of the token and of the speaker.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto

from rasr.audio.writing import wav_header
from rasr.synthesis.speech import Sound
from tests.decoder.models.graph import GraphBuilder

TOKEN = 200
STEP = 0.002
"""A token's height over that of the token before it."""
SPEAKER = 0.25
"""A speaker's height over the one before; he has tokens up to 120."""

IPA = (
    "_",
    "^",
    "$",
    " ",
    ",",
    ".",
    "!",
    "?",
    *"abdefhijklmnoprstuvwxzæðŋɐɑɔəɚɛɜɡɪɹʃʊʌʒˈˌːθ",
    "1",
    "5",
)
"""Symbols of a voice that is told letters of the IPA, by their numbers."""
PINYIN = ("_", *",.? hˈloʊə", "ni2", "hao3", "chong2", "zhong4", "qing4", "shi4", "jie4")
"""Those of a voice that is told syllables, and letters of the IPA for English."""


MELS = 100
"""Features of a frame of ZipVoice."""

MANDARIN = ("_", "^", "$", " ", ".", *"abdefhijklmnopqrstuwxyzɑɕɡəɛɜʂχŋˈ12345")
"""What espeak-ng writes Mandarin with."""


def write_piper(
    folder: Path,
    *,
    described: bool = True,
    speakers: int = 1,
    accent: str = "en-us",
    symbols: Sequence[str] = IPA,
) -> Path:
    """As the release page has them with `described`, else as Piper publishes a voice itself."""
    graph = GraphBuilder()
    tokens = graph.input("input", [1, "N"], TensorProto.INT64)
    graph.input("input_lengths", [1], TensorProto.INT64)
    scales = graph.input("scales", [3])
    scale = graph.op("Slice", scales, graph.constant([1]), graph.constant([2]))
    speaker = graph.input("sid", [1], TensorProto.INT64) if speakers > 1 else None
    _tell(graph, tokens, scale, speaker)
    metadata: dict[str, object] = {}
    if described:
        metadata = {
            "model_type": "vits",
            "comment": "piper",
            "language": "English",
            "voice": accent,
            "has_espeak": 1,
            "n_speakers": speakers,
            "sample_rate": 22050,
        }
        write_tokens(folder, symbols)
    config = {
        "audio": {"sample_rate": 22050},
        "espeak": {"voice": accent},
        "num_speakers": speakers,
        "phoneme_id_map": {one: [number] for number, one in enumerate(symbols)},
    }
    (folder / "en_US-tell-low.onnx.json").write_text(json.dumps(config), "utf-8")
    graph.save(folder / "en_US-tell-low.onnx", metadata)
    return folder


def write_melo(folder: Path, **changed: object) -> Path:
    """MeloTTS, Mandarin and English: tokens with tones, by the words of a lexicon."""
    graph = GraphBuilder()
    tokens = graph.input("x", [1, "N"], TensorProto.INT64)
    graph.input("x_lengths", [1], TensorProto.INT64)
    tones = graph.input("tones", [1, "N"], TensorProto.INT64)
    graph.input("sid", [1], TensorProto.INT64)
    graph.input("noise_scale", [1])
    scale = graph.input("length_scale", [1])
    graph.input("noise_scale_w", [1])
    weighed = graph.op("Mul", tones, graph.constant(np.array(10, np.int64)))
    _tell(graph, graph.op("Add", tokens, weighed), scale, None)
    metadata = {
        "model_type": "melo-vits",
        "comment": "melo",
        "version": 2,
        "language": "Chinese + English",
        "jieba": 1,
        "add_blank": 1,
        "n_speakers": 1,
        "speaker_id": 1,
        "sample_rate": 44100,
    } | changed
    graph.save(folder / "model.onnx", metadata)
    write_tokens(folder, ("_", "n", "i", "h", "ao", ",", ".", "?", "!", "hh", "ow"))
    (folder / "lexicon.txt").write_text(
        "你 n i 3 3\n好 h ao 3 3\n母 n i 1 1\n恩 n i 1 1\nhello hh ow 7 8\na ao 7\nb n 7\n", "utf-8"
    )
    # What git leaves in the place of a large file lies in the published archive.
    (folder / "model.int8.onnx").write_text("version https://git-lfs.github.com/spec/v1\n")
    return folder


def write_lexicon_vits(folder: Path, language: str = "English") -> Path:
    """A VITS of icefall with a lexicon of its own, English, of several speakers."""
    graph = GraphBuilder()
    tokens = graph.input("tokens", [1, "N"], TensorProto.INT64)
    graph.input("tokens_lens", [1], TensorProto.INT64)
    graph.input("noise_scale", [1])
    scale = graph.input("alpha", [1])
    graph.input("noise_scale_dur", [1])
    speaker = graph.input("speaker", [1], TensorProto.INT64)
    _tell(graph, tokens, scale, speaker)
    metadata = {
        "model_type": "vits",
        "comment": "ljspeech",
        "language": language,
        "n_speakers": 3,
        "sample_rate": 16000,
    }
    graph.save(folder / "vits-tell.onnx", metadata)
    write_tokens(folder, ("_", " ", "hh", "ah", "l", "ow", "w", "er", "d", ",", "."))
    (folder / "lexicon.txt").write_text("hello hh ah l ow\nworld w er l d\n", "utf-8")
    return folder


def write_matcha(folder: Path, *, mandarin: bool = True, vocoder: bool = True) -> Path:
    """Matcha with its vocoder: Mandarin and English by a lexicon, or English by letters of IPA."""
    graph = GraphBuilder()
    tokens = graph.input("x", [1, "N"], TensorProto.INT64)
    graph.input("x_length", [1], TensorProto.INT64)
    graph.input("noise_scale", [1])
    scale = graph.input("length_scale", [1])
    told = graph.op("Squeeze", _told(graph, tokens, scale, None), graph.constant([0]))
    mel = graph.op("Expand", told, graph.constant([1, 80, 1]))
    graph.output("mel", mel, [1, 80, "T"])
    rate = 16000 if mandarin else 22050
    metadata: dict[str, object] = {
        "model_type": "matcha-tts",
        "language": "Chinese + English" if mandarin else "English",
        "voice": "zh en-us" if mandarin else "en-us",
        "n_speakers": 1,
        "sample_rate": rate,
        "pad_id": 0,
        "use_eos_bos": 0 if mandarin else 1,
        "version": 1,
        "jieba": 1 if mandarin else 0,
        "has_espeak": 0 if mandarin else 1,
    }
    if mandarin:
        metadata["is_zh_en"] = 1
    graph.save(folder / "model-steps-3.onnx", metadata)
    write_tokens(folder, PINYIN if mandarin else IPA)
    if mandarin:
        (folder / "lexicon.txt").write_text(
            "你 ni3\n好 hao3\n世界 shi4 jie4\n重庆 chong2 qing4\n重 zhong4\n", "utf-8"
        )
    if vocoder:
        write_vocoder(folder / "vocos-16khz-univ.onnx", rate)
    return folder


def write_zipvoice(folder: Path, *, lexicon: bool = True, seconds: float = 2.0) -> Path:
    """ZipVoice, which imitates a recording: it tells how many frames that has, the tokens of what
    is said in it, and those of the text."""
    graph = GraphBuilder()
    tokens = graph.input("tokens", [1, "N"], TensorProto.INT64)
    prompt = graph.input("prompt_tokens", [1, "M"], TensorProto.INT64)
    frames = graph.input("prompt_features_len", [1], TensorProto.INT64)
    speed = graph.input("speed", [1])
    row = graph.op("Unsqueeze", frames, graph.constant([0]))
    every = graph.op("Concat", row, prompt, tokens, axis=1)
    told = _told(graph, every, graph.op("Reciprocal", speed), None)
    before = graph.op("Concat", graph.constant([1, 1]), frames, axis=0)
    silence = graph.op("Expand", graph.constant(0.0), before)
    mel = graph.op("Transpose", graph.op("Concat", silence, told, axis=2), perm=[0, 2, 1])
    # The library takes its features ten times as small as they are.
    small = graph.op("Mul", mel, graph.constant(0.1))
    wide = graph.op("Expand", small, graph.constant([1, 1, MELS]))
    graph.output("text_condition", wide, [1, "F", MELS])
    graph.save(folder / "encoder.int8.onnx", {"use_espeak": 1})
    _write_flow(folder / "decoder.int8.onnx")
    _write_vocos(folder / "vocos_24khz.onnx")
    write_tokens(folder, PINYIN)
    if lexicon:
        (folder / "lexicon.txt").write_text("你好 ni2 hao3\n世 shi4\n你 ni2\n", "utf-8")
    write_prompt(folder, seconds, "你好" if lexicon else "hello")
    return folder


def _write_flow(file: Path) -> None:
    """From noise to the condition of the text, in whatever steps."""
    graph = GraphBuilder()
    time = graph.input("t", [1])
    noise = graph.input("x", [1, "F", MELS])
    condition = graph.input("text_condition", [1, "F", MELS])
    graph.input("speech_condition", [1, "F", MELS])
    graph.input("guidance_scale", [1])
    left = graph.op("Sub", graph.constant(np.ones(1, np.float32)), time)
    velocity = graph.op("Div", graph.op("Sub", condition, noise), left)
    graph.output("v", velocity, [1, "F", MELS])
    metadata = {"sample_rate": 24000, "feat_dim": MELS, "num_mels": MELS, "version": 1}
    graph.save(file, metadata | {"n_fft": 1024, "hop_length": 256, "window_length": 1024})


def _write_vocos(file: Path) -> None:
    """The mean of each frame is a sample, by way of a spectrum of nothing but its constant."""
    graph = GraphBuilder()
    mel = graph.input("mels", [1, MELS, "T"])
    mean = graph.op("ReduceMean", mel, axes=[1], keepdims=1)
    # Of a frame of 4 samples, which with their windows add up to 4/3 of what they are.
    constant = np.array([3, 0, 0], np.float32).reshape(1, 3, 1)
    magnitude = graph.op("Mul", mean, graph.constant(constant))
    nothing = graph.op("Mul", magnitude, graph.constant(0.0))
    graph.output("mag", magnitude, [1, 3, "T"])
    graph.output("x", graph.op("Add", nothing, graph.constant(1.0)), [1, 3, "T"])
    graph.output("y", nothing, [1, 3, "T"])
    metadata = {"model_type": "vocos", "sample_rate": 24000, "center": 1, "normalized": 0}
    graph.save(file, metadata | {"n_fft": 4, "hop_length": 1, "win_length": 4})


def write_supertonic(folder: Path) -> Path:
    """Supertonic: English by its letters, of two speakers; tags of the language stand around."""
    rate = 16000
    graph = GraphBuilder()
    letters = graph.input("text_ids", [1, "N"], TensorProto.INT64)
    graph.input("style_dp", [1, 1, 1])
    graph.input("text_mask", [1, 1, "N"])
    count = graph.op("Cast", graph.op("Size", letters), to=TensorProto.FLOAT)
    seconds = graph.op("Mul", count, graph.constant(TOKEN / rate))
    graph.output("duration", graph.op("Reshape", seconds, graph.constant([1])), [1])
    graph.save(folder / "duration_predictor.int8.onnx", {})

    graph = GraphBuilder()
    letters = graph.input("text_ids", [1, "N"], TensorProto.INT64)
    style = graph.input("style_ttl", [1, 1, 4])
    graph.input("text_mask", [1, 1, "N"])
    height = graph.op("Mul", graph.op("Cast", letters, to=TensorProto.FLOAT), graph.constant(STEP))
    raised = graph.op("Add", height, graph.op("ReduceMean", style, axes=[1, 2], keepdims=0))
    graph.output("text_emb", graph.op("Unsqueeze", raised, graph.constant([1])), [1, 1, "N"])
    graph.save(folder / "text_encoder.int8.onnx", {})

    graph = GraphBuilder()
    noise = graph.input("noisy_latent", [1, 1, "L"])
    told = graph.input("text_emb", [1, 1, "N"])
    graph.input("style_ttl", [1, 1, 4])
    graph.input("latent_mask", [1, 1, "L"])
    graph.input("text_mask", [1, 1, "N"])
    step = graph.input("current_step", [1])
    steps = graph.input("total_step", [1])
    sizes = [graph.op("Cast", graph.op("Size", one), to=TensorProto.FLOAT) for one in (told, noise)]
    places = graph.op("Range", graph.constant(0.0), sizes[1], graph.constant(1.0))
    among = graph.op("Mul", places, graph.op("Div", *sizes))
    index = graph.op("Cast", graph.op("Floor", among), to=TensorProto.INT64)
    target = graph.op("Gather", told, index, axis=2)
    share = graph.op("Div", graph.op("Sub", target, noise), graph.op("Sub", steps, step))
    graph.output("denoised", graph.op("Add", noise, share), [1, 1, "L"])
    graph.save(folder / "vector_estimator.int8.onnx", {})

    graph = GraphBuilder()
    latent = graph.input("latent", [1, 1, "L"])
    column = graph.op("Transpose", latent, perm=[0, 2, 1])
    long = graph.op("Expand", column, graph.constant([1, 1, TOKEN]))
    graph.output("wav", graph.op("Reshape", long, graph.constant([1, -1])), [1, "T"])
    graph.save(folder / "vocoder.int8.onnx", {})

    parts = {
        "ae": {"sample_rate": rate, "base_chunk_size": TOKEN},
        "ttl": {"chunk_compress_factor": 1, "latent_dim": 1},
    }
    (folder / "tts.json").write_text(json.dumps(parts), "utf-8")
    (folder / "unicode_indexer.bin").write_bytes(np.arange(128, dtype=np.int32).tobytes())
    styles = np.repeat(np.array([0, SPEAKER], np.float32), 4)
    shape = np.array([2, 1, 4, 2, 1, 1], np.int64)
    (folder / "voice.bin").write_bytes(shape.tobytes() + styles.tobytes() + bytes(8))
    return folder


LETTERS = ("<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *"abdefhloruwH.,")
"""Tokens of Pocket TTS: bytes, a space, letters."""


def write_pocket(folder: Path, seconds: float = 2.0) -> Path:
    """Pocket TTS, which imitates a recording: it tells how long that is, in hundredths of a second,
    and then the tokens of the text, of which the last one is said twice more."""
    wide = 1024
    graph = GraphBuilder()
    audio = graph.input("audio", [1, 1, "T"])
    samples = graph.op("Cast", graph.op("Size", audio), to=TensorProto.FLOAT)
    height = graph.op("Mul", samples, graph.constant(STEP / 240))
    graph.output(
        "embedding", graph.op("Expand", height, graph.constant([1, 1, wide])), [1, 1, wide]
    )
    graph.save(folder / "encoder.onnx", {})

    graph = GraphBuilder()
    tokens = graph.input("token_ids", [1, "N"], TensorProto.INT64)
    # Those of letters alone are low enough to be told.
    low = graph.op("Sub", tokens, graph.constant(np.array(250, np.int64)))
    height = graph.op("Mul", graph.op("Cast", low, to=TensorProto.FLOAT), graph.constant(STEP))
    column = graph.op("Unsqueeze", height, graph.constant([2]))
    graph.output(
        "embedding", graph.op("Expand", column, graph.constant([1, 1, wide])), [1, "N", wide]
    )
    graph.save(folder / "text_conditioner.onnx", {})

    graph = GraphBuilder()
    sequence = graph.input("sequence", [1, "S", 32])
    embeddings = graph.input("text_embeddings", [1, "M", wide])
    told = graph.input("told", [1, "K"])
    step = graph.input("step", [1], TensorProto.INT64)
    first = graph.op("Gather", embeddings, graph.constant(np.array(0, np.int64)), axis=2)
    more = graph.op("Concat", told, first, axis=1)
    shape = graph.op("Shape", sequence)
    next_step = graph.op("Add", step, graph.op("Gather", shape, graph.constant([1]), axis=0))
    # The first of what is told is what a state is before anything.
    last = graph.op("Sub", graph.op("Size", more), graph.constant(np.array(1, np.int64)))
    place = graph.op("Min", next_step, last)
    height = graph.op("Gather", more, place, axis=1)
    graph.output("conditioning", graph.op("Expand", height, graph.constant([1, wide])), [1, wide])
    ended = graph.op("Cast", graph.op("Equal", place, last), to=TensorProto.FLOAT)
    logit = graph.op("Sub", graph.op("Mul", ended, graph.constant(20.0)), graph.constant(10.0))
    graph.output("eos_logit", graph.op("Reshape", logit, graph.constant([1, 1])), [1, 1])
    graph.output("new_told", more, [1, "K2"])
    graph.output("new_step", next_step, [1], TensorProto.INT64)
    graph.save(folder / "lm_main.int8.onnx", {})

    graph = GraphBuilder()
    condition = graph.input("c", [1, wide])
    begin = graph.input("s", [1, 1])
    graph.input("t", [1, 1])
    noise = graph.input("x", [1, 32])
    some = graph.op("Slice", condition, graph.constant([0]), graph.constant([32]), graph.one)
    left = graph.op("Sub", graph.constant(1.0), begin)
    graph.output("v", graph.op("Div", graph.op("Sub", some, noise), left), [1, 32])
    graph.save(folder / "lm_flow.int8.onnx", {})

    graph = GraphBuilder()
    latent = graph.input("latent", [1, "C", 32])
    state = graph.input("state", [1])
    mean = graph.op("ReduceMean", latent, axes=[2], keepdims=1)
    long = graph.op("Expand", mean, graph.constant([1, 1, TOKEN]))
    graph.output("audio", graph.op("Reshape", long, graph.constant([1, 1, -1])), [1, 1, "T"])
    graph.output("new_state", state, [1])
    graph.save(folder / "decoder.int8.onnx", {})

    vocabulary = {one: number for number, one in enumerate(LETTERS)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), "utf-8")
    scores = {one: -1.0 if len(one) == 1 else -9.0 for one in vocabulary}
    (folder / "token_scores.json").write_text(json.dumps(scores), "utf-8")
    write_prompt(folder, seconds)
    return folder


def write_prompt(folder: Path, seconds: float, text: str = "你好") -> None:
    """A recording, and what is said in it."""
    times = np.arange(round(seconds * 16000)) / 16000
    samples = np.rint(8000 * np.sin(2 * np.pi * 200 * times)).astype("<i2").tobytes()
    (folder / "prompt.wav").write_bytes(wav_header(16000, len(samples)) + samples)
    (folder / "prompt.txt").write_text(text, "utf-8")


def write_vocoder(file: Path, rate: int) -> None:
    """The mean of each frame is a sample."""
    graph = GraphBuilder()
    mel = graph.input("mel", [1, 80, "T"])
    graph.output("audio", graph.op("ReduceMean", mel, axes=[1], keepdims=1), [1, 1, "T"])
    graph.save(file, {"model_type": "hifigan", "sample_rate": rate})


def write_kokoro(folder: Path, *, lexicons: bool = True, precision: str = "") -> Path:
    """Kokoro as the release page has it: Mandarin and English with lexicons, English without."""
    symbols = ("$", *IPA[3:], *"ㄋㄧㄏㄠ23")
    _write_styled(
        folder / f"model{precision}.onnx",
        symbols,
        {
            "model_type": "kokoro",
            "language": "multi-lang, e.g., English, Chinese" if lexicons else "English",
            "has_espeak": 1,
            "voice": "en-us",
            "version": 2 if lexicons else 1,
            "sample_rate": 24000,
            "n_speakers": 2,
            "style_dim": "40,1,4",
            "speaker_names": "af_one,zf_two",
        },
        style_rows=40,
    )
    if lexicons:
        (folder / "lexicon-us-en.txt").write_text("hello h ə l ˈ o ʊ\n", "utf-8")
        (folder / "lexicon-zh.txt").write_text("你好 ㄋ ㄧ 2 ㄏ ㄠ 3\n你 ㄋ ㄧ 3\n", "utf-8")
    return folder


def write_real_kokoro(weights: Path, folder: Path, *speakers: str) -> Path:
    """The weights of the catalogue's `kokoro-zh-en` as the release page lays them out, English."""
    model = onnx.load(weights / "model.onnx")
    styles = [(weights / f"{name}.bin").read_bytes() for name in speakers]
    rows = len(styles[0]) // (256 * np.dtype(np.float32).itemsize)
    metadata = {
        "model_type": "kokoro",
        "language": "English",
        "has_espeak": "1",
        "voice": "en-us",
        "version": "1",
        "sample_rate": "24000",
        "n_speakers": str(len(speakers)),
        "style_dim": f"{rows},1,256",
        "speaker_names": ",".join(speakers),
    }
    onnx.helper.set_model_props(model, metadata)
    onnx.save(model, folder / "model.int8.onnx")
    (folder / "voices.bin").write_bytes(b"".join(styles))
    symbols = json.loads((weights / "vocab.json").read_text("utf-8"))["vocab"]
    lines = (f"{symbol} {number}\n" for symbol, number in symbols.items())
    (folder / "tokens.txt").write_text("".join(lines), "utf-8")
    return folder


def write_kitten(folder: Path) -> Path:
    """KittenTTS: English by letters of the IPA; half precision is the only one."""
    _write_styled(
        folder / "model.fp16.onnx",
        ("$", *IPA[3:]),
        {
            "model_type": "kitten-tts",
            "language": "English",
            "has_espeak": 1,
            "voice": "en-us",
            "version": 1,
            "sample_rate": 24000,
            "n_speakers": 2,
            "style_dim": "1,4",
            "max_token_len": 40,
            "speaker_names": "expr-voice-2-m,expr-voice-2-f",
        },
        style_rows=1,
    )
    return folder


def write_tokens(folder: Path, symbols: Sequence[str]) -> None:
    lines = (f"{symbol} {number}\n" for number, symbol in enumerate(symbols))
    (folder / "tokens.txt").write_text("".join(lines), "utf-8")


def tokens_in(sound: Sound, level: float = 1.0) -> list[int]:
    """The numbers of the tokens that a sound at the usual speed tells, of which none is 0.

    A sound begins and ends with tokens of some height, and all between them is as it was made.
    """
    heights = sound.samples[TOKEN // 2 :: TOKEN] / (32767 * level * STEP)
    return [round(float(one)) for one in heights]


def _write_styled(
    file: Path, symbols: Sequence[str], metadata: Mapping[str, object], style_rows: int
) -> None:
    """A style of the speaker raises what is told; it is faster as it is told."""
    graph = GraphBuilder()
    tokens = graph.input("tokens", [1, "N"], TensorProto.INT64)
    style = graph.input("style", [1, 4])
    speed = graph.input("speed", [1])
    told = _told(graph, tokens, graph.op("Reciprocal", speed), None)
    raised = graph.op("Add", told, graph.op("ReduceMean", style, axes=[1], keepdims=1))
    graph.output("audio", graph.op("Reshape", raised, graph.constant([-1])), ["T"])
    graph.save(file, metadata)
    write_tokens(file.parent, symbols)
    styles = np.repeat(np.array([0, SPEAKER], np.float32), style_rows * 4)
    (file.parent / "voices.bin").write_bytes(styles.tobytes())


def _tell(graph: GraphBuilder, tokens: str, scale: str, speaker: str | None) -> None:
    graph.output("y", _told(graph, tokens, scale, speaker), [1, 1, "T"])


def _told(graph: GraphBuilder, tokens: str, scale: str, speaker: str | None) -> str:
    """Each token for so long as the scale says, (1, 1, T)."""
    heights = graph.op("Mul", graph.op("Cast", tokens, to=TensorProto.FLOAT), graph.constant(STEP))
    if speaker is not None:
        raised = graph.op("Cast", speaker, to=TensorProto.FLOAT)
        heights = graph.op("Add", heights, graph.op("Mul", raised, graph.constant(SPEAKER)))
    long = graph.op("Mul", scale, graph.constant(float(TOKEN)))
    length = graph.op("Cast", graph.op("Round", long), to=TensorProto.INT64)
    shape = graph.op("Concat", graph.constant([1, 1]), length, axis=0)
    column = graph.op("Unsqueeze", heights, graph.constant([2]))
    return graph.op("Reshape", graph.op("Expand", column, shape), graph.constant([1, 1, -1]))
