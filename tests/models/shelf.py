"""Packages for a package index on loopback, and that index."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.models.archives import file, tar
from tests.models.host import Host, Request, hosting


def wheel(
    files: Mapping[str, bytes],
    name: str = "some_weights",
    version: str = "1.0",
    packing: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """A wheel with these files and what pip wants in it."""
    about = f"{name}-{version}.dist-info"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", packing) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
        archive.writestr(
            f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        )
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    return packed.getvalue()


def tarball(files: Mapping[str, bytes]) -> bytes:
    """A package as npm has it."""
    about = json.dumps({"name": "some-weights", "version": "1.0.0"}).encode()
    members = {"package.json": about, **files}
    return tar([file(f"package/{path}", content) for path, content in members.items()], "gz")


@dataclass
class Shelf:
    """What a host has, by path; it can be changed while the host runs."""

    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    host: Host = field(default_factory=lambda: Host(b""))

    @property
    def url(self) -> str:
        return self.host.url

    def put_wheel(self, name: str, content: bytes) -> None:
        """A wheel, and its page in a "simple" index (PEP 503)."""
        project = name.split("-")[0].replace("_", "-")
        page = f"/simple/{project}/"
        link = f'<a href="/files/{name}">{name}</a>\n'.encode()
        self.files[page] = self.files.get(page, b"<!DOCTYPE html>\n") + link
        self.files[f"/files/{name}"] = content

    def put_tarball(self, content: bytes) -> None:
        """A package of npm, and its page."""
        sha = b64encode(hashlib.sha512(content).digest()).decode()
        dist = {"tarball": f"{self.url}/some-weights-1.0.0.tgz", "integrity": f"sha512-{sha}"}
        version = {"name": "some-weights", "version": "1.0.0", "dist": dist}
        page = {"name": "some-weights", "versions": {"1.0.0": version}}
        self.files["/some-weights"] = json.dumps(page).encode()
        self.files["/some-weights-1.0.0.tgz"] = content

    def answer(self, request: Request) -> None:
        self.asked.append(request.path)
        found = self.files.get(request.path)
        if found is None:
            request.reply(404, b"")
        else:
            kind = "text/html" if request.path.startswith("/simple/") else "application/json"
            request.reply(200, found, Content_Type=kind)


@contextmanager
def shelving() -> Iterator[Shelf]:
    """A host of files, for as long as the block runs."""
    shelf = Shelf()
    with hosting(b"", shelf.answer) as host:
        shelf.host = host
        yield shelf
