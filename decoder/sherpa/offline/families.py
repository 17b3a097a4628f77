"""The families of offline models that sherpa-onnx reads, and what is known of each.

There is one for each function `OfflineRecognizer.from_…` of sherpa-onnx 2.0.1, and two for
`from_transducer`. Sources: that package's `offline_recognizer.py`, and `offline-*-model.cc` and
`offline-recognizer-*-impl.h` of its C++ code, which read the ONNX metadata and end the process
where an entry is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from decoder.sherpa.families import family_of_one_file as streaming_family


class Family(StrEnum):
    """A family of offline models; the value is what a person calls such a model."""

    TRANSDUCER = "transducer"
    NEMO_TRANSDUCER = "NeMo transducer"
    PARAFORMER = "paraformer"
    SENSE_VOICE = "SenseVoice"
    WHISPER = "Whisper"
    MOONSHINE = "Moonshine"
    MOONSHINE_V2 = "Moonshine v2"
    CANARY = "NeMo Canary"
    COHERE = "Cohere Transcribe"
    FIRE_RED = "FireRed AED"
    QWEN3_ASR = "Qwen3-ASR"
    FUNASR_NANO = "FunASR-Nano"
    NEMO_CTC = "NeMo CTC"
    ZIPFORMER_CTC = "zipformer CTC"
    WENET_CTC = "WeNet CTC"
    FIRE_RED_CTC = "FireRed CTC"
    DOLPHIN = "Dolphin CTC"
    TELESPEECH = "TeleSpeech CTC"
    OMNILINGUAL = "Omnilingual CTC"
    MEDASR = "MedASR CTC"
    TDNN = "TDNN"


class Table(Enum):
    """What the `tokens.txt` of a family is."""

    SYMBOLS = auto()
    """Each line has a symbol as it is written."""
    CTC = auto()
    """The same, and one of the symbols is the blank."""
    BASE64 = auto()
    """Each line has the bytes of a symbol in base64. One alone may be a part of a letter."""
    NONE = auto()
    """A folder with a tokenizer stands in its place."""


class HotWords(Enum):
    """How a family takes hot words."""

    NO = auto()
    SEARCH = auto()
    """A beam search prefers their tokens."""
    PROMPT = auto()
    """The model is told them in words."""


class Detection(Enum):
    """How a family comes to know which language is spoken."""

    NONE = auto()
    """It knows what it was trained on, and cannot be told."""
    ALONE = auto()
    """It finds out, and cannot be told."""
    IF_UNTOLD = auto()
    """It finds out unless it is told."""
    NEVER = auto()
    """It has to be told."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What is known of a family before one of its models is looked at."""

    factory: str
    """The function of `OfflineRecognizer`."""
    needed: tuple[str, ...] = ()
    """What the metadata of the encoder, or of the one file, must hold."""
    table: Table = Table.SYMBOLS
    times: bool = False
    """It says when each token was said. Paraformers and Whisper models may, see `model`."""
    longest_s: int | None = 60
    """The longest utterance that it reads well. 60 where nobody has published a limit, because the
    memory of attention grows with the square of the length; None where there is no attention."""
    detection: Detection = Detection.NONE
    hot_words: HotWords = HotWords.NO
    keeps_state: bool = False
    """Its recogniser changes something of its own while it decodes, so that one thread at a time
    may use it."""


_CMVN = ("cmvn_mean", "cmvn_inv_stddev")
_LFR = ("vocab_size", "lfr_window_size", "lfr_window_shift")

