"""Every setting has words for what it means and what it allows."""

from __future__ import annotations

from rasr.configuration.schema import dotted, leaves
from rasr.settings import EngineSettings, Settings


def test_every_setting_has_a_meaning_and_a_range_in_words() -> None:
    for path, leaf, _ in leaves(Settings()):
        assert leaf.meaning, f"{dotted(path)} has no description"
        assert leaf.allowed, f"{dotted(path)} has no range"


def test_every_default_is_allowed() -> None:
    for path, leaf, value in leaves(Settings()):
        assert leaf.check(value) == value, dotted(path)


def test_tables_of_names_are_walked_as_far_as_they_go() -> None:
    settings = Settings(engines={"a b": EngineSettings(kind="fake", options={"streams": 3})})
    found = {dotted(path): value for path, _, value in leaves(settings)}
    assert found['engines."a b".kind'] == "fake"
    assert found['engines."a b".options.streams'] == 3
