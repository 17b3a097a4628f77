"""Which voices a folder holds: told from the names of its files and the metadata of its graphs.

Names as the published archives have them; Piper's voices also as Piper publishes them itself,
NAME.onnx and NAME.onnx.json, whose graphs say nothing about themselves.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from decoder.sherpa.graphs import Graph, read_graph
from rasr.synthesis.engines.sherpa.families import Family, FrontEnd
from rasr.synthesis.engines.sherpa.folder_files import (
    best,
    lacks_vocoder,
    lexicons_in,
    spoken_languages,
    symbols_of,
    tokens_file,
)
from rasr.synthesis.engines.sherpa.in_parts import pocket, supertonic, zipvoice
from rasr.synthesis.engines.sherpa.voice_model import VoiceModel
from rasr.synthesis.errors import VoiceUnavailable

_OF_PARTS = (
    # The first one has an encoder, too.
    ("lm_flow", pocket),
    ("encoder", zipvoice),
    ("duration_predictor", supertonic),
)
"""How the name of a graph begins that tells a family of several graphs."""
_VOCODER = re.compile(r"(vocos|hifigan|vocoder).*\.onnx")
_VOCODERS = {16000: "vocos-16khz-univ.onnx", 22050: "vocos-22khz-univ.onnx"}


def read_voice_model(folder: Path, languages: Sequence[str] = ()) -> VoiceModel:
    """What a folder holds.

    Args:
        languages: what its voices speak, for models that do not say it.

    Raises:
        VoiceUnavailable: no voices, or such as cannot be served; the text says why.
        EngineUnavailable: a graph cannot be read.
    """
    if not folder.is_dir():
        raise VoiceUnavailable(f"there is no folder {folder}")
    graphs = sorted(folder.glob("*.onnx"))
    for start, read in _OF_PARTS:
        if any(path.name.startswith(start) for path in graphs):
            return read(folder, languages)
    vocoders = [path for path in graphs if _VOCODER.fullmatch(path.name)]
    path = best(folder, [path for path in graphs if path not in vocoders])
    graph = read_graph(path)
    config = path.with_name(f"{path.name}.json")
    if not graph.metadata.get("model_type") and config.is_file():
        return _as_piper_publishes(path, config, languages)
    if (folder / "voices.bin").is_file():
        return _styled(graph, languages)
    if graph.metadata.get("model_type", "").startswith("matcha"):
        return _matcha(graph, vocoders, languages)
    return _vits(graph, languages)


def _vits(graph: Graph, languages: Sequence[str]) -> VoiceModel:
    folder, metadata = graph.path.parent, graph.metadata
    graph.need(("comment", "language", "n_speakers", "sample_rate"), Family.VITS)
    comment = metadata["comment"]
    family = Family.PIPER if "piper" in comment else Family.VITS
    lexicons: tuple[Path, ...] = ()
    if metadata.get("frontend") == "characters" or (lexicons := lexicons_in(folder, "lexicon.txt")):
        front_end = FrontEnd.LIBRARY
    elif any(one in comment for one in ("piper", "coqui", "icefall", "inflect")):
        front_end = FrontEnd.PHONES
    else:
        raise VoiceUnavailable(
            f"the voice in {folder} lacks its lexicon.txt, which makes tokens of words; "
            "pull the model again"
        )
    return _told(graph, family, front_end, {"model": graph.path}, lexicons, languages)


def _matcha(graph: Graph, vocoders: Sequence[Path], languages: Sequence[str]) -> VoiceModel:
    folder, metadata = graph.path.parent, graph.metadata
    graph.need(("n_speakers", "sample_rate"), Family.MATCHA)
    if not vocoders:
        name = _VOCODERS.get(graph.integer("sample_rate"), "vocos…onnx")
        raise VoiceUnavailable(lacks_vocoder(folder, name))
    lexicons = lexicons_in(folder)
    if not lexicons and metadata.get("has_espeak") != "1":
        raise VoiceUnavailable(
            f"the voice in {folder} lacks its lexicon.txt, which makes tokens of words; "
            "pull the model again"
        )
    front_end = FrontEnd.LEXICON if lexicons else FrontEnd.PHONES
    parts = {"acoustic_model": graph.path, "vocoder": best(folder, vocoders)}
    return _told(graph, Family.MATCHA, front_end, parts, lexicons, languages)


def _styled(graph: Graph, languages: Sequence[str]) -> VoiceModel:
    """Kokoro and KittenTTS, whose speakers are styles in a file of their own."""
    folder = graph.path.parent
    kitten = graph.metadata.get("model_type") == "kitten-tts"
    family = Family.KITTEN if kitten else Family.KOKORO
    graph.need(("n_speakers", "sample_rate", "style_dim"), family)
    parts = {"model": graph.path, "voices": folder / "voices.bin"}
    lexicons = () if kitten else lexicons_in(folder)
    front_end = FrontEnd.LEXICON if lexicons else FrontEnd.PHONES
    found = _told(graph, family, front_end, parts, lexicons, languages)
    if kitten:
        # A beginning, an end and a pad are counted, too.
        most = graph.integer("max_token_len") - 3 if "max_token_len" in graph.metadata else None
        return replace(found, most_tokens=most)
    rows = graph.metadata["style_dim"].split(",")[0]
    if not rows.isdecimal() or int(rows) < 2:
        raise VoiceUnavailable(
            f"{graph.path}: metadata 'style_dim' is {graph.metadata['style_dim']!r}; allowed: "
            "three whole numbers, of which the first is 2 or more"
        )
    return replace(found, most_tokens=int(rows) - 1)


def _as_piper_publishes(path: Path, config: Path, languages: Sequence[str]) -> VoiceModel:
    try:
        known: Mapping[str, Any] = json.loads(config.read_text("utf-8"))
        rate = int(known["audio"]["sample_rate"])
        speakers = int(known.get("num_speakers", 1))
        accent = str(known["espeak"]["voice"])
        symbols = {str(one): int(ids[0]) for one, ids in known["phoneme_id_map"].items()}
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise VoiceUnavailable(f"{config} does not describe a voice of Piper: {error!r}") from error
    return VoiceModel(
        folder=path.parent,
        family=Family.PIPER,
        front_end=FrontEnd.PHONES,
        graphs={"model": path},
        languages=spoken_languages(path.parent, FrontEnd.PHONES, "", accent, languages),
        rate=rate,
        speakers=tuple(str(number) for number in range(max(speakers, 1))),
        tokens=None,
        accent=accent,
        symbols=symbols,
        described={
            "model_type": "vits",
            "comment": "piper",
            "language": "as voice says",
            "voice": accent,
            "has_espeak": "1",
            "n_speakers": str(speakers),
            "sample_rate": str(rate),
        },
    )


def _told(
    graph: Graph,
    family: Family,
    front_end: FrontEnd,
    parts: Mapping[str, Path],
    lexicons: tuple[Path, ...],
    languages: Sequence[str],
) -> VoiceModel:
    """What every graph with metadata tells alike."""
    folder, metadata = graph.path.parent, graph.metadata
    tokens = tokens_file(folder)
    count = max(graph.integer("n_speakers"), 1)
    names = tuple(one for one in metadata.get("speaker_names", "").split(",") if one)
    said = metadata.get("language", "").lower().replace("mandarin", "chinese")
    if any("zh" in one.name for one in lexicons) or (not said and metadata.get("jieba") == "1"):
        said += " chinese"
    accent = metadata.get("voice", "en-us")
    return VoiceModel(
        folder=folder,
        family=family,
        front_end=front_end,
        graphs=parts,
        languages=spoken_languages(folder, front_end, said, accent, languages),
        rate=graph.integer("sample_rate"),
        speakers=names if len(names) == count else tuple(str(one) for one in range(count)),
        tokens=tokens,
        lexicons=lexicons,
        accent=accent if accent.startswith("en") else "en-us",
        symbols=symbols_of(tokens),
    )
