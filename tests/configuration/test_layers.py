"""Which layer wins, and what each mistake is told as."""

from __future__ import annotations

from pathlib import Path

import pytest

from rasr.configuration import Configuration, ConfigurationError, Layer, Origin, load
from rasr.settings import PropertySettings, Served, Settings


@pytest.fixture(autouse=True)
def no_settings_of_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rasr.toml"


def mistakes(
    file: Path | None = None,
    environ: dict[str, str] | None = None,
    flags: dict[str, str] | None = None,
) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        load(file, environ or {}, flags or {})
    return caught.value.mistakes


def from_environment(**values: str) -> Configuration:
    return load(None, values, {})


def test_without_layers_all_settings_are_defaults() -> None:
    found = load(None, {}, {})
    assert found.settings == Settings()
    assert set(found.origins.values()) == {Origin(Layer.DEFAULT)}
    assert found.origins.keys() >= {
        "server.port",
        "engines.pocketsphinx.kind",
        "properties.english",
    }


def test_a_file_beats_defaults_the_environment_beats_files_and_flags_beat_all(file: Path) -> None:
    file.write_text("[server]\nhost = '::1'\nport = 1\nmax_connections = 10\nlog_level = 'error'")
    found = load(
        file,
        {"RASR_SERVER__PORT": "2", "RASR_SERVER__MAX_CONNECTIONS": "20"},
        {"server.port": "3"},
    )
    server = found.settings.server
    assert (server.host, server.port, server.max_connections) == ("::1", 3, 20)
    assert str(found.origins["server.port"]) == "flag --port"
    assert str(found.origins["server.max_connections"]) == (
        "environment RASR_SERVER__MAX_CONNECTIONS"
    )
    assert str(found.origins["server.host"]) == f"file {file}"
    assert str(found.origins["server.drain_s"]) == "default"


def test_a_variable_names_the_file_and_the_flag_beats_it(file: Path, tmp_path: Path) -> None:
    file.write_text("[server]\nport = 1")
    other = tmp_path / "other.toml"
    other.write_text("[server]\nport = 2")
    environ = {"RASR_CONFIG": str(file)}
    assert load(None, environ, {}).settings.server.port == 1
    assert load(other, environ, {}).settings.server.port == 2


def test_the_user_s_own_file_is_read_where_nothing_names_another(tmp_path: Path) -> None:
    own = tmp_path / "settings" / "rasr" / "rasr.toml"
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "settings")}
    assert load(None, environ, {}).settings.server.port == 8765
    own.parent.mkdir(parents=True)
    own.write_text("[server]\nport = 3")
    found = load(None, environ, {})
    assert found.settings.server.port == 3
    assert str(found.origins["server.port"]) == f"file {own}"
    other = tmp_path / "other.toml"
    other.write_text("")
    assert load(other, environ, {}).settings.server.port == 8765
    named = environ | {"RASR_CONFIG": str(other)}
    assert load(None, named, {}).settings.server.port == 8765


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("RASR_SERVER__PORT", "9000", 9000),
        ("RASR_SESSION__WARNINGS", "false", False),
        ("RASR_SERVER__HOST", "::1", "::1"),
        ("RASR_SERVER__HOST", '"localhost"', "localhost"),
        ("RASR_SERVER__HOST", "10", "10"),
        ("RASR_SERVER__DRAIN_S", "5", 5.0),
        ("RASR_SERVER__DRAIN_S", "0.5", 0.5),
        ("RASR_SERVER__ALLOWED_ORIGINS", '["https://a", "https://b"]', ("https://a", "https://b")),
        ("RASR_SERVER__ALLOWED_ORIGINS", "https://a", ("https://a",)),
        ("RASR_SERVER__ALLOWED_ORIGINS", '"https://a"', ("https://a",)),
        ("RASR_SERVER__ALLOWED_ORIGINS", "*", ("*",)),
        ("RASR_SERVER__ALLOWED_ORIGINS", "10", ("10",)),
        ("RASR_SERVER__ALLOWED_ORIGINS", "", ()),
        ("RASR_SERVER__ALLOWED_ORIGINS", "[]", ()),
        ("RASR_VAD__FRAME_MS", "30", 30),
        ("RASR_VAD__KIND", "silero", "silero"),
    ],
)
def test_text_of_the_environment_becomes_the_type_of_its_setting(
    name: str, text: str, value: object
) -> None:
    settings = from_environment(**{name: text}).settings
    section, key = name.removeprefix("RASR_").lower().split("__")
    found = getattr(getattr(settings, section), key)
    assert found == value
    assert type(found) is type(value)


