"""What offline model a folder holds, and whether its files belong together.

What sherpa-onnx does not check itself, or answers by ending the process, is refused here with a
sentence. What a file leaves open is left to `preflight`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from decoder.engine import AS_PEOPLE_DO, Writing
from decoder.errors import EngineUnavailable
from decoder.languages import LANGUAGE_NAMES, split_languages
from decoder.sherpa.graphs import Graph, read_graph
from decoder.sherpa.model import sample_rate_of
from decoder.sherpa.offline.families import (
    TRAITS,
    Detection,
    Family,
    Table,
    Traits,
    family_of_encoder,
    family_of_one_file,
    is_streaming,
)
from decoder.sherpa.offline.folder import OfflineFiles, family_by_names, find_offline_files
from decoder.sherpa.offline.options import SherpaOfflineOptions
from decoder.sherpa.offline.writing import writing_of
from decoder.sherpa.options import ModelOptions
from decoder.sherpa.vocabulary import Vocabulary, decoded_base64, read_vocabulary

_BLANKS = frozenset({"<blk>", "<eps>", "<blank>"})
_TIMED_PARAFORMER_OUTPUTS = 4
"""Logits, counts, weights of the frames, and where each word fires."""
_TIMED_WHISPER_OUTPUTS = 4
"""Logits, two caches, and what the decoder looked at."""
_SENSE_VOICE_LANGUAGES = ("zh", "yue", "en", "ja", "ko")
_SENSE_VOICE = (
    *("with_itn", "without_itn", "lang_auto", "neg_mean", "inv_stddev"),
    *(f"lang_{code}" for code in _SENSE_VOICE_LANGUAGES),
)
"""What its metadata must hold, but for the CTC part of FunASR-Nano."""
_COHERE_LANGUAGES = (
    *("ar", "de", "el", "en", "es", "fr", "it"),
    *("ja", "ko", "nl", "pl", "pt", "vi", "zh"),
)
"""`IsValidCohereTranscribeLanguage` in sherpa-onnx's C++ code."""
_QWEN3_LANGUAGES = (
    *("zh", "en", "yue", "ar", "de", "fr", "es", "pt", "id", "it", "ko", "ru", "th", "vi", "ja"),
    *("tr", "hi", "ms", "nl", "sv", "da", "fi", "pl", "cs", "fa", "el", "hu", "mk", "ro"),
)
"""As its model card has them, but for Filipino, whose code is not Whisper's; it is told their
English names."""
_FUNASR_LANGUAGES = {"chinese": "中文", "english": "英文", "japanese": "日文"}
"""As its model card has them: the prompt is Chinese."""


@dataclass(frozen=True, slots=True)
class OfflineModel:
    """One model, as far as it must be known to load it and to read its results."""

    family: Family
    files: OfflineFiles
    sample_rate: int
    """Hz of the audio that it takes."""
    feature_dim: int
    told: str
    """The language that it is told, as it writes it; empty: none."""
    languages: tuple[str, ...]
    detects_language: bool
    writing: Writing
    word_times: bool

    @property
    def traits(self) -> Traits:
        """What is known of its family."""
        return TRAITS[self.family]

    @property
    def place(self) -> str:
        """What a sentence calls it: its family and its folder."""
        return f"the {self.family} model in {self.files.folder}"


def read_offline_model(options: SherpaOfflineOptions) -> tuple[OfflineModel, Vocabulary | None]:
    """The model that `options` name, examined, and its symbols.

    The symbols are None where its results say no times and its tokens are parts of letters: its
    words are those of the text.

    Raises:
        EngineUnavailable: something is missing or does not fit; the text names file and cure.
    """
    files = find_offline_files(options)
    graph = None if _without_metadata(files) else read_graph(_main_file(files))
    family = files.layout.family or _family(files, graph)
    traits = TRAITS[family]
    if graph is not None:
        own = _SENSE_VOICE if family is Family.SENSE_VOICE and not _is_of_funasr(graph) else ()
        graph.need((*traits.needed, *own), family)
    vocabulary = None if traits.table is Table.NONE else read_vocabulary(files.table)
    word_times = _word_times(family, files, graph)
    known = _languages(family, graph, vocabulary)
    told = _told(options.language, family, files, known)
    said = split_languages(options.languages) or _of_metadata(graph)
    model = OfflineModel(
        family,
        files,
        8000 if family is Family.TDNN else sample_rate_of(graph),
        _feature_dim(family, graph),
        told,
        said or ((options.language,) if told else _only_language(family, graph)),
        _detects(family, graph) and not told,
        _writing(family, vocabulary),
        word_times,
    )
    if vocabulary is None:
        return model, None
    _check_symbols(model, graph, vocabulary)
    if traits.table is Table.BASE64:
        letters = decoded_base64(vocabulary, files.table)
        return model, letters if word_times else None
    return model, vocabulary


