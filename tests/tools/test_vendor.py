"""Vendored files come from the packages that the list names, and are not edited."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from tools.vendor import ROOT, Vendored, VendorError, vendored


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "one.tgz"
    with tarfile.open(path, "w:gz") as package:
        for name, text in (("LICENSE", b"MIT\n"), ("index.mjs", b"export const one = 1;\n")):
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(text)
            package.addfile(info, io.BytesIO(text))
    return path


def of(archive: Path) -> Vendored:
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    return Vendored("one", "1.0.0", f"sha512-{digest}", "index.mjs", "LICENSE", "one.js", "")


def test_a_file_is_made_with_its_licence(archive: Path) -> None:
    assert of(archive).made_from(archive).decode() == (
        "// one 1.0.0, made by `make vendor`; not to be edited.\n/*\nMIT\n*/\n\n"
        "export const one = 1;\n"
    )


def test_a_package_with_another_hash_is_refused(archive: Path) -> None:
    with pytest.raises(VendorError, match=r"one 1\.0\.0 has the hash sha512-"):
        replace(of(archive), integrity="sha512-other").made_from(archive)


def test_what_is_here_is_what_was_made() -> None:
    assert vendored()
    for one in vendored():
        content = (ROOT / one.path).read_bytes()
        assert hashlib.sha256(content).hexdigest() == one.sha256, f"make vendor: {one.path}"
