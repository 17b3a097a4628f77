"""Makes the files of other projects in `rasr/web` anew: `python -m tools.vendor` (needs npm).

Each comes from a package of npm, by its name, version and hash, as `tools/vendored.toml` says, with
the licence of its authors at its beginning.
"""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
LIST = ROOT / "tools" / "vendored.toml"


class VendorError(Exception):
    """A package is not what the list says."""


@dataclass(frozen=True, slots=True)
class Vendored:
    """A file and where it comes from."""

    package: str
    version: str
    integrity: str
    """sha512 of the package, as npm writes it."""
    source: str
    licence: str
    path: str
    sha256: str
    """Of the file."""

    def made_from(self, archive: Path) -> bytes:
        """The file, made from the package.

        Raises:
            VendorError: the package has another hash.
        """
        digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if f"sha512-{digest}" != self.integrity:
            raise VendorError(
                f"{self.package} {self.version} has the hash sha512-{digest}, not {self.integrity}"
            )
        with tarfile.open(archive) as package:
            licence, source = (
                _member(package, f"package/{name}") for name in (self.licence, self.source)
            )
        return self.header.encode() + b"/*\n" + licence.strip() + b"\n*/\n\n" + source

    @property
    def header(self) -> str:
        """The first line of the file: where it comes from."""
        return f"// {self.package} {self.version}, made by `make vendor`; not to be edited.\n"


def vendored() -> list[Vendored]:
    """Everything that is on the list."""
    return [Vendored(**one) for one in tomllib.loads(LIST.read_text("utf-8"))["file"]]


def _member(package: tarfile.TarFile, name: str) -> bytes:
    found = package.extractfile(name)
    if found is None:
        raise VendorError(f"{name} is no file of the package")
    return found.read()


def _fetch(one: Vendored, folder: Path) -> Path:
    command = ["npm", "pack", "--silent", f"{one.package}@{one.version}"]
    name = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    return folder / name.strip()


def main() -> None:
    """Make every file of the list anew."""
    for one in vendored():
        with tempfile.TemporaryDirectory() as folder:
            content = one.made_from(_fetch(one, Path(folder)))
        (ROOT / one.path).write_bytes(content)
        sys.stdout.write(f"{one.path}: sha256 {hashlib.sha256(content).hexdigest()}\n")


if __name__ == "__main__":
    main()
