"""Which model serves what, and why not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from rasr.configuration import Configuration, ConfigurationError, load
from rasr.models.install import install
from rasr.models.serving import english_advice, with_bundled, with_models
from rasr.models.store import Store
from rasr.models.voices import voices_here
from rasr.recognition.config import EngineChoice
from rasr.server.engines import PropertyTable
from rasr.settings import PropertySettings, live_engine
from rasr.wire.sis.properties import Property
from tests.decoder.models.offline import write_offline_transducer
from tests.decoder.models.transducer import write_lstm
from tests.models.archives import STEM, release, written
from tests.models.conftest import Quiet, make_model, make_store, put

BOTH = make_model(name="both")
MANDARIN = make_model(name="mandarin", languages=("chinese",), archive="mandarin.tar.bz2")
CANTONESE = make_model(
    name="cantonese-too", languages=("cantonese", "chinese", "sichuan"), archive="c.tar.bz2"
)
ENGLISH = make_model(name="english-only", languages=("english",), archive="e.tar.bz2")
OFFLINE = make_model(
    name="later", kind="offline", engine="sherpa-onnx-offline", archive="l.tar.bz2"
)
DIALECT = make_model(
    name="wu",
    kind="offline",
    engine="sherpa-onnx-offline",
    languages=("shanghai", "chinese"),
    archive="w.tar.bz2",
)
WHISPER = make_model(
    name="everything",
    kind="offline",
    engine="whisper",
    languages=("thai", "english"),
    archive="e.tar.bz2",
)
DEFAULT = make_model(
    name="usual",
    kind="offline",
    engine="moonshine",
    default=True,
    languages=("english",),
    archive="u.tar.bz2",
)
VOICE = make_model(
    name="speaker",
    kind="voice",
    engine="kokoro",
    rate=24000,
    languages=("chinese", "japanese"),
    speakers=[
        {"name": "zf", "variant": "zf_a", "languages": ("chinese",), "gender": "female"},
        {
            "name": "kid",
            "variant": "k",
            "languages": ("japanese",),
            "gender": "male",
            "age": "child",
        },
    ],
    archive="v.tar.bz2",
)
WHO_SPEAKS = make_model(
    name="diarization",
    kind="diarization",
    engine="sherpa-onnx-diarization",
    archive="d.tar.bz2",
    files=("encoder.int8.onnx",),
    beside=[{"name": "tokens.txt", "page": "speaker-recongition-models"}],
)
TINY = make_model(name="tiny", bundled=True, archive=None, options={"search": "beam"})
ALL = (
    VOICE,
    WHO_SPEAKS,
    OFFLINE,
    DIALECT,
    WHISPER,
    DEFAULT,
    MANDARIN,
    BOTH,
    CANTONESE,
    ENGLISH,
    TINY,
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = make_store(tmp_path, *ALL)
    put(store, TINY)
    return store


def resolved(
    store: Store, *requests: str, document: str = "", environ: dict[str, str] | None = None
) -> Configuration:
    file = written(store.folder.parent / "rasr.toml", document.encode()) if document else None
    return with_models(load(file, environ or {}, {}), requests, store)


def mistakes(
    store: Store, *requests: str, document: str = "", environ: dict[str, str] | None = None
) -> Sequence[str]:
    with pytest.raises(ConfigurationError) as caught:
        resolved(store, *requests, document=document, environ=environ)
    return caught.value.mistakes


def folders(configuration: Configuration) -> dict[str, str]:
    """Engines of models → their folder's name."""
    return {
        name: Path(str(engine.options["model"])).name
        for name, engine in configuration.settings.engines.items()
        if engine.kind == "sherpa-onnx"
    }


def test_without_models_everything_is_as_it_was(store: Store) -> None:
    before = load(None, {}, {})
    after = resolved(store)
    assert after.settings == before.settings
    assert after.origins == before.origins