def test_a_text_of_an_array_may_hold_a_comma(file: Path) -> None:
    file.write_text('[vocabularies]\nteam = ["Dashwood", " Knightley, George "]')
    environ = {"RASR_VOCABULARIES__CREW": '["Price, Fanny"]'}
    assert load(file, environ, {}).settings.vocabularies == {
        "team": ("Dashwood", "Knightley, George"),
        "crew": ("Price, Fanny",),
    }


@pytest.mark.parametrize(
    ("text", "array"),
    [
        ("https://a, https://b", '["https://a", "https://b"]'),
        ("[https://a]", '["https://a"]'),
        ("'Knightley, George'", '["Knightley", "George"]'),
        ('["https://a", ', '["https://a"]'),
    ],
)
def test_a_variable_that_may_mean_several_texts_is_refused_with_the_array_to_write(
    text: str, array: str
) -> None:
    (only,) = mistakes(environ={"RASR_SERVER__ALLOWED_ORIGINS": text})
    assert only == (
        f"environment RASR_SERVER__ALLOWED_ORIGINS: server.allowed_origins is {text!r}; allowed: "
        "an array of texts, none of them empty (web pages that may use the server besides its own, "
        f"by their origins; * = all); write {array}"
    )


def test_variables_that_are_no_settings_are_left_alone() -> None:
    found = from_environment(
        RASR_SPEECH_DIR="/speech",
        RASRX__Y="1",
        PATH="/bin",
        # What Kubernetes sets beside services named rasr, rasr-server and rasr-models.
        RASR_SERVICE_HOST="10.0.0.1",
        RASR_SERVICE_PORT="8765",
        RASR_PORT="tcp://10.0.0.1:8765",
        RASR_PORT_8765_TCP_PORT="8765",
        RASR_SERVER_PORT="tcp://10.0.0.1:8765",
        RASR_SERVER_SERVICE_HOST="10.0.0.1",
        RASR_SERVER_SERVICE_PORT="8765",
        RASR_MODELS_SERVICE_HOST="10.0.0.1",
    )
    assert found.settings == Settings()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("RASR_SERVER_PORT", "RASR_SERVER__PORT"),
        ("RASR_SERVER_MAX_CONNECTIONS", "RASR_SERVER__MAX_CONNECTIONS"),
        ("RASR_SEVER_PORT", "RASR_SERVER__PORT"),
        ("RASR_PORT", "RASR_SERVER__PORT"),
        ("RASR_LOG_LEVEL", "RASR_SERVER__LOG_LEVEL"),
        ("RASR_CONFIGS", "RASR_CONFIG"),
        ("RASR_PROPERTIES_ENGLISH_8K", "RASR_PROPERTIES__ENGLISH_8K"),
        ("RASR_ENGINES_MY_OWN_KIND", "RASR_ENGINES__MY_OWN__KIND"),
        ("RASR_ENGINES_MINE_OPTIONS_BEAM", "RASR_ENGINES__MINE__OPTIONS__BEAM"),
    ],
)
def test_a_variable_that_is_nearly_a_setting_is_a_mistake(name: str, meant: str) -> None:
    assert mistakes(environ={name: "8"}) == (
        f"environment {name}: there is no setting of this name; did you mean {meant}?",
    )