def is_offline(folder: Path) -> bool:
    """True if a folder holds an offline model; False also where that cannot be told."""
    try:
        if family_by_names(folder) is not None:
            return True
        files = find_offline_files(ModelOptions(model=str(folder)))
        _family(files, read_graph(_main_file(files)))
    except EngineUnavailable:
        return False
    return True


def _without_metadata(files: OfflineFiles) -> bool:
    return files.layout.family not in (None, Family.WHISPER)


def _main_file(files: OfflineFiles) -> Path:
    return files.graphs.get("encoder") or files.graphs["model"]


def _family(files: OfflineFiles, graph: Graph | None) -> Family:
    """The family of files whose names leave it open."""
    assert graph is not None
    if is_streaming(graph.metadata):
        raise EngineUnavailable(
            f"{graph.path} is of a streaming model; set the engine's kind to sherpa-onnx, or "
            "choose an offline model"
        )
    if "joiner" in files.graphs:
        # NeMo's decoder hands its state on, beside what it gives to the joiner.
        stateful = len(read_graph(files.graphs["decoder"]).outputs) > 1
        return Family.NEMO_TRANSDUCER if stateful else Family.TRANSDUCER
    if "encoder" in files.graphs:
        family = family_of_encoder(graph.metadata)
        allowed = "NeMo Canary, Cohere Transcribe, FireRed, Whisper; a transducer has a joiner…onnx"
    else:
        family = family_of_one_file(graph.metadata)
        allowed = (
            "paraformer, SenseVoice, Dolphin, TeleSpeech, Omnilingual, MedASR, TDNN, and CTC "
            "models of zipformer, NeMo, WeNet and FireRed"
        )
    if family is None:
        kind = graph.metadata.get("model_type", "none")
        raise EngineUnavailable(
            f"{graph.path} is no offline model that is known here (its model_type: {kind}); "
            f"allowed: {allowed}; pull the model again, or choose another one"
        )
    return family


def _word_times(family: Family, files: OfflineFiles, graph: Graph | None) -> bool:
    if family is Family.PARAFORMER:
        assert graph is not None
        return len(graph.outputs) >= _TIMED_PARAFORMER_OUTPUTS
    if family is Family.WHISPER:
        return len(read_graph(files.graphs["decoder"]).outputs) >= _TIMED_WHISPER_OUTPUTS
    return TRAITS[family].times


def _multilingual(graph: Graph | None) -> bool:
    return graph is not None and graph.integer("is_multilingual") != 0


def _languages(
    family: Family, graph: Graph | None, vocabulary: Vocabulary | None
) -> Mapping[str, str]:
    """The languages that a model can be told: by name, what it writes for each."""
    codes: tuple[str, ...] = ()
    match family:
        case Family.FUNASR_NANO:
            return _FUNASR_LANGUAGES
        case Family.QWEN3_ASR:
            return {LANGUAGE_NAMES[code]: LANGUAGE_NAMES[code].title() for code in _QWEN3_LANGUAGES}
        case Family.SENSE_VOICE if not _is_of_funasr(graph):
            codes = _SENSE_VOICE_LANGUAGES
        case Family.COHERE:
            codes = _COHERE_LANGUAGES
        case Family.CANARY:
            assert vocabulary is not None
            found = (re.fullmatch(r"<\|([a-z]{2})\|>", one) for one in vocabulary.symbols.values())
            codes = tuple(code[1] for code in found if code)
        case Family.WHISPER if _multilingual(graph):
            assert graph is not None
            graph.need(("all_language_codes", "all_language_tokens"), family)
            codes = tuple(graph.metadata["all_language_codes"].split(","))
        case Family.WHISPER:
            codes = ("en",)
        case _:
            pass
    return {LANGUAGE_NAMES.get(code, code): code for code in codes}


