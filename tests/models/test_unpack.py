"""What is unpacked, and what is refused: nothing is ever written outside of the folder."""

from __future__ import annotations

import bz2
import hashlib
import io
import struct
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rasr.models.errors import ArchiveRefused
from rasr.models.unpack import Bounds, unpack
from tests.models.archives import STEM, contents, file, folder, release, special, tar, written
from tests.models.conftest import tree

SMALL = Bounds(files=20, bytes=1 << 20, growth=5, growth_free_bytes=1 << 16, header_bytes=1 << 14)


def unpacked(tmp_path: Path, archive: bytes, bounds: Bounds | None = None) -> Path:
    target = tmp_path / "inside" / "unpacked"
    target.mkdir(parents=True)
    unpack(written(tmp_path / "archive", archive), target, lambda done, total: None, bounds)
    return target


@pytest.mark.parametrize("packing", ["bz2", "gz", "xz"])
def test_every_file_is_unpacked_with_its_digest(tmp_path: Path, packing: str) -> None:
    target = tmp_path / "unpacked"
    target.mkdir()
    archive = written(tmp_path / "archive", release(packing=packing))
    told: list[tuple[int, int | None]] = []
    files = unpack(archive, target, lambda done, total: told.append((done, total)))
    expected = {f"{STEM}/{name}": content for name, content in contents().items()}
    assert {name: (one.bytes, one.sha256) for name, one in files.items()} == {
        name: (len(content), hashlib.sha256(content).hexdigest())
        for name, content in expected.items()
    }
    assert {name: (target / name).read_bytes() for name in expected} == expected
    assert told[-1] == (archive.stat().st_size, archive.stat().st_size)


def test_what_macos_adds_is_left_out(tmp_path: Path) -> None:
    litter = [file("._release"), file(f"{STEM}/._tokens.txt"), file(f"{STEM}/.DS_Store")]
    target = unpacked(tmp_path, tar([*litter, file(f"{STEM}/tokens.txt")]))
    assert tree(target) == [STEM, f"{STEM}/tokens.txt"]


@pytest.mark.parametrize(
    ("member", "sentence"),
    [
        (file("../escaped"), "leaves the model's folder"),
        (file(f"{STEM}/../../../escaped"), "leaves the model's folder"),
        (file("/tmp/escaped"), "leaves the model's folder"),
        (folder("../escaped"), "leaves the model's folder"),
        (file("..\\escaped"), "characters that no model needs"),
        (file("C:escaped"), "characters that no model needs"),
        (file("a\nb"), "characters that no model needs"),
        (file("a" * 300), "is longer than 240"),
        (special("link", tarfile.SYMTYPE, "/etc/passwd"), "'link' is a link"),
        (special("link", tarfile.SYMTYPE, ".."), "'link' is a link"),
        (special("link", tarfile.LNKTYPE, "../../archive"), "'link' is a link"),
        (special("device", tarfile.CHRTYPE), "neither a file nor a folder"),
        (special("disk", tarfile.BLKTYPE), "neither a file nor a folder"),
        (special("pipe", tarfile.FIFOTYPE), "neither a file nor a folder"),
        (special("sparse", tarfile.GNUTYPE_SPARSE), "neither|whole tar"),
    ],
)
def test_a_member_that_no_model_has_refuses_the_archive(
    tmp_path: Path, member: tuple[tarfile.TarInfo, bytes], sentence: str
) -> None:
    with pytest.raises(ArchiveRefused, match=sentence):
        unpacked(tmp_path, tar([file("first"), member]))
    assert {"archive", "inside", "inside/unpacked"}.issuperset(
        name for name in tree(tmp_path) if "first" not in name
    )


def test_a_file_behind_a_link_of_the_same_name_is_never_written(tmp_path: Path) -> None:
    link = special("way", tarfile.SYMTYPE, str(tmp_path))
    with pytest.raises(ArchiveRefused, match="is a link"):
        unpacked(tmp_path, tar([link, file("way/escaped")]))
    assert not (tmp_path / "escaped").exists()


@pytest.mark.parametrize(
    "members",
    [
        [file("a", b"1"), file("a", b"2")],
        [file("a"), file("a/b")],
        [file("a/b"), file("a")],
        [file("a"), folder("a")],
    ],
)
def test_a_path_that_is_there_twice_refuses_the_archive(
    tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]]
) -> None:
    with pytest.raises(ArchiveRefused, match="twice"):
        unpacked(tmp_path, tar(members))