def test_engines_of_a_file_stand_beside_the_default_one(file: Path) -> None:
    file.write_text("[engines.mine]\nkind = 'fake'\noptions = {cost_ms_per_second = 1.5}")
    engines = load(file, {}, {}).settings.engines
    assert engines.keys() == {"pocketsphinx", "mine"}
    assert engines["mine"].options == {"cost_ms_per_second": 1.5}


def test_options_can_be_added_to_the_default_engine(file: Path) -> None:
    file.write_text("[engines.pocketsphinx.options]\ndecoders = 2")
    engine = load(file, {}, {}).settings.engines["pocketsphinx"]
    assert (engine.kind, engine.options) == ("pocketsphinx", {"decoders": 2})


def test_properties_of_a_file_are_all_that_is_served(file: Path) -> None:
    file.write_text("[engines.mine]\nkind = 'fake'\n[properties]\nchinese = 'mine'")
    found = load(file, {}, {})
    assert found.settings.properties == {"chinese": "mine"}
    assert "properties.english" not in found.origins


def test_properties_of_the_environment_are_added() -> None:
    found = from_environment(RASR_PROPERTIES__ENGLISH_8K="mine", RASR_ENGINES__MINE__KIND="fake")
    assert found.settings.properties == {"english": "pocketsphinx", "english_8k": "mine"}
    assert found.settings.engines["mine"].kind == "fake"


def test_a_property_may_have_an_engine_for_finals(file: Path) -> None:
    file.write_text("[properties]\nchinese = { live = 'quick', final = 'good' }\nenglish = 'one'")
    found = load(file, {}, {})
    assert found.settings.properties == {
        "chinese": PropertySettings(live="quick", final="good"),
        "english": "one",
    }
    origins = {key for key in found.origins if key.startswith("properties")}
    assert origins == {"properties.chinese.live", "properties.chinese.final", "properties.english"}


@pytest.mark.parametrize(
    ("before", "variables", "served", "origins"),
    [
        (
            "'quick'",
            {"RASR_PROPERTIES__CHINESE__FINAL": "good"},
            PropertySettings(live="quick", final="good"),
            {"live": "file", "final": "environment"},
        ),
        (
            "{ live = 'quick', final = 'good' }",
            {"RASR_PROPERTIES__CHINESE__LIVE": "other"},
            PropertySettings(live="other", final="good"),
            {"live": "environment", "final": "file"},
        ),
        (
            "{ live = 'quick', final = 'good' }",
            {"RASR_PROPERTIES__CHINESE": "other"},
            "other",
            {"": "environment"},
        ),
        (
            "'quick'",
            {"RASR_PROPERTIES__CHINESE": "{ live = 'other' }"},
            PropertySettings(live="other"),
            {"live": "environment", "final": "default"},
        ),
    ],
)
def test_a_text_replaces_the_engines_of_a_property_and_a_table_is_laid_on_top(
    file: Path,
    before: str,
    variables: dict[str, str],
    served: Served,
    origins: dict[str, str],
) -> None:
    file.write_text(f"[properties]\nchinese = {before}")
    found = load(file, variables, {})
    assert found.settings.properties == {"chinese": served}
    assert {
        key.removeprefix("properties.chinese").removeprefix("."): str(origin.layer)
        for key, origin in found.origins.items()
        if key.startswith("properties")
    } == origins


@pytest.mark.parametrize(
    ("written", "sentences"),
    [
        ("3", ["properties.chinese is 3; allowed: a text or a table with live, final ("]),
        ("{ final = 'good' }", ["properties.chinese.live is missing; allowed: a text ("]),
        (
            "{ live = 'quick', finale = 'good', final = 1 }",
            [
                "there is no setting properties.chinese.finale; did you mean "
                "properties.chinese.final?",
                "properties.chinese.final is 1; allowed: a text (",
            ],
        ),
    ],
)
def test_mistakes_in_the_engines_of_a_property_are_told(
    file: Path, written: str, sentences: list[str]
) -> None:
    file.write_text(f"[properties]\nchinese = {written}")
    found = mistakes(file)
    assert len(found) == len(sentences)
    for mistake, sentence in zip(found, sentences, strict=True):
        assert mistake.startswith(f"file {file}: {sentence}")