def _is_of_funasr(graph: Graph | None) -> bool:
    """FunASR-Nano's CTC part comes as a SenseVoice model, without its languages and tags."""
    return graph is not None and "Nano" in graph.metadata.get("comment", "")


def _told(language: str, family: Family, files: OfflineFiles, known: Mapping[str, str]) -> str:
    place = f"the {family} model in {files.folder}"
    there = ", ".join(sorted(known))
    if not language:
        if TRAITS[family].detection is Detection.NEVER:
            raise EngineUnavailable(
                f"{place} does not find out which language is spoken; set the option language to "
                f"one of: {there}"
            )
        return ""
    if not known:
        raise EngineUnavailable(
            f"{place} cannot be told the language, but the option language is {language!r}; "
            "leave it out"
        )
    if language not in known:
        raise EngineUnavailable(
            f"{place} does not know the language {language!r}; set the option language to one of: "
            f"{there}"
        )
    return known[language]


def _detects(family: Family, graph: Graph | None) -> bool:
    if family is Family.WHISPER:
        return _multilingual(graph)
    return TRAITS[family].detection in (Detection.ALONE, Detection.IF_UNTOLD)


def _only_language(family: Family, graph: Graph | None) -> tuple[str, ...]:
    """Of a model whose family knows one language alone."""
    english = family is Family.MEDASR or (family is Family.WHISPER and not _multilingual(graph))
    return ("english",) if english else ()


def _of_metadata(graph: Graph | None) -> tuple[str, ...]:
    listed = graph.metadata.get("languages", "") if graph is not None else ""
    return split_languages(listed.replace(" ", ","))


def _feature_dim(family: Family, graph: Graph | None) -> int:
    """Bins of the spectrum; 0 where sherpa-onnx knows it from the family or the metadata."""
    match family:
        case Family.TRANSDUCER | Family.ZIPFORMER_CTC | Family.WENET_CTC:
            return _at(graph, 2, 80)
        case Family.NEMO_TRANSDUCER | Family.NEMO_CTC:
            return _at(graph, 1, 80)
        case Family.PARAFORMER | Family.SENSE_VOICE:
            assert graph is not None
            return _at(graph, 2, 560) // graph.integer("lfr_window_size")
        case _:
            return 0


def _at(graph: Graph | None, axis: int, default: int) -> int:
    assert graph is not None
    return graph.input_size(axis, default)


def _writing(family: Family, vocabulary: Vocabulary | None) -> Writing:
    traits = TRAITS[family]
    if vocabulary is None or traits.table is Table.BASE64:
        return AS_PEOPLE_DO
    written = writing_of(vocabulary)
    if family is Family.CANARY:
        # It is asked for marks and not for numbers in digits.
        return replace(written, digits=False)
    return written


def _check_symbols(model: OfflineModel, graph: Graph | None, vocabulary: Vocabulary) -> None:
    """Refuse symbols that are another model's, where it is known how many there must be."""
    table, family = model.files.table, model.family
    if model.traits.table is Table.CTC and _BLANKS.isdisjoint(vocabulary.symbols.values()):
        raise EngineUnavailable(
            f"{table} has no blank, which is {', '.join(sorted(_BLANKS))}; pull the model again"
        )
    match family:
        case Family.TRANSDUCER:
            decoder = read_graph(model.files.graphs["decoder"])
            decoder.need(("vocab_size", "context_size"), f"{family}'s decoder")
            vocabulary.fit(decoder.integer("vocab_size"), table)
        case Family.NEMO_TRANSDUCER | Family.NEMO_CTC:
            assert graph is not None
            # NeMo does not count the blank.
            vocabulary.fit(graph.integer("vocab_size") + 1, table)
        case Family.PARAFORMER | Family.SENSE_VOICE | Family.WENET_CTC | Family.CANARY:
            assert graph is not None
            vocabulary.fit(graph.integer("vocab_size"), table)
        case Family.ZIPFORMER_CTC:
            assert graph is not None
            size = graph.outputs[0][-1] if graph.outputs[0] else None
            if size is not None:
                vocabulary.fit(size, table)
        case _:
            pass
