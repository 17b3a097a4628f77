"""`rasr config` prints a file that loads as the same settings."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from rasr.cli import main
from rasr.cli.config import to_toml
from rasr.configuration import Configuration, Layer, Origin, load
from rasr.configuration.schema import dotted, leaves
from rasr.settings import EngineSettings, PropertySettings, Served, Settings

names = st.text(min_size=1, max_size=8)
texts = st.text(max_size=8)
filled_texts = st.lists(texts.filter(str.strip), max_size=3).map(tuple)
options = st.dictionaries(
    names,
    texts
    | st.integers(-(2**40), 2**40)
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False),
    max_size=3,
)


def defaulted(settings: Settings) -> Configuration:
    origins = {dotted(path): Origin(Layer.DEFAULT) for path, _, _ in leaves(settings)}
    return Configuration(settings, origins)


@settings(max_examples=40)
@given(
    st.dictionaries(names, st.builds(EngineSettings, kind=texts, options=options), max_size=3),
    st.dictionaries(
        names, texts | st.builds(PropertySettings, live=texts, final=texts), max_size=4
    ),
    st.dictionaries(names, filled_texts, max_size=3),
)
def test_what_is_printed_loads_as_the_same_settings(
    engines: dict[str, EngineSettings],
    properties: dict[str, Served],
    vocabularies: dict[str, tuple[str, ...]],
) -> None:
    printed = Settings(engines=engines, properties=properties, vocabularies=vocabularies)
    document = tomllib.loads(to_toml(defaulted(printed)))
    # An empty table of engines has nothing to print.
    assert Settings.model_validate({"engines": {}} | document) == printed


def test_the_command_prints_each_value_with_its_origin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "rasr.toml"
    file.write_text("[server]\nport = 9000")
    monkeypatch.setenv("RASR_SERVER__HOST", "::1")
    result = CliRunner().invoke(main, ["config", "--config", str(file)])
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert f"port = 9000 # file {file}" in lines
    assert 'host = "::1" # environment RASR_SERVER__HOST' in lines
    assert "drain_s = 30.0 # default" in lines
    assert "# port; 0 = any free one (a whole number from 0 to 65535)" in lines


def test_its_output_can_be_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RASR_VAD__KIND", "silero")
    monkeypatch.setenv("RASR_ENGINES__MINE__KIND", "fake")
    before = load(None, {"RASR_VAD__KIND": "silero", "RASR_ENGINES__MINE__KIND": "fake"}, {})
    file = tmp_path / "rasr.toml"
    file.write_text(CliRunner().invoke(main, ["config"]).stdout)
    assert load(file, {}, {}).settings == before.settings


def test_all_mistakes_are_printed_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RASR_SERVER__PORT", "http")
    monkeypatch.setenv("RASR_SERVER__PROT", "1")
    result = CliRunner().invoke(main, ["config"])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "Error: the settings cannot be used:",
        "  environment RASR_SERVER__PORT: server.port is 'http'; allowed: "
        "a whole number from 0 to 65535 (port; 0 = any free one)",
        "  environment RASR_SERVER__PROT: there is no setting server.prot; "
        "did you mean server.port?",
    ]