def test_installed_models_serve_their_languages_in_the_order_of_the_catalogue(store: Store) -> None:
    for model in (CANTONESE, MANDARIN, OFFLINE):
        put(store, model)
    found = resolved(store)
    assert found.settings.properties == {
        "english": "pocketsphinx",
        "chinese": "mandarin",
        "cantonese": "cantonese-too",
        "sichuan": "cantonese-too",
    }
    assert folders(found) == {"mandarin": "mandarin", "cantonese-too": "cantonese-too"}
    engine = found.settings.engines["mandarin"]
    assert (engine.kind, engine.options) == (
        "sherpa-onnx",
        {"model": str(store.folder / "mandarin")},
    )
    for key in ("properties.chinese", "engines.mandarin.kind", "engines.mandarin.options.model"):
        assert str(found.origins[key]) == "installed model mandarin"


def test_english_stays_with_the_default_engine_unless_told_otherwise(store: Store) -> None:
    put(store, BOTH)
    put(store, ENGLISH)
    assert resolved(store).settings.properties == {"english": "pocketsphinx", "chinese": "both"}
    told = resolved(store, document="[properties]\nenglish = 'english-only'")
    assert told.settings.properties == {"english": "english-only"}
    assert folders(told) == {"english-only": "english-only"}
    assert str(told.origins["engines.english-only.kind"]).startswith("file ")


def test_the_default_model_serves_english_where_it_is_installed(store: Store) -> None:
    put(store, ENGLISH)
    assert english_advice(resolved(store), store) == (
        "English is served by PocketSphinx, which gets about every third word wrong: "
        "rasr setup english brings the default model, usual"
    )
    put(store, DEFAULT)
    found = resolved(store)
    assert found.settings.properties == {"english": "usual"}
    engine = found.settings.engines["usual"]
    assert (engine.kind, engine.options) == ("moonshine", {"model": str(store.folder / "usual")})
    assert str(found.origins["properties.english"]) == "installed model usual"
    assert english_advice(found, store) is None


@pytest.mark.parametrize(
    "environ", [{"RASR_PROPERTIES__ENGLISH": "pocketsphinx"}, {"RASR_PROPERTIES__CHINESE": "tiny"}]
)
def test_what_is_said_of_languages_goes_over_the_default_model(
    store: Store, environ: dict[str, str]
) -> None:
    put(store, DEFAULT)
    assert resolved(store, environ=environ).settings.properties["english"] == "pocketsphinx"


def test_nobody_who_asked_for_pocketsphinx_is_told_of_another_model(store: Store) -> None:
    asked = resolved(store, environ={"RASR_PROPERTIES__ENGLISH": "pocketsphinx"})
    assert english_advice(asked, store) is None
    assert english_advice(resolved(store, "tiny"), store) is None
    assert english_advice(resolved(store), make_store(store.folder.parent, ENGLISH)) is None


def test_models_that_stream_come_before_those_that_do_not(store: Store) -> None:
    for model in (OFFLINE, DIALECT, MANDARIN):
        put(store, model)
    found = resolved(store).settings
    assert found.properties == {"english": "pocketsphinx", "chinese": "mandarin", "shanghai": "wu"}
    assert found.engines["wu"].kind == "sherpa-onnx-offline"
    store.remove(MANDARIN)
    assert resolved(store).settings.properties["chinese"] == "later"


def test_whisper_serves_only_where_it_is_named(store: Store) -> None:
    put(store, WHISPER)
    assert resolved(store).settings.properties == {"english": "pocketsphinx"}
    named = resolved(store, "everything").settings
    assert named.properties == {"thai": "everything", "english": "everything"}
    assert named.engines["everything"].kind == "whisper"


def test_an_engine_of_another_kind_keeps_its_name(store: Store) -> None:
    put(store, DEFAULT)
    document = (
        "[engines.usual]\nkind = 'sherpa-onnx'\noptions = { model = '/x' }\n"
        "[engines.wu]\nkind = 'sherpa-onnx-offline'\noptions = { threads = 2 }\n"
    )
    assert resolved(store, document=document).settings.properties == {"english": "pocketsphinx"}
    put(store, DIALECT)
    found = resolved(store, document=document).settings
    assert found.engines["wu"].options == {"threads": 2, "model": str(store.folder / "wu")}
    (only,) = mistakes(store, "usual", document=document)
    assert "engines.usual is of kind 'sherpa-onnx'" in only