def test_a_key_that_is_not_bare_is_quoted_in_the_origins(file: Path) -> None:
    file.write_text("[engines.'my engine']\nkind = 'fake'")
    assert 'engines."my engine".kind' in load(file, {}, {}).origins


def test_all_mistakes_of_all_layers_are_told_at_once(file: Path) -> None:
    file.write_text("[server]\nport = 99999\n[session]\nidle_s = 0\nidel_s = 3")
    found = mistakes(
        file,
        {"RASR_VAD__FRAME_MS": "25", "RASR_VADD__KIND": "webrtc"},
        {"server.log_level": "loud"},
    )
    assert found == (
        f"file {file}: server.port is 99999; allowed: a whole number from 0 to 65535 "
        "(port; 0 = any free one)",
        f"file {file}: session.idle_s is 0; allowed: a number above 0 "
        "(silence of the client that ends the connection, s)",
        f"file {file}: there is no setting session.idel_s; did you mean session.idle_s?",
        "environment RASR_VADD__KIND: there is no setting vadd; did you mean vad?",
        "environment RASR_VAD__FRAME_MS: vad.frame_ms is '25'; allowed: 10, 20 or 30 "
        "(gated, webrtc: length of a frame, ms)",
        "flag --log-level: server.log_level is 'loud'; allowed: debug, info, warning or error "
        "(least severe log line that is written)",
    )


def test_a_mistake_in_a_weak_layer_is_told_although_a_stronger_one_hides_it(file: Path) -> None:
    file.write_text("[server]\nport = 'http'")
    (only,) = mistakes(file, {}, {"server.port": "8000"})
    assert "server.port is 'http'" in only


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ("[vad]\nthreshold = 1", "vad.threshold is 1; allowed: a number between 0 and 1"),
        ("[vad]\nthreshold = nan", "vad.threshold is NaN"),
        ("[server]\ndrain_s = inf", "server.drain_s is Infinity; allowed: a number, 0 or more"),
        ("[server]\nport = true", "server.port is true; allowed: a whole number"),
        ("[server]\nport = 1.0", "server.port is 1.0"),
        ("[session]\nwarnings = 'yes'", "session.warnings is 'yes'; allowed: true or false"),
        ("[server]\nport = {a = 1}", 'server.port is {"a": 1}'),
        ("[server]\nhost = 2026-01-02", 'server.host is "2026-01-02"; allowed: a text'),
        (
            "[vocabularies]\nteam = 'Dashwood, Brandon'",
            "vocabularies.team is 'Dashwood, Brandon'; allowed: an array of texts, none of them "
            "empty (hot words, each a word or a phrase, by the id that START's vocabulary_id "
            'names); write ["Dashwood", "Brandon"]',
        ),
        ("[vocabularies]\nteam = ''", "names); write []"),
        ("[vocabularies]\nteam = ['Dashwood', ' ']", 'vocabularies.team is ["Dashwood", " "]'),
        ("[vocabularies]\nteam = [1]", "vocabularies.team is [1]; allowed: an array of texts"),
        ("server = 5", "server is 5; allowed: a table with host, port"),
        ("engines = 5", "engines is 5; allowed: a table (engines by a name of your own)"),
        ("port = 5", "there is no setting port; did you mean server.port?"),
        ("[server]\nno_auth = true", "no setting server.no_auth; did you mean auth.kind?"),
        (
            "[auth]\nkind = 'token'",
            "auth.kind is 'token'; allowed: \"\", accounts or none (who is asked",
        ),
        ("[quite.other]", "there is no setting quite; the top has: server, replicas"),
        ("[engines.x]", "engines.x.kind is missing; allowed: a text"),
        ("[engines.x.options]\na = [1]", "engines.x.options.a is [1]; allowed: a text, a whole"),
        ("[session]\nmax_message_bytes = 1", "a whole number from 320 to 16777216"),
        ("[server]\nhost = [", "is not TOML: "),
        ("x = " + "[" * 5000, "is nested too deeply"),
        ("server.port" + ".a" * 5000 + " = 1", "server.port is a value too large to be shown"),
        ("[server]\ndrain_s = 0x" + "f" * 9000, "server.drain_s is a value too large to be shown"),
        (
            "[captions]\nhistory_cues = 100000000000000000000",
            "captions.history_cues is 100000000000000000000; allowed: a whole number from 1 to "
            "1000000 (final",
        ),
        (
            "[engines.pocketsphinx.options]\nx = 1e400",
            "engines.pocketsphinx.options.x is Infinity; allowed: a text, a whole number of 64 "
            "bits, a number or true or false (see",
        ),
    ],
)
def test_each_mistake_of_a_file_names_the_key_the_value_and_what_is_allowed(
    file: Path, document: str, sentence: str
) -> None:
    file.write_text(document)
    first, *_ = mistakes(file)
    assert first.startswith(f"file {file}: ")
    assert sentence in first


