"""What is on this machine, what is wrong with it, and how it goes."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rasr.models.errors import FolderFailed, ModelError, NotInstalled
from rasr.models.install import install
from rasr.models.record import RECORD_NAME
from rasr.models.store import State, open_store, usual_folder
from tests.models.archives import NAME, release, written
from tests.models.conftest import Quiet, make_model, make_store, put, tree

BUNDLED = make_model(name="tiny", bundled=True, archive=None)


def test_a_model_is_absent_then_broken_then_installed(tmp_path: Path) -> None:
    model = make_model()
    store = make_store(tmp_path, model)
    assert store.state(model) is State.ABSENT
    with pytest.raises(NotInstalled, match=f"rasr models pull {NAME}"):
        store.require(model)
    place = put(store, model)
    tokens = place / "tokens.txt"
    tokens.rename(place / "elsewhere")
    assert store.state(model) is State.BROKEN
    with pytest.raises(NotInstalled, match=rf"lacks tokens\.txt; .*rasr models remove {NAME}"):
        store.require(model)
    (place / "elsewhere").rename(tokens)
    assert store.state(model) is State.INSTALLED
    assert store.require(model) == place


def test_a_bundled_model_lies_in_the_package(tmp_path: Path) -> None:
    store = make_store(tmp_path, BUNDLED)
    with pytest.raises(NotInstalled, match="install rasr anew"):
        store.require(BUNDLED)
    put(store, BUNDLED)
    assert store.state(BUNDLED) is State.BUNDLED
    assert store.require(BUNDLED) == tmp_path / "bundled" / "tiny"
    with pytest.raises(ModelError, match="cannot be removed"):
        store.remove(BUNDLED)


def test_installed_models_come_in_the_order_of_the_catalogue(tmp_path: Path) -> None:
    models = [make_model(name=name) for name in ("z", "y", "x")]
    store = make_store(tmp_path, *models, BUNDLED)
    for model in (models[2], models[0], BUNDLED):
        put(store, model)
    assert [model.name for model in store.installed()] == ["z", "x", "tiny"]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda file: file.unlink(), "decoder.onnx is missing"),
        (lambda file: file.write_bytes(b"short"), "decoder.onnx has 5 bytes, and had 3000"),
        (lambda file: file.write_bytes(bytes(3000)), "decoder.onnx has changed"),
    ],
)
def test_damage_is_found(tmp_path: Path, spoil: object, sentence: str) -> None:
    model = make_model()
    store = make_store(tmp_path, model)
    place = install(store, model, Quiet(), by_hand=[written(tmp_path / "archive", release())])
    verdict = store.check(model)
    assert (verdict.damage, verdict.files) == ((), 6)
    assert callable(spoil)
    spoil(place / "decoder.onnx")
    (only,) = store.check(model).damage
    assert only.startswith(sentence)
    with pytest.raises(NotInstalled, match=rf"decoder\.onnx\b.*rasr models pull {NAME}"):
        store.require(model)


def test_what_was_put_there_by_hand_is_looked_at_by_name_only(tmp_path: Path) -> None:
    model = make_model()
    store = make_store(tmp_path, model)
    place = put(store, model)
    assert (store.check(model).damage, store.check(model).files) == ((), 0)
    (place / "tokens.txt").unlink()
    assert store.check(model).damage == ("tokens.txt is missing",)
    # A record that cannot be read is none.
    (place / RECORD_NAME).write_text("{")
    assert store.check(model).files == 0


def test_what_is_not_there_cannot_be_checked_or_removed(tmp_path: Path) -> None:
    model = make_model()
    store = make_store(tmp_path, model)
    with pytest.raises(NotInstalled):
        store.check(model)
    with pytest.raises(NotInstalled):
        store.remove(model)


def test_removing_takes_the_model_and_what_pulls_left(tmp_path: Path) -> None:
    model, other = make_model(), make_model(name="other")
    store = make_store(tmp_path, model, other)
    put(store, model)
    put(store, other)
    store.workplace(model).mkdir(parents=True)
    (store.workplace(model) / "a.part").touch()
    store.remember_digests({"a": "0" * 64})
    assert store.remove(model) == store.folder / NAME
    assert store.state(other) is State.INSTALLED
    assert not any(NAME in name for name in tree(store.folder))
    assert store.known_digest("a") == "0" * 64


def test_the_part_of_a_pull_is_removed_alone(tmp_path: Path) -> None:
    model = make_model()
    store = make_store(tmp_path, model)
    store.workplace(model).mkdir(parents=True)
    store.remove(model)
    assert not store.workplace(model).exists()


def test_of_a_linked_model_only_the_link_is_removed(tmp_path: Path) -> None:
    model = make_model()
    store = make_store(tmp_path, model)
    elsewhere = tmp_path / "elsewhere"
    put(store, model).rename(elsewhere)
    store.path(model).symlink_to(elsewhere)
    assert store.state(model) is State.INSTALLED
    store.remove(model)
    assert store.state(model) is State.ABSENT
    assert (elsewhere / "tokens.txt").exists()


def test_models_that_land_at_the_same_time_lose_no_digest(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    store.folder.mkdir()
    keys = [f"model-{number}" for number in range(16)]
    together = threading.Barrier(len(keys))

    def land(key: str) -> None:
        together.wait()
        store.remember_digests({key: "0" * 64})

    with ThreadPoolExecutor(len(keys)) as threads:
        list(threads.map(land, keys))
    assert [key for key in keys if store.known_digest(key) is None] == []


@pytest.mark.parametrize("text", ["[]", "1", '"a"', "null"])
def test_digests_of_another_shape_are_told(tmp_path: Path, text: str) -> None:
    store = make_store(tmp_path)
    store.folder.mkdir()
    store.digests_file.write_text(text)
    with pytest.raises(FolderFailed, match=r"digests\.json holds no digests: delete it"):
        store.known_digest("a")


def test_digests_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    assert store.known_digest("a") is None
    store.folder.mkdir()
    store.digests_file.write_text("{")
    with pytest.raises(FolderFailed, match=r"digests\.json is not JSON"):
        store.known_digest("a")


def test_the_usual_folder_follows_the_xdg_rules(tmp_path: Path) -> None:
    assert usual_folder({"XDG_DATA_HOME": "/data", "HOME": "/home/me"}) == Path("/data/rasr/models")
    fallback = Path("/home/me/.local/share/rasr/models")
    assert usual_folder({"HOME": "/home/me"}) == fallback
    # «All paths … must be absolute. If … relative … consider the path invalid and ignore it.»
    assert usual_folder({"XDG_DATA_HOME": "data", "HOME": "/home/me"}) == fallback


def test_the_folder_of_the_settings_beats_the_usual_one(tmp_path: Path) -> None:
    environ = {"XDG_DATA_HOME": "/data"}
    assert open_store("", environ).folder == Path("/data/rasr/models")
    assert open_store(str(tmp_path), environ).folder == tmp_path
