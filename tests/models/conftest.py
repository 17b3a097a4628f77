"""A catalogue with one model, whose release file is on a host of the test."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from rasr.models.catalogue import Catalogue, Model
from rasr.models.store import Store
from tests.models.archives import NAME, STEM, contents

FILES = ("encoder.int8.onnx", "decoder.onnx", "joiner*.onnx", "tokens.txt")


def make_model(archive: bytes | None = None, /, **changes: object) -> Model:
    """The model of the tests; with `archive`, its size and digest are known."""
    known: dict[str, object] = {}
    if archive is not None:
        known = {"bytes": len(archive), "sha256": hashlib.sha256(archive).hexdigest()}
    facts: dict[str, object] = {
        "name": NAME,
        "kind": "streaming",
        "languages": ("chinese", "english"),
        "family": "zipformer transducer",
        "rate": 16000,
        "licence": "Apache-2.0",
        "good_for": "tests",
        "archive": f"{STEM}.tar.bz2",
        "files": FILES,
    }
    return Model.model_validate(facts | known | changes)


def make_store(folder: Path, *models: Model, bases: tuple[str, ...] = ()) -> Store:
    return Store(folder / "models", Catalogue(models, bases), folder / "bundled")


def put(store: Store, model: Model) -> Path:
    """The files of a model in its place, as if by hand."""
    place = store.path(model)
    for name, content in contents(100).items():
        file = place / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return place


def tree(folder: Path) -> list[str]:
    """Every file and folder below `folder`."""
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*"))


class Quiet:
    """A watcher that only counts."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.done: list[tuple[int, int | None]] = []

    def stage(self, name: str) -> None:
        self.stages.append(name)

    def progress(self, done: int, total: int | None) -> None:
        self.done.append((done, total))


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