def test_a_long_value_is_repeated_in_part_only(file: Path) -> None:
    file.write_text(f"[vad]\nkind = '{'x' * 1000}'")
    (only,) = mistakes(file)
    assert len(only) < 200 + len(str(file))
    file.write_text(f"[vocabularies]\nteam = '{'word, ' * 1000}'")
    (only,) = mistakes(file)
    assert len(only) < 400 + len(str(file))


def test_a_file_that_is_not_there_is_a_mistake_beside_others(file: Path) -> None:
    assert mistakes(file, {"RASR_SERVER__PORT": "-1"}) == (
        f"file {file}: cannot be read: No such file or directory",
        "environment RASR_SERVER__PORT: server.port is '-1'; allowed: "
        "a whole number from 0 to 65535 (port; 0 = any free one)",
    )


def test_a_file_that_is_not_utf_8_is_not_toml(file: Path) -> None:
    file.write_bytes(b"a = '\xff'")
    (only,) = mistakes(file)
    assert "is not TOML" in only


def test_a_variable_that_is_nested_too_deeply_is_a_text() -> None:
    (only,) = mistakes(environ={"RASR_SERVER__PORT": "[" * 5000})
    assert "server.port is '[[[" in only


def test_a_whole_number_of_more_than_64_bits_is_no_whole_number() -> None:
    found = from_environment(
        RASR_ENGINES__POCKETSPHINX__OPTIONS__FITS=str(2**63 - 1),
        RASR_ENGINES__POCKETSPHINX__OPTIONS__LONGER=str(2**63),
    )
    options = found.settings.engines["pocketsphinx"].options
    assert (options["fits"], type(options["longer"])) == (2**63 - 1, float)


def test_a_variable_with_a_line_break_is_one_value() -> None:
    (only,) = mistakes(environ={"RASR_SERVER__PORT": "1\nhost = 'evil'"})
    assert "server.port is" in only


def test_a_flag_may_have_another_name_than_its_setting() -> None:
    found = load(None, {"RASR_AUTH__KIND": ""}, {"auth.kind": "none"})
    assert found.settings.auth.kind == "none"
    assert str(found.origins["auth.kind"]) == "flag --no-auth"


def test_a_file_without_end_is_refused(tmp_path: Path) -> None:
    endless = tmp_path / "rasr.toml"
    endless.symlink_to("/dev/zero")
    with pytest.raises(ConfigurationError, match=r"rasr\.toml: is longer than 1 MiB"):
        load(endless, {}, {})