TRAITS: Mapping[Family, Traits] = {
    Family.TRANSDUCER: Traits("from_transducer", times=True, hot_words=HotWords.SEARCH),
    Family.NEMO_TRANSDUCER: Traits(
        "from_transducer",
        ("vocab_size", "subsampling_factor", "pred_rnn_layers", "pred_hidden"),
        times=True,
        hot_words=HotWords.SEARCH,
    ),
    Family.PARAFORMER: Traits("from_paraformer", (*_LFR, "neg_mean", "inv_stddev")),
    # 30 s: what its authors cut recordings to.
    Family.SENSE_VOICE: Traits(
        "from_sense_voice",
        (*_LFR, "normalize_samples"),
        times=True,
        longest_s=30,
        detection=Detection.IF_UNTOLD,
    ),
    # It is given windows of 30 s, and sherpa-onnx drops what is beyond 29.5 s.
    Family.WHISPER: Traits(
        "from_whisper",
        (
            "n_mels",
            "n_text_layer",
            "n_text_ctx",
            "n_text_state",
            "n_vocab",
            "sot",
            "eot",
            "blank_id",
            "translate",
            "transcribe",
            "is_multilingual",
            "no_timestamps",
            "no_speech",
            "sot_sequence",
        ),
        table=Table.BASE64,
        longest_s=29,
        detection=Detection.IF_UNTOLD,
        # Each decoding writes the configuration of the one decoder that all share.
        keeps_state=True,
    ),
    # 30 s: the longest that its authors trained it on.
    Family.MOONSHINE: Traits("from_moonshine", table=Table.BASE64, longest_s=30),
    Family.MOONSHINE_V2: Traits("from_moonshine_v2", table=Table.BASE64, longest_s=30),
    # 40 s: the longest that its authors trained it on.
    Family.CANARY: Traits(
        "from_nemo_canary",
        ("vocab_size", "subsampling_factor", "feat_dim"),
        longest_s=40,
        detection=Detection.NEVER,
    ),
    # 35 s: what its authors cut recordings to.
    Family.COHERE: Traits("from_cohere_transcribe", longest_s=35, detection=Detection.NEVER),
    Family.FIRE_RED: Traits(
        "from_fire_red_asr",
        ("num_decoder_layers", "num_head", "head_dim", "sos", "eos", "max_len", *_CMVN),
    ),
    # Its cache has room for 512 tokens, of which 128 are the text; a second of audio takes 13.
    Family.QWEN3_ASR: Traits(
        "from_qwen3_asr",
        table=Table.NONE,
        longest_s=25,
        detection=Detection.IF_UNTOLD,
        hot_words=HotWords.PROMPT,
        keeps_state=True,
    ),
    Family.FUNASR_NANO: Traits(
        "from_funasr_nano",
        table=Table.NONE,
        longest_s=30,
        detection=Detection.IF_UNTOLD,
        hot_words=HotWords.PROMPT,
        keeps_state=True,
    ),
    Family.NEMO_CTC: Traits(
        "from_nemo_ctc", ("vocab_size", "subsampling_factor"), Table.CTC, times=True
    ),
    Family.ZIPFORMER_CTC: Traits("from_zipformer_ctc", table=Table.CTC, times=True),
    Family.WENET_CTC: Traits(
        "from_wenet_ctc", ("vocab_size", "subsampling_factor"), Table.CTC, times=True
    ),
    Family.FIRE_RED_CTC: Traits("from_fire_red_asr_ctc", _CMVN, Table.CTC, times=True),
    # 30 s: what its authors pad utterances to.
    Family.DOLPHIN: Traits(
        "from_dolphin_ctc",
        ("vocab_size", "mean", "invstd"),
        Table.CTC,
        times=True,
        longest_s=30,
        detection=Detection.ALONE,
    ),
    Family.TELESPEECH: Traits("from_telespeech_ctc", table=Table.CTC, times=True),
    # 40 s: the longest that its authors take.
    Family.OMNILINGUAL: Traits(
        "from_omnilingual_asr_ctc",
        table=Table.CTC,
        times=True,
        longest_s=40,
        detection=Detection.ALONE,
    ),
    Family.MEDASR: Traits("from_medasr_ctc", ("vocab_size",), Table.CTC, times=True),
    Family.TDNN: Traits("from_tdnn_ctc", ("vocab_size",), Table.CTC, times=True, longest_s=None),
}

_ONE_FILE: Mapping[str, Family] = {
    "paraformer": Family.PARAFORMER,
    "sense_voice_ctc": Family.SENSE_VOICE,
    "EncDecCTCModel": Family.NEMO_CTC,
    "EncDecCTCModelBPE": Family.NEMO_CTC,
    "EncDecHybridRNNTCTCBPEModel": Family.NEMO_CTC,
    "zipformer2_ctc": Family.ZIPFORMER_CTC,
    "wenet_ctc": Family.WENET_CTC,
    "fire-red-asr-2-ctc": Family.FIRE_RED_CTC,
    "telespeech_ctc": Family.TELESPEECH,
    "omnilingual-asr": Family.OMNILINGUAL,
    "medasr_ctc": Family.MEDASR,
    "tdnn": Family.TDNN,
}
"""The `model_type` that the exports of a family write."""


def family_of_one_file(metadata: Mapping[str, str]) -> Family | None:
    """The family of a model in one file, by its metadata; None: of none."""
    # Dolphin's model_type differs from release to release.
    if {"mean", "invstd"} <= metadata.keys():
        return Family.DOLPHIN
    return _ONE_FILE.get(metadata.get("model_type", ""))


def family_of_encoder(metadata: Mapping[str, str]) -> Family | None:
    """The family of a model with an encoder and a decoder; None: of none."""
    kind = metadata.get("model_type", "")
    if kind == "EncDecMultiTaskModel":
        return Family.CANARY
    if "cohere-transcribe" in kind:
        return Family.COHERE
    if kind.startswith("whisper"):
        return Family.WHISPER
    if {"num_decoder_layers", "cmvn_mean"} <= metadata.keys():
        return Family.FIRE_RED
    return None


def is_streaming(metadata: Mapping[str, str]) -> bool:
    """True if a file, or an encoder, belongs to a streaming model: it tells of chunks or caches."""
    chunked = {"decode_chunk_len", "cache_last_channel_dim1", "decoder_num_blocks"}
    return streaming_family(metadata) is not None or not chunked.isdisjoint(metadata)