def test_a_folder_is_run_by_the_engine_that_its_record_or_name_says(
    store: Store, tmp_path: Path
) -> None:
    install(store, OFFLINE, Quiet(), by_hand=[written(tmp_path / "archive", release())])
    recorded = (store.folder / "later").rename(tmp_path / "any")
    assert resolved(store, str(recorded)).settings.engines["any"].kind == "sherpa-onnx-offline"
    named = put(store, DIALECT).rename(tmp_path / "w")
    assert resolved(store, f"{named}").settings.engines["w"].kind == "sherpa-onnx-offline"
    strange = put(store, MANDARIN).rename(tmp_path / "strange")
    found = resolved(store, f"chinese={strange}").settings
    assert found.engines["strange"].kind == "sherpa-onnx"


def test_a_bundled_model_serves_only_who_names_it(store: Store) -> None:
    assert "chinese" not in resolved(store).settings.properties
    named = resolved(store, "tiny")
    assert named.settings.properties == {"chinese": "tiny", "english": "tiny"}
    assert folders(named) == {"tiny": "tiny"}
    assert resolved(store, environ={"RASR_PROPERTIES__CHINESE": "tiny"}).settings.properties == {
        "english": "pocketsphinx",
        "chinese": "tiny",
    }


def test_a_bundled_model_serves_the_demonstration_where_nothing_else_does(store: Store) -> None:
    alone = with_bundled(resolved(store), "chinese", store)
    assert alone.settings.properties == {"english": "pocketsphinx", "chinese": "tiny"}
    assert str(alone.origins["properties.chinese"]) == "installed model tiny"
    assert with_bundled(alone, "cantonese", store) == alone
    put(store, BOTH)
    pulled = resolved(store)
    assert with_bundled(pulled, "chinese", store) == pulled
    told = resolved(store, document="[properties]\nchinese_8k = 'both'")
    assert with_bundled(told, "chinese", store) == told


def test_named_models_are_all_that_is_served_and_the_first_one_wins(store: Store) -> None:
    for model in (BOTH, MANDARIN, CANTONESE):
        put(store, model)
    found = resolved(store, "mandarin", "both")
    assert found.settings.properties == {"chinese": "mandarin", "english": "both"}
    assert str(found.origins["properties.english"]) == "flag --model"
    # The cantonese model is installed, and was not named; the default engine is not needed.
    assert folders(found) == {"mandarin": "mandarin", "both": "both"}
    assert "properties.cantonese" not in found.origins


def test_a_named_model_goes_over_what_the_file_says_of_its_languages(store: Store) -> None:
    put(store, BOTH)
    document = "[engines.quick]\nkind = 'fake'\n[properties]\nenglish = 'quick'\nwelsh = 'quick'"
    found = resolved(store, "both", document=document)
    assert found.settings.properties == {"english": "both", "welsh": "quick", "chinese": "both"}


def test_a_model_is_found_by_the_name_of_its_release_file_too(store: Store) -> None:
    put(store, BOTH)
    assert folders(resolved(store, STEM)) == {"both": "both"}


def test_a_property_may_name_a_model(store: Store) -> None:
    put(store, BOTH)
    put(store, MANDARIN)
    document = "[properties]\nchinese = 'mandarin'\nchinese_8k = 'both'\nenglish = 'pocketsphinx'"
    found = resolved(store, document=document)
    assert found.settings.properties == {
        "chinese": "mandarin",
        "chinese_8k": "both",
        "english": "pocketsphinx",
    }
    table = PropertyTable(
        {key: EngineChoice(live_engine(by)) for key, by in found.settings.properties.items()}
    )

    def served(name: str) -> str:
        wanted = Property.parse(name)
        assert wanted is not None
        choice = table.choose(wanted.name, wanted.language, wanted.sample_rate)
        assert choice is not None
        return choice.name

    assert served("chinese_16k_general") == "mandarin"
    assert served("chinese_8k_bank") == "both"
    assert served("english_8k_common") == "pocketsphinx"