def test_a_bomb_in_a_file_is_stopped_early(tmp_path: Path) -> None:
    bomb = tar([file("bomb", bytes(50_000_000))])
    assert len(bomb) < 10_000
    with pytest.raises(ArchiveRefused, match="more than 25 times its size"):
        unpacked(tmp_path, bomb)
    written_bytes = (tmp_path / "inside/unpacked/bomb").stat().st_size
    assert written_bytes < 6_000_000


def test_a_bomb_in_a_header_is_stopped_early(tmp_path: Path) -> None:
    bomb = tar([file("a")], pax_headers={"comment": "x" * 20_000_000})
    with pytest.raises(ArchiveRefused, match="header too large"):
        unpacked(tmp_path, bomb)


def test_headers_within_headers_without_end_are_stopped(tmp_path: Path) -> None:
    # Each names the next member, which names the next one.
    member = tarfile.TarInfo("././@LongLink")
    member.type = tarfile.GNUTYPE_LONGNAME
    member.size = 10
    block = member.tobuf(tarfile.GNU_FORMAT) + b"long name\0".ljust(512, b"\0")
    with pytest.raises(ArchiveRefused):
        unpacked(tmp_path, bz2.compress(block * 5000))


def test_more_bytes_than_a_model_may_have_are_refused(tmp_path: Path) -> None:
    files = contents(2 << 20)
    with pytest.raises(ArchiveRefused, match="more than 1048576 bytes"):
        unpacked(tmp_path, release(files), SMALL)


def test_more_files_than_a_model_may_have_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveRefused, match="more than 20 entries"):
        unpacked(tmp_path, tar([file(str(number)) for number in range(30)]), SMALL)


def test_a_size_that_lies_is_not_believed(tmp_path: Path) -> None:
    member = tarfile.TarInfo("a")
    member.size = 1 << 40
    with pytest.raises(ArchiveRefused, match=r"damaged|whole tar|more than"):
        unpacked(tmp_path, bz2.compress(member.tobuf() + bytes(10240)))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_an_archive_that_is_cut_off_is_refused(tmp_path: Path, share: float) -> None:
    archive = release()
    with pytest.raises(ArchiveRefused, match=r"damaged or cut off|whole tar"):
        unpacked(tmp_path, archive[: int(len(archive) * share)])


def test_an_archive_with_a_wrong_byte_is_refused(tmp_path: Path) -> None:
    archive = bytearray(release())
    archive[len(archive) // 2] ^= 1
    with pytest.raises(ArchiveRefused, match=r"damaged|whole tar"):
        unpacked(tmp_path, bytes(archive))


@pytest.mark.parametrize("content", [b"", b"<html>Not Found</html>", b"PK\3\4zip", bytes(10240)])
def test_what_is_no_archive_is_refused_with_how_it_begins(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ArchiveRefused, match=r"not a tar\.bz2"):
        unpacked(tmp_path, content)


def test_packed_bytes_that_are_no_tar_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveRefused, match="whole tar"):
        unpacked(tmp_path, bz2.compress(b"just a text" * 1000))


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_whatever_a_header_says_nothing_is_written_elsewhere(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    tmp_path = tmp_path_factory.mktemp("fuzz")
    headers = data.draw(
        st.lists(
            st.tuples(
                st.sampled_from(["a", "../a", "/a", "a/../../a", "b/c", "./a", "", "."]),
                st.sampled_from([tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, b"7", b"S"]),
                st.integers(0, 2000),
            ),
            max_size=5,
        )
    )
    raw = io.BytesIO()
    for name, kind, size in headers:
        member = tarfile.TarInfo(name)
        member.type, member.size, member.linkname = kind, size, "../.."
        raw.write(member.tobuf(tarfile.GNU_FORMAT) + bytes(-(-size // 512) * 512))
    spoilt = bytearray(raw.getvalue() + bytes(1024))
    for place, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(spoilt) - 1), st.integers(0, 255)), max_size=4)
    ):
        spoilt[place] = value
        header = place // 512 * 512
        # The sum is made to fit again, or nothing behind it would be looked at.
        spoilt[header + 148 : header + 156] = b" " * 8
        total = sum(struct.unpack("512B", bytes(spoilt[header : header + 512])))
        spoilt[header + 148 : header + 156] = b"%06o\0 " % total
    try:
        unpacked(tmp_path, bz2.compress(bytes(spoilt)))
    except ArchiveRefused:
        pass
    outside = [
        one for one in tmp_path.rglob("*") if not one.is_relative_to(tmp_path / "inside/unpacked")
    ]
    assert {one.name for one in outside} == {"archive", "inside"}
    assert not any(one.is_symlink() for one in tmp_path.rglob("*"))
