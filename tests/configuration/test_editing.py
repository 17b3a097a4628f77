"""Entries get into a settings file, and nothing else of it changes."""

from __future__ import annotations

import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rasr.configuration.editing import FileRefused, serve_by, with_properties

COMMENTED = """\
# the server of the hall
[server]
port = 9000  # the proxy wants it

[properties]
english = "pocketsphinx"  # as ever
chinese = { live = "a", final = "b" }

[engines.a]
kind = "fake"
"""


def test_comments_and_other_keys_stay() -> None:
    changed = with_properties(COMMENTED, {"chinese": "x-asr-480ms", "german": "parakeet-v3"})
    assert changed.startswith(COMMENTED.partition("chinese")[0])
    assert changed.endswith('[engines.a]\nkind = "fake"\n')
    assert tomllib.loads(changed)["properties"] == {
        "english": "pocketsphinx",
        "chinese": "x-asr-480ms",
        "german": "parakeet-v3",
    }


@pytest.mark.parametrize("before", ["", "[server]\nport = 1\n", "properties = {}\n"])
def test_a_file_without_entries_gets_them(before: str) -> None:
    changed = tomllib.loads(with_properties(before, {"english": "pocketsphinx"}))
    assert changed == tomllib.loads(before) | {"properties": {"english": "pocketsphinx"}}


@pytest.mark.parametrize(
    ("before", "why"), [("[server", "is not TOML"), ("properties = 1", "something else")]
)
def test_a_file_that_cannot_be_understood_is_left_alone(
    tmp_path: Path, before: str, why: str
) -> None:
    file = tmp_path / "rasr.toml"
    file.write_text(before)
    with pytest.raises(FileRefused, match=rf"{file} .*{why}"):
        serve_by(file, {"english": "pocketsphinx"})
    assert file.read_text() == before


def test_the_file_is_made_with_its_folder_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "settings" / "rasr.toml"
    serve_by(file, {"english": "pocketsphinx"})
    assert file.read_text() == '[properties]\nenglish = "pocketsphinx"\n'
    assert [one.name for one in file.parent.iterdir()] == ["rasr.toml"]
    assert file.stat().st_mode & 0o777 == 0o644


def test_a_link_stays_one_and_permissions_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "real.toml", tmp_path / "rasr.toml"
    real.write_text("")
    real.chmod(0o600)
    link.symlink_to(real)
    serve_by(link, {"english": "pocketsphinx"})
    assert link.is_symlink()
    assert "pocketsphinx" in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o600


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileRefused, match="cannot be changed: File exists"):
        serve_by(tmp_path / "file" / "rasr.toml", {"english": "pocketsphinx"})


def test_several_who_write_at_once_lose_nothing_of_each_other(tmp_path: Path) -> None:
    file = tmp_path / "rasr.toml"
    names = [f"language_{number}" for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: serve_by(file, {name: "model"}), names))
    assert tomllib.loads(file.read_text("utf-8"))["properties"].keys() == set(names)
    assert list(tmp_path.iterdir()) == [file]


def test_the_ends_of_lines_stay(tmp_path: Path) -> None:
    file = tmp_path / "rasr.toml"
    file.write_bytes(b"[server]\r\nport = 1\r\n")
    serve_by(file, {"chinese": "model"})
    assert file.read_bytes().startswith(b"[server]\r\nport = 1\r\n")
