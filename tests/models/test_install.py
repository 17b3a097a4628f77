"""A pull, whatever the host, the disk and the person do: whole or not at all, and continued."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from rasr.models.catalogue import Catalogue, Mirrors, Model
from rasr.models.errors import (
    ArchiveRefused,
    FetchFailed,
    FolderFailed,
    ModelError,
    PullRunning,
    UnknownModel,
)
from rasr.models.install import install
from rasr.models.record import RECORD_NAME, read_record
from rasr.models.store import State, Store
from tests.models.archives import (
    NAME,
    STEM,
    contents,
    file,
    folder,
    noise,
    release,
    special,
    tar,
    written,
)
from tests.models.conftest import Quiet, make_model, make_store, put, tree
from tests.models.host import (
    Answer,
    Host,
    breaking,
    hosting,
    once,
    portal,
    ranged,
    refusing,
    silent,
    whole,
)
from tests.models.shelf import shelving

RELEASE = release()


def store_of(tmp_path: Path, model: Model, *hosts: Host) -> Store:
    return make_store(tmp_path, model, bases=tuple(host.url for host in hosts))


def pull(store: Store, **options: Any) -> Path:
    return install(store, store.catalogue.get(NAME), Quiet(), **options)


def assert_whole(store: Store) -> None:
    model = store.catalogue.get(NAME)
    place = store.path(model)
    assert store.state(model) is State.INSTALLED
    assert {name: (place / name).read_bytes() for name in contents()} == contents()
    assert store.check(model).damage == ()
    # Nothing else is left.
    assert [name for name in tree(store.folder / "downloads") if "/" not in name] == []


def assert_nothing_installed(store: Store) -> None:
    assert not store.path(store.catalogue.get(NAME)).exists()
    assert not any("unpacked" in name for name in tree(store.folder))


@pytest.mark.parametrize("known", [True, False], ids=["digest known", "digest unknown"])
def test_a_pull_installs_every_file_and_records_what_came(tmp_path: Path, known: bool) -> None:
    model = make_model(RELEASE) if known else make_model()
    watcher = Quiet()
    with hosting(RELEASE) as host:
        store = store_of(tmp_path, model, host)
        place = install(store, model, watcher)
    assert place == tmp_path / "models" / NAME
    assert_whole(store)
    assert watcher.stages == ["fetching", "verifying", "unpacking"]
    assert (len(RELEASE), len(RELEASE)) in watcher.done
    record = read_record(place)
    assert record is not None
    assert (record.name, record.languages, record.bytes) == (NAME, model.languages, len(RELEASE))
    assert record.source == f"{host.url}/{STEM}.tar.bz2"
    assert record.files.keys() == contents().keys()
    assert store.known_digest(f"{STEM}.tar.bz2") == record.sha256


def test_an_archive_without_a_folder_at_its_top_is_installed_too(tmp_path: Path) -> None:
    archive = tar([file(name, content) for name, content in contents().items()])
    with hosting(archive) as host:
        store = store_of(tmp_path, make_model(), host)
        pull(store)
    assert_whole(store)


def test_a_connection_that_breaks_is_continued_at_once(tmp_path: Path) -> None:
    with hosting(RELEASE, breaking(70_000)) as host:
        store = store_of(tmp_path, make_model(), host)
        pull(store)
    assert_whole(store)
    assert host.asked == [None, "bytes=70000-", "bytes=140000-"]


@pytest.mark.parametrize("known", [True, False], ids=["digest known", "digest unknown"])
def test_a_pull_that_was_cut_off_is_continued_by_the_next_one(tmp_path: Path, known: bool) -> None:
    model = make_model(RELEASE) if known else make_model()
    with hosting(RELEASE, once(breaking(70_000), silent)) as host:
        store = store_of(tmp_path, model, host)
        with pytest.raises(FetchFailed):
            pull(store)
        assert_nothing_installed(store)
        host.answer = ranged
        host.asked.clear()
        pull(store)
        assert host.asked == ["bytes=70000-"]
    assert_whole(store)


def test_a_part_of_an_older_release_is_not_continued(tmp_path: Path) -> None:
    with hosting(release({"old": noise(90_000)}), once(breaking(300), silent)) as host:
        store = store_of(tmp_path, make_model(), host)
        with pytest.raises(FetchFailed):
            pull(store)
        host.body = RELEASE
        host.answer = ranged
        pull(store)
    assert_whole(store)


def leave_part(store: Store, model: Model, address: str, version: str | None, part: bytes) -> None:
    """What an earlier pull would have left."""
    workplace = store.workplace(model)
    workplace.mkdir(parents=True)
    (workplace / f"{STEM}.tar.bz2.part").write_bytes(part)
    origin = {"address": f"{address}/{STEM}.tar.bz2", "version": version}
    (workplace / f"{STEM}.tar.bz2.part.json").write_text(json.dumps(origin))


@pytest.mark.parametrize("known", [True, False], ids=["digest known", "digest unknown"])
@pytest.mark.parametrize("named", [True, False], ids=["version named", "no version"])
def test_a_part_is_continued_only_if_something_vouches_for_the_rest(
    tmp_path: Path, known: bool, named: bool
) -> None:
    model = make_model(RELEASE) if known else make_model()
    with hosting(RELEASE) as host:
        store = store_of(tmp_path, model, host)
        leave_part(store, model, host.url, host.tag if named else None, RELEASE[:1000])
        pull(store)
    assert host.asked == ["bytes=1000-" if known or named else None]
    assert_whole(store)


def test_a_part_of_one_address_is_not_continued_at_another(tmp_path: Path) -> None:
    model = make_model(RELEASE)
    with hosting(RELEASE, silent) as gone, hosting(RELEASE) as host:
        store = store_of(tmp_path, model, gone, host)
        leave_part(store, model, gone.url, gone.tag, RELEASE[:1000])
        pull(store)
        assert (gone.asked, host.asked) == (["bytes=1000-"], [None])
        store.remove(model)
        # An address that is dead does not cost the part of one that lives.
        leave_part(store, model, host.url, host.tag, RELEASE[:1000])
        host.asked.clear()
        pull(store)
        assert host.asked == ["bytes=1000-"]
    assert_whole(store)


def test_a_spoilt_part_is_fetched_anew(tmp_path: Path) -> None:
    model = make_model(RELEASE)
    with hosting(RELEASE) as host:
        store = store_of(tmp_path, model, host)
        leave_part(store, model, host.url, None, b"?" * 1000)
        pull(store)
    assert host.asked == ["bytes=1000-", None]
    assert_whole(store)


def test_a_host_that_breaks_and_spoils_is_not_asked_for_ever(tmp_path: Path) -> None:
    model = make_model(RELEASE)
    spoilt = RELEASE[:-1] + b"?"
    with hosting(spoilt) as host:
        store = store_of(tmp_path, model, host)
        leave_part(store, model, host.url, None, RELEASE[:1000])
        with pytest.raises(ArchiveRefused):
            pull(store)
    assert host.asked == ["bytes=1000-", None]
    assert_nothing_installed(store)


def test_a_host_without_range_gives_the_whole_again(tmp_path: Path) -> None:
    def cut_off(request: Any) -> None:
        request.reply(200, request.host.body[:500], len(request.host.body))

    with hosting(RELEASE, once(cut_off, silent)) as host:
        store = store_of(tmp_path, make_model(RELEASE), host)
        with pytest.raises(FetchFailed):
            pull(store)
        host.answer = whole
        pull(store)
        assert host.asked[-1] == "bytes=500-"
    assert_whole(store)


def test_a_range_that_was_not_asked_for_is_not_believed(tmp_path: Path) -> None:
    def wrong_range(request: Any) -> None:
        total = len(request.host.body)
        request.reply(206, b"?" * 10, Content_Range=f"bytes 0-9/{total}")

    model = make_model(RELEASE)
    with hosting(RELEASE, once(wrong_range)) as host:
        store = store_of(tmp_path, model, host)
        leave_part(store, model, host.url, None, RELEASE[:1000])
        pull(store)
    assert_whole(store)


@pytest.mark.parametrize("part", [RELEASE[:1000], RELEASE + b"more"])
def test_a_part_longer_than_the_archive_starts_anew(tmp_path: Path, part: bytes) -> None:
    model = make_model(RELEASE)
    answer = once(refusing(416)) if len(part) < len(RELEASE) else ranged
    with hosting(RELEASE, answer) as host:
        store = store_of(tmp_path, model, host)
        leave_part(store, model, host.url, host.tag, part)
        pull(store)
    assert host.asked[-1] is None
    assert_whole(store)


def test_a_part_that_is_already_whole_is_not_asked_for(tmp_path: Path) -> None:
    model = make_model(RELEASE)
    with hosting(RELEASE) as host:
        store = store_of(tmp_path, model, host)
        leave_part(store, model, host.url, host.tag, RELEASE)
        pull(store)
    assert host.asked == []
    assert_whole(store)


def test_a_redirect_is_followed(tmp_path: Path) -> None:
    with hosting(RELEASE) as storage:

        def elsewhere(request: Any) -> None:
            request.reply(302, b"", Location=f"{storage.url}/signed?x=1")

        with hosting(b"", elsewhere) as host:
            store = store_of(tmp_path, make_model(RELEASE), host)
            pull(store)
    assert_whole(store)


def test_a_redirect_without_end_is_told(tmp_path: Path) -> None:
    with hosting(b"", lambda request: request.reply(302, b"", Location="/again")) as host:
        with pytest.raises(FetchFailed, match="redirects"):
            pull(store_of(tmp_path, make_model(), host))


@pytest.mark.parametrize(
    "answer",
    [
        refusing(404),
        refusing(503),
        silent,
        portal,
        breaking(0),
        once(breaking(70_000), silent),
        lambda request: request.reply(200, b"<html>blocked</html>"),
        lambda request: request.reply(200, request.host.body + b"more"),
    ],
    ids=["404", "503", "silence", "portal", "nothing", "breaks", "another size", "more"],
)
def test_the_next_address_is_tried_where_one_fails(tmp_path: Path, answer: Answer) -> None:
    with hosting(RELEASE, answer) as broken, hosting(RELEASE) as mirror:
        store = store_of(tmp_path, make_model(RELEASE), broken, mirror)
        pull(store)
        record = read_record(store.path(make_model()))
        assert record is not None
        assert record.source.startswith(mirror.url)
    assert_whole(store)


def test_a_mirror_of_ones_own_is_tried_first(tmp_path: Path) -> None:
    with hosting(RELEASE) as release_page, hosting(RELEASE) as mirror:
        store = store_of(tmp_path, make_model(RELEASE), release_page)
        pull(store, mirrors=Mirrors(f"{mirror.url}/models/"))
        assert (len(mirror.asked), len(release_page.asked)) == (1, 0)
    assert_whole(store)


@pytest.mark.parametrize("mirror", ["mirror.example", "ftp://mirror.example", "http://[", "/x"])
def test_a_mirror_that_is_no_address_is_told_and_the_others_tried(
    tmp_path: Path, mirror: str
) -> None:
    with hosting(RELEASE) as host:
        pull(store_of(tmp_path, make_model(RELEASE), host), mirrors=Mirrors(mirror))
    bad = store_of(tmp_path / "other", make_model(RELEASE))
    with pytest.raises(FetchFailed) as caught:
        pull(bad, mirrors=Mirrors(mirror))
    assert f"  {mirror}/{STEM}.tar.bz2: " in str(caught.value)


def test_off_line_it_says_what_to_fetch_by_hand_and_where_to_put_it(tmp_path: Path) -> None:
    with hosting(b"") as gone:
        pass
    model = make_model(RELEASE)
    store = store_of(tmp_path, model, gone)
    with pytest.raises(FetchFailed) as caught:
        pull(store)
    text = str(caught.value)
    by_hand = store.workplace(model) / f"{STEM}.tar.bz2"
    for part in (
        f"  {gone.url}/{STEM}.tar.bz2: ",
        "refused",
        f"({len(RELEASE)} bytes)",
        f"SHA-256 is {model.sha256}",
        f"rasr models pull {NAME} --from FILE",
        str(by_hand),
    ):
        assert part in text
    # And so it is.
    by_hand.write_bytes(RELEASE)
    pull(store)
    assert_whole(store)


def test_an_archive_that_was_fetched_by_hand_is_installed_and_kept(tmp_path: Path) -> None:
    by_hand = tmp_path / "from a stick.tar.bz2"
    by_hand.write_bytes(RELEASE)
    store = store_of(tmp_path, make_model(RELEASE))
    pull(store, by_hand=[by_hand])
    assert_whole(store)
    assert by_hand.exists()


@pytest.mark.parametrize(
    ("by_hand", "sentence"),
    [
        (RELEASE[:-100], f"has {len(RELEASE) - 100} bytes"),
        (RELEASE[:-1] + b"?", "SHA-256 is"),
    ],
)
def test_an_archive_by_hand_that_is_another_one_is_refused(
    tmp_path: Path, by_hand: bytes, sentence: str
) -> None:
    file = tmp_path / "archive"
    file.write_bytes(by_hand)
    store = store_of(tmp_path, make_model(RELEASE))
    with pytest.raises(ArchiveRefused, match=sentence):
        pull(store, by_hand=[file])
    assert_nothing_installed(store)


def test_a_wrong_digest_is_refused_and_not_kept(tmp_path: Path) -> None:
    model = make_model(RELEASE, sha256="0" * 64)
    with hosting(RELEASE) as host:
        store = store_of(tmp_path, model, host)
        for _ in range(2):
            with pytest.raises(ArchiveRefused, match=f"the catalogue has {'0' * 64}"):
                pull(store)
            assert tree(store.workplace(model)) == []
        # Nothing was continued.
        assert host.asked == [None, None]
    assert_nothing_installed(store)


def test_a_release_that_changed_since_the_first_pull_is_refused(tmp_path: Path) -> None:
    model = make_model()
    with hosting(RELEASE) as host:
        store = store_of(tmp_path, model, host)
        pull(store)
        store.remove(model)
        host.body = release(contents() | {"README.md": b"another model\n"})
        with pytest.raises(ArchiveRefused) as caught:
            pull(store)
        assert str(store.digests_file) in str(caught.value)
        assert_nothing_installed(store)
        known = json.loads(store.digests_file.read_text())
        del known[f"{STEM}.tar.bz2"]
        store.digests_file.write_text(json.dumps(known))
        pull(store)
        assert store.state(model) is State.INSTALLED


REFUSED = {
    "broken": RELEASE[: len(RELEASE) // 2],
    "no archive": b"<html>Please log in</html>",
    "escape": release(None, file("../../escaped")),
    "absolute": release(None, file("/tmp/rasr-escaped")),
    "symbolic link": release(None, special(f"{STEM}/bpe.model", tarfile.SYMTYPE, "/etc/passwd")),
    "hard link": release(None, special(f"{STEM}/bpe.model", tarfile.LNKTYPE, "../../../x")),
    "bomb": release(None, file(f"{STEM}/bomb", bytes(60_000_000))),
    "a file lacks": release({"encoder.int8.onnx": b"x", "tokens.txt": b"x"}),
    "empty": tar([folder(STEM)]),
}


@pytest.mark.parametrize("archive", REFUSED.values(), ids=REFUSED.keys())
def test_an_archive_that_is_refused_leaves_nothing(tmp_path: Path, archive: bytes) -> None:
    with hosting(archive) as host:
        store = store_of(tmp_path, make_model(), host)
        with pytest.raises(ArchiveRefused, match=f"{host.url}/{STEM}.tar.bz2 is refused: "):
            pull(store)
        assert tree(tmp_path) == ["models", "models/downloads", f"models/downloads/{NAME}"]
        # The next pull starts anew and gets what is there then.
        host.body = RELEASE
        pull(store)
    assert_whole(store)


def test_a_file_that_lacks_is_named(tmp_path: Path) -> None:
    with hosting(REFUSED["a file lacks"]) as host:
        with pytest.raises(ArchiveRefused, match=r"lacks decoder\.onnx, joiner\*\.onnx, which"):
            pull(store_of(tmp_path, make_model(), host))


def test_what_lacks_files_is_replaced_by_a_pull(tmp_path: Path) -> None:
    model = make_model()
    with hosting(RELEASE) as host:
        store = store_of(tmp_path, model, host)
        (put(store, model) / "tokens.txt").unlink()
        (store.path(model) / "of the old one").touch()
        assert store.state(model) is State.BROKEN
        pull(store)
    assert_whole(store)
    assert not (store.path(model) / "of the old one").exists()


def test_what_is_installed_is_not_fetched_again(tmp_path: Path) -> None:
    store = store_of(tmp_path, make_model())
    put(store, make_model())
    with pytest.raises(ModelError, match=f"rasr models check {NAME}"):
        pull(store)


def test_a_bundled_model_is_not_pulled(tmp_path: Path) -> None:
    store = store_of(tmp_path, make_model(bundled=True, archive=None))
    with pytest.raises(ModelError, match="comes with rasr"):
        pull(store)


def test_of_two_pulls_at_once_the_second_one_is_refused(tmp_path: Path) -> None:
    store_at: list[Store] = []

    def pull_again(request: Any) -> None:
        # Whoever has the lock is here: it waits for this answer.
        script = (
            "import fcntl, os, sys\n"
            "fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        )
        workplace = store_at[0].workplace(make_model())
        other = subprocess.run([sys.executable, "-c", script, str(workplace)], stderr=-1)
        assert b"BlockingIOError" in other.stderr
        with pytest.raises(PullRunning, match="by another process"):
            pull(store_at[0])
        with pytest.raises(PullRunning, match="by another process"):
            store_at[0].remove(make_model())
        ranged(request)

    with hosting(RELEASE, pull_again) as host:
        store_at.append(store_of(tmp_path, make_model(), host))
        pull(store_at[0])
    assert_whole(store_at[0])


def test_a_lock_on_a_workplace_that_is_gone_is_not_taken_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_model()
    locked: list[int] = []
    lock = fcntl.flock

    def lock_late(handle: int, how: int) -> None:
        if not locked:
            # The pull before ends between open and lock.
            store.workplace(model).rmdir()
        # The store itself is locked for a moment too, and that lock is waited for.
        if how & fcntl.LOCK_NB:
            locked.append(handle)
        lock(handle, how)

    with hosting(RELEASE) as host:
        store = store_of(tmp_path, model, host)
        monkeypatch.setattr(fcntl, "flock", lock_late)
        pull(store)
    assert len(locked) == 2
    assert_whole(store)


def full_disk(*_: object) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_that_is_full_while_fetching_keeps_the_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_model()

    class Full:
        """A file that takes one chunk."""

        def __init__(self, opened: Any) -> None:
            self._opened = opened
            self._chunks = 0

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self._opened.close()

        def write(self, chunk: bytes) -> None:
            self._chunks += 1
            if self._chunks > 1:
                full_disk()
            self._opened.write(chunk)

    opened = Path.open

    def open_full(path: Path, *arguments: Any, **options: Any) -> Any:
        file = opened(path, *arguments, **options)
        return Full(file) if path.suffix == ".part" else file

    with hosting(RELEASE) as host:
        store = store_of(tmp_path, model, host)
        with monkeypatch.context() as patched:
            patched.setattr(Path, "open", open_full)
            with pytest.raises(FolderFailed) as caught:
                pull(store)
        assert "No space left on device" in str(caught.value)
        assert "MB are free there" in str(caught.value)
        assert_nothing_installed(store)
        pull(store)
        first, *_, last = host.asked
        assert first is None
        assert last is not None
        assert last.startswith("bytes=")
    assert_whole(store)


@pytest.mark.parametrize("kind", [OSError, KeyboardInterrupt])
def test_whatever_stops_the_unpacking_the_archive_is_kept_and_nothing_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[BaseException]
) -> None:
    model = make_model(RELEASE)
    synced: list[int] = []

    def stop_at_the_second(handle: int) -> None:
        synced.append(handle)
        if len(synced) == 2:
            raise kind(errno.ENOSPC, "No space left on device")

    with hosting(RELEASE) as host:
        store = store_of(tmp_path, model, host)
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", stop_at_the_second)
            with pytest.raises(FolderFailed if kind is OSError else kind):
                pull(store)
        assert_nothing_installed(store)
        assert tree(store.workplace(model)) == [f"{STEM}.tar.bz2"]
        pull(store)
        assert len(host.asked) == 1
    assert_whole(store)


def test_ctrl_c_while_fetching_keeps_the_part_and_installs_nothing(tmp_path: Path) -> None:
    class Interrupted(Quiet):
        def progress(self, done: int, total: int | None) -> None:
            if done:
                raise KeyboardInterrupt

    model = make_model(RELEASE)
    with hosting(RELEASE) as host:
        store = store_of(tmp_path, model, host)
        with pytest.raises(KeyboardInterrupt):
            install(store, model, Interrupted())
        assert_nothing_installed(store)
        pull(store)
        assert host.asked[1] is not None
    assert_whole(store)


def test_what_a_killed_pull_left_of_unpacking_is_deleted(tmp_path: Path) -> None:
    model = make_model(RELEASE)
    with hosting(RELEASE) as host:
        store = store_of(tmp_path, model, host)
        (store.workplace(model) / "unpacked" / "half").mkdir(parents=True)
        (store.workplace(model) / "replaced").mkdir()
        pull(store)
    assert_whole(store)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    with pytest.raises(FolderFailed, match=str(tmp_path / "models")):
        pull(store_of(tmp_path, make_model()))


def test_a_name_that_nobody_knows_is_told_with_where_to_look(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match="'unheard'; rasr models list shows"):
        Catalogue((make_model(),), ()).get("unheard")


def test_an_encrypted_address_may_not_lead_to_one_that_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hosting(RELEASE) as host:

        def route(client: Any, method: str, url: str, **options: Any) -> Any:
            # As if the encrypted address had led to this host.
            return stream(client, method, url.replace("https://safe.example", host.url), **options)

        stream = httpx.Client.stream
        monkeypatch.setattr(httpx.Client, "stream", route)
        store = make_store(tmp_path, make_model(), bases=("https://safe.example",))
        with pytest.raises(FetchFailed, match="which is not encrypted"):
            pull(store)
    assert RECORD_NAME not in "".join(tree(tmp_path))


def beside(content: bytes) -> tuple[dict[str, object], ...]:
    digest = hashlib.sha256(content).hexdigest()
    file = {"name": "vocoder.onnx", "page": "vocoder-models", "bytes": len(content)}
    return (file | {"sha256": digest},)


def test_a_file_beside_the_archive_is_fetched_and_recorded_too(tmp_path: Path) -> None:
    vocoder = noise(20_000)
    model = make_model(RELEASE, page="tts-models", beside=beside(vocoder))
    with shelving() as shelf:
        shelf.files = {
            f"/tts-models/{STEM}.tar.bz2": RELEASE,
            "/vocoder-models/vocoder.onnx": vocoder,
        }
        bases = (f"{shelf.url}/{{page}}/",)
        store = Store(tmp_path / "models", Catalogue((model,), bases), tmp_path / "bundled")
        place = pull(store)
    assert (place / "vocoder.onnx").read_bytes() == vocoder
    assert store.check(model).damage == ()
    record = read_record(place)
    assert record is not None
    assert record.files.keys() == {*contents(), "vocoder.onnx"}
    assert record.bytes == model.download_bytes == len(RELEASE) + len(vocoder)
    (place / "vocoder.onnx").unlink()
    assert store.state(model) is State.BROKEN


def test_a_file_beside_the_archive_is_given_by_hand_or_named(tmp_path: Path) -> None:
    vocoder = noise(20_000)
    model = make_model(RELEASE, beside=beside(vocoder))
    store = Store(tmp_path / "models", Catalogue((model,), ()), tmp_path / "bundled")
    archive = written(tmp_path / f"{STEM}.tar.bz2", RELEASE)
    with pytest.raises(ArchiveRefused, match=r"vocoder\.onnx was not given, and .* needs it"):
        install(store, model, Quiet(), by_hand=[archive])
    other = written(tmp_path / "vocoder.onnx", noise(20_001))
    with pytest.raises(ArchiveRefused, match=r"has 20001 bytes, vocoder\.onnx has 20000"):
        install(store, model, Quiet(), by_hand=[archive, other])
    assert_nothing_installed(store)
    other.write_bytes(vocoder)
    assert (install(store, model, Quiet(), by_hand=[other, archive]) / "vocoder.onnx").is_file()


def test_what_cannot_be_fetched_beside_the_archive_is_told_by_its_name(tmp_path: Path) -> None:
    model = make_model(RELEASE, page="tts-models", beside=beside(noise(20_000)))
    with shelving() as shelf:
        shelf.files = {f"/tts-models/{STEM}.tar.bz2": RELEASE}
        bases = (f"{shelf.url}/{{page}}/",)
        store = Store(tmp_path / "models", Catalogue((model,), bases), tmp_path / "bundled")
        with pytest.raises(
            FetchFailed, match=r"fetch vocoder\.onnx .20000 bytes. elsewhere"
        ) as told:
            pull(store)
    assert f"--from FILE for each of {STEM}.tar.bz2 and vocoder.onnx" in str(told.value)
    assert_nothing_installed(store)
