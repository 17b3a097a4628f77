"""A pull of a model whose files lie one by one on the hub: whole or not at all, and continued."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from rasr.models.catalogue import Catalogue, Mirrors, Model
from rasr.models.errors import ArchiveRefused, FetchFailed
from rasr.models.install import install
from rasr.models.record import read_record
from rasr.models.store import State, Store
from tests.models.archives import noise
from tests.models.conftest import Quiet, make_model, tree
from tests.models.shelf import Shelf, shelving

FILES = {"config.json": b"{}", "model.bin": noise(300_000), "tokens.txt": b"a 0\n"}
REVISION = "0123456789" * 4
PLACE = f"/some/weights/resolve/{REVISION}/"


def on_hub(known: bool = True) -> Model:
    """A model of three files; with `known`, their digests are in the catalogue."""
    contents = []
    for name, whole in FILES.items():
        digest = {"sha256": hashlib.sha256(whole).hexdigest()} if known else {}
        contents.append({"name": name, "bytes": len(whole)} | digest)
    return make_model(
        kind="offline",
        engine="whisper",
        archive=None,
        files=(),
        repository={"name": "some/weights", "revision": REVISION},
        contents=contents,
    )


def store_of(tmp_path: Path, model: Model, hub: str) -> Store:
    return Store(tmp_path / "models", Catalogue((model,), (), hub), tmp_path / "bundled")


def pull(store: Store, model: Model, **options: Any) -> Path:
    return install(store, model, Quiet(), **options)


def put_all(shelf: Shelf) -> None:
    shelf.files |= {PLACE + name: whole for name, whole in FILES.items()}


def assert_whole(store: Store, model: Model) -> None:
    place = store.path(model)
    assert store.state(model) is State.INSTALLED
    assert {name: (place / name).read_bytes() for name in FILES} == FILES
    assert store.check(model).damage == ()
    assert tree(store.folder / "downloads") == []


@pytest.mark.parametrize("known", [True, False], ids=["digests known", "digests unknown"])
def test_a_model_is_fetched_file_by_file(tmp_path: Path, known: bool) -> None:
    model = on_hub(known)
    watcher = Quiet()
    with shelving() as hub:
        put_all(hub)
        store = store_of(tmp_path, model, hub.url)
        place = install(store, model, watcher)
    assert_whole(store, model)
    assert hub.asked == [PLACE + name for name in FILES]
    # Progress is that of the whole model.
    total = sum(map(len, FILES.values()))
    assert watcher.done[-1] == (total, total)
    record = read_record(place)
    assert record is not None
    assert (record.source, record.bytes) == (hub.url + PLACE, total)
    assert store.known_digest(f"{model.name}/config.json") == hashlib.sha256(b"{}").hexdigest()


def test_a_pull_that_broke_goes_on_with_the_file_that_lacks(tmp_path: Path) -> None:
    model = on_hub()
    with shelving() as hub:
        put_all(hub)
        del hub.files[PLACE + "model.bin"]
        store = store_of(tmp_path, model, hub.url)
        with pytest.raises(FetchFailed) as caught:
            pull(store, model)
        assert tree(store.workplace(model)) == ["config.json"]
        assert not store.path(model).exists()
        put_all(hub)
        hub.asked.clear()
        pull(store, model)
    assert hub.asked == [PLACE + "model.bin", PLACE + "tokens.txt"]
    assert_whole(store, model)
    text = str(caught.value)
    for part in (
        f"{hub.url}{PLACE}model.bin: HTTP 404",
        "models.hub_mirror",
        "config.json, model.bin, tokens.txt",
        f"  {hub.url}{PLACE}\n",
        f"rasr models pull {model.name} --from FILE",
    ):
        assert part in text


def test_a_mirror_of_the_hub_is_tried_first(tmp_path: Path) -> None:
    model = on_hub()
    with shelving() as hub, shelving() as mirror:
        put_all(hub)
        put_all(mirror)
        del mirror.files[PLACE + "model.bin"]
        store = store_of(tmp_path, model, hub.url)
        pull(store, model, mirrors=Mirrors(hub=mirror.url))
    assert mirror.asked == [PLACE + name for name in FILES]
    assert hub.asked == [PLACE + "model.bin"]
    assert_whole(store, model)


def test_a_file_that_is_not_what_it_was_is_refused_and_not_kept(tmp_path: Path) -> None:
    model = on_hub()
    with shelving() as hub:
        put_all(hub)
        hub.files[PLACE + "config.json"] = b"[]"
        store = store_of(tmp_path, model, hub.url)
        with pytest.raises(ArchiveRefused, match=r"is not config\.json: its SHA-256 is "):
            pull(store, model)
        assert tree(store.workplace(model)) == []
        put_all(hub)
        pull(store, model)
    assert_whole(store, model)


def test_a_file_that_changed_since_the_first_pull_is_refused(tmp_path: Path) -> None:
    model = on_hub(known=False)
    with shelving() as hub:
        put_all(hub)
        store = store_of(tmp_path, model, hub.url)
        pull(store, model)
        store.remove(model)
        hub.files[PLACE + "config.json"] = b"[]"
        with pytest.raises(ArchiveRefused, match="has changed since config"):
            pull(store, model)
        known = json.loads(store.digests_file.read_text())
        del known[f"{model.name}/config.json"]
        store.digests_file.write_text(json.dumps(known))
        pull(store, model)
    assert store.state(model) is State.INSTALLED


def test_files_that_were_fetched_by_hand_are_installed_and_kept(tmp_path: Path) -> None:
    model = on_hub()
    store = store_of(tmp_path, model, "http://127.0.0.1:9")
    by_hand = []
    for name, whole in FILES.items():
        by_hand.append(tmp_path / name)
        by_hand[-1].write_bytes(whole)
    with pytest.raises(ArchiveRefused, match=r"^config\.json was not given, and test-zh-en needs"):
        pull(store, model, by_hand=by_hand[1:])
    pull(store, model, by_hand=by_hand)
    assert_whole(store, model)
    assert all(file.exists() for file in by_hand)