def test_finals_may_be_served_by_a_model_too(store: Store) -> None:
    put(store, BOTH)
    put(store, MANDARIN)
    document = "[properties]\nchinese = { live = 'mandarin', final = 'both' }"
    found = resolved(store, document=document)
    assert found.settings.properties == {"chinese": PropertySettings(live="mandarin", final="both")}
    assert folders(found) == {"mandarin": "mandarin", "both": "both"}


def test_a_model_for_finals_that_is_not_there_is_told_by_its_key(store: Store) -> None:
    put(store, MANDARIN)
    for name, sentence in (
        ("nobody", "there is no engine 'nobody' and no such model; engines: "),
        ("both", "model both is not installed"),
    ):
        document = f"[properties]\nchinese = {{ live = 'mandarin', final = '{name}' }}"
        (only,) = mistakes(store, document=document)
        assert ": properties.chinese.final: " in only
        assert sentence in only


def test_a_model_of_the_command_line_serves_alone_what_two_engines_served(store: Store) -> None:
    put(store, BOTH)
    put(store, MANDARIN)
    document = "[properties]\nchinese = { live = 'mandarin', final = 'both' }"
    found = resolved(store, "chinese=mandarin", document=document)
    assert found.settings.properties == {"chinese": "mandarin"}
    assert [key for key in found.origins if key.startswith("properties")] == ["properties.chinese"]


def test_an_engine_comes_before_a_model_of_the_same_name(store: Store) -> None:
    document = "[engines.both]\nkind = 'fake'\n[properties]\nchinese = 'both'"
    found = resolved(store, document=document)
    assert found.settings.engines["both"].kind == "fake"
    (only,) = mistakes(store, "both", document=document)
    assert only == (
        "flag --model both: engines.both is of kind 'fake'; give that engine another "
        "name, or, if it is for this model, the kind 'sherpa-onnx'"
    )


def test_an_engine_of_ones_own_with_the_name_of_a_model_is_left_alone(store: Store) -> None:
    put(store, MANDARIN)
    environ = {"RASR_ENGINES__MANDARIN__KIND": "fake"}
    assert resolved(store, environ=environ).settings.properties == {"english": "pocketsphinx"}


@pytest.mark.parametrize("requests", [(), ("both",)])
def test_options_of_a_model_are_written_down_without_its_folder(
    store: Store, requests: tuple[str, ...]
) -> None:
    put(store, BOTH)
    document = (
        "[engines.both]\nkind = 'sherpa-onnx'\noptions = {precision = 'fp32'}\n"
        "[properties]\nchinese = 'both'"
    )
    found = resolved(store, *requests, document=document)
    assert found.settings.engines["both"].options == {
        "precision": "fp32",
        "model": str(store.folder / "both"),
    }


def test_an_engine_that_says_where_its_model_is_keeps_it(store: Store, tmp_path: Path) -> None:
    document = (
        f"[engines.both]\nkind = 'sherpa-onnx'\noptions = {{model = '{tmp_path}'}}\n"
        "[properties]\nchinese = 'both'"
    )
    for requests in ((), ("both",)):
        found = resolved(store, *requests, document=document)
        assert found.settings.engines["both"].options == {"model": str(tmp_path)}


def test_a_model_may_lie_in_any_folder(store: Store, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where" / "mine"
    elsewhere.parent.mkdir()
    put(store, BOTH).rename(elsewhere)
    found = resolved(store, f"chinese,welsh_8k={elsewhere}")
    assert found.settings.properties == {"chinese": "mine", "welsh_8k": "mine"}
    assert found.settings.engines["mine"].options == {"model": str(elsewhere)}
    by_property = resolved(store, document=f"[properties]\nenglish = '{elsewhere}'")
    assert by_property.settings.properties == {"english": "mine"}


def test_the_languages_of_a_folder_are_known_by_its_record_or_its_name(
    store: Store, tmp_path: Path
) -> None:
    install(store, MANDARIN, Quiet(), by_hand=[written(tmp_path / "archive", release())])
    recorded = (store.folder / "mandarin").rename(tmp_path / "any")
    assert resolved(store, str(recorded)).settings.properties == {"chinese": "any"}
    unpacked_by_hand = put(store, BOTH).rename(tmp_path / STEM)
    assert resolved(store, str(unpacked_by_hand)).settings.properties == {
        "chinese": STEM,
        "english": STEM,
    }


def test_a_folder_that_does_not_say_its_languages_has_them_told(
    store: Store, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (only,) = mistakes(store, f"{tmp_path}/mine")
    assert f"--model chinese={tmp_path}/mine" in only


@pytest.mark.parametrize("requests", [("both",), ("chinese=both",)])
def test_a_model_that_is_not_installed_names_the_command_that_fetches_it(
    store: Store, requests: tuple[str, ...]
) -> None:
    (only,) = mistakes(store, *requests)
    assert only == (
        "flag --model both: the model both is not installed; fetch it with: rasr models pull both"
    )
    (only,) = mistakes(store, environ={"RASR_PROPERTIES__CHINESE": "both"})
    assert only.startswith("environment RASR_PROPERTIES__CHINESE: properties.chinese: ")
    assert only.endswith("rasr models pull both")


def test_all_mistakes_are_told_at_once_with_what_there_is(store: Store, tmp_path: Path) -> None:
    put(store, MANDARIN)
    document = "[properties]\nchinese = 'unheard'\nenglish = '/no/where'"
    found = mistakes(store, "unknown", "later", "./gone", document=document)
    where = f"file {tmp_path / 'rasr.toml'}: properties"
    assert found == (
        f"{where}.chinese: there is no engine 'unheard' and no such model; engines: "
        "pocketsphinx; installed models: mandarin, tiny",
        f"{where}.english: there is no folder /no/where",
        "flag --model unknown: there is no such model; rasr models list shows which there are; "
        "the path of a model's folder may be given too",
        "flag --model later: the model later is not installed; fetch it with: rasr models pull "
        "later",
        f"flag --model ./gone: there is no folder {Path('gone').absolute()}",
    )


def test_an_offline_model_is_served_where_it_is_named(store: Store) -> None:
    put(store, OFFLINE)
    for named in (
        resolved(store, "chinese=later"),
        resolved(store, document="[properties]\nchinese = 'later'"),
        resolved(
            store,
            document="[properties]\nchinese = 'later'\n"
            "[engines.later]\nkind = 'sherpa-onnx-offline'\noptions = { interval_ms = 500 }",
        ),
    ):
        engine = named.settings.engines["later"]
        assert engine.kind == "sherpa-onnx-offline"
        assert engine.options["model"] == str(store.folder / "later")
        assert named.settings.properties["chinese"] == "later"


def test_an_offline_model_is_no_model_for_a_streaming_engine(store: Store) -> None:
    put(store, OFFLINE)
    document = "[engines.later]\nkind = 'sherpa-onnx'"
    (only,) = mistakes(store, "chinese=later", document=document)
    assert "engines.later is of kind 'sherpa-onnx'" in only
    assert "if it is for this model, the kind 'sherpa-onnx-offline'" in only


def test_the_kind_of_a_folder_is_read_from_its_files(store: Store, tmp_path: Path) -> None:
    folders = {
        "sherpa-onnx-offline": (write_offline_transducer(tmp_path / "whole"),),
        "sherpa-onnx": (write_lstm(tmp_path / "chunks"), tmp_path / "empty"),
    }
    (tmp_path / "empty").mkdir()
    for kind, of_kind in folders.items():
        for folder in of_kind:
            settings = resolved(store, f"chinese={folder}").settings
            assert settings.engines[folder.name].kind == kind


def test_two_folders_of_one_name_are_told(store: Store, tmp_path: Path) -> None:
    for parent in ("a", "b"):
        (tmp_path / parent / "mine").mkdir(parents=True)
    (only,) = mistakes(store, f"chinese={tmp_path}/a/mine", f"english={tmp_path}/b/mine")
    assert f"engines.mine has another folder: {tmp_path}/a/mine" in only


def test_a_model_is_decoded_as_suits_it_unless_somebody_says_otherwise(store: Store) -> None:
    found = resolved(store, "tiny")
    assert found.settings.engines["tiny"].options["search"] == "beam"
    assert str(found.origins["engines.tiny.options.search"]) == "flag --model"
    document = "[engines.tiny]\nkind = 'sherpa-onnx'\noptions = {search = 'greedy'}"
    said = resolved(store, "tiny", document=document)
    assert said.settings.engines["tiny"].options["search"] == "greedy"


def test_a_punctuation_model_is_a_folder_or_one_among_the_models(
    store: Store, tmp_path: Path
) -> None:
    (store.folder / "marks-en").mkdir(parents=True)
    (tmp_path / "marks-zh").mkdir()
    document = f"""
[text.punctuation]
english = "marks-en"
chinese = "{tmp_path}/marks-zh"
"""
    found = resolved(store, document=document)
    assert found.settings.text.punctuation == {
        "english": str(store.folder / "marks-en"),
        "chinese": str(tmp_path / "marks-zh"),
    }
    assert resolved(store).settings.text.punctuation == {}


def test_a_punctuation_model_that_is_not_there_is_a_mistake_that_names_the_folder(
    store: Store,
) -> None:
    (mistake,) = mistakes(store, environ={"RASR_TEXT__PUNCTUATION__ENGLISH": "marks-en"})
    assert "text.punctuation.english: there is no folder" in mistake
    assert f"{store.folder / 'marks-en'}; unpack a punctuation model there" in mistake


def test_a_voice_that_is_installed_recognises_nothing(store: Store) -> None:
    put(store, VOICE)
    assert "chinese" not in resolved(store).settings.properties
    put(store, MANDARIN)
    assert resolved(store).settings.properties["chinese"] == "mandarin"


@pytest.mark.parametrize("document", ["", '[properties]\nchinese = "speaker"\n'])
def test_a_voice_is_refused_where_it_is_to_recognise(store: Store, document: str) -> None:
    put(store, VOICE)
    requests = () if document else ("speaker",)
    with pytest.raises(ConfigurationError, match="speaker is of kind voice, and recognises"):
        resolved(store, *requests, document=document)


def test_installed_voices_come_before_those_that_need_nothing(store: Store) -> None:
    assert [voice.name for voice in voices_here(store)][:2] == ["espeak-female", "espeak-male"]
    folder = put(store, VOICE)
    here = voices_here(store)
    assert [voice.name for voice in here][:3] == ["zf", "kid", "espeak-female"]
    assert (here[0].model, here[0].folder, here[0].rate) == ("speaker", str(folder), 24000)
    assert (here[1].age, here[1].gender, here[1].languages) == ("child", "male", ("japanese",))


def test_what_tells_who_speaks_does_so_once_it_is_installed(store: Store) -> None:
    assert not resolved(store).settings.recordings.has_voice_models
    folder = put(store, WHO_SPEAKS)
    found = resolved(store)
    recordings = found.settings.recordings
    assert recordings.voice_segmentation == str(folder / "encoder.int8.onnx")
    assert recordings.voice_embedding == str(folder / "tokens.txt")
    assert str(found.origins["recordings.voice_embedding"]) == "installed model diarization"
    assert "chinese" not in found.settings.properties
    named = resolved(store, environ={"RASR_RECORDINGS__VOICE_SEGMENTATION": "/own.onnx"})
    assert named.settings.recordings.voice_segmentation == "/own.onnx"
    assert named.settings.recordings.voice_embedding == ""
    with pytest.raises(ConfigurationError, match="of kind diarization, and recognises nothing"):
        resolved(store, "diarization")
