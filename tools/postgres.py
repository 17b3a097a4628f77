"""A server of PostgreSQL of the tests' own, on loopback, in a folder that goes with it."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

USER = "rasr"


def programs() -> Path | None:
    """Where Debian's package puts the programs of the newest version that is installed."""
    found = [
        path.parent
        for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")
        if path.parents[1].name.isdigit()
    ]
    return max(found, key=lambda path: int(path.parents[0].name), default=None)


def why_not() -> str | None:
    """Why no server can be started here, in one sentence; None if one can."""
    if programs() is None:
        return "PostgreSQL is not installed (Debian: apt-get install postgresql)"
    if os.getuid() == 0 and _account() is None:
        return "PostgreSQL refuses to run as root, and there is no user postgres"
    return None


class PostgresServer:
    """A server that runs."""

    def __init__(self, folder: Path, port: int, process: subprocess.Popen[bytes]) -> None:
        self._folder = folder
        self._port = port
        self._process = process
        self._numbers = itertools.count()

    def url(self, database: str) -> str:
        """The address of a database."""
        return f"postgresql://{USER}@127.0.0.1:{self._port}/{database}"

    @property
    def pid(self) -> int:
        """Its first process."""
        return self._process.pid

    def said(self) -> str:
        """What it has written into its log."""
        return (self._folder / "log").read_text("utf-8", "replace")

    def make_database(self, template: str = "template0") -> str:
        """Make a database. Returns its name."""
        name = f"of_a_test_{next(self._numbers)}"
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def remove_database(self, name: str) -> None:
        """Delete a database, whoever is in it."""
        self.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def run(self, statement: str, database: str = "postgres") -> str:
        """What a statement answers."""
        bin_folder = programs()
        assert bin_folder is not None
        return subprocess.run(
            [
                *(bin_folder / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1"),
                *("-c", statement, self.url(database)),
            ],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """No process of the server does anything: connections hang."""
        # Each process of a connection is of a group of its own.
        process: Any = psutil.Process(self._process.pid)  # type: ignore[no-untyped-call]
        stopped = [process, *process.children(recursive=True)]
        for one in stopped:
            one.suspend()
        try:
            yield
        finally:
            for one in stopped:
                one.resume()


@contextmanager
def serving() -> Iterator[PostgresServer]:
    """Start a server, and stop it."""
    bin_folder = programs()
    assert bin_folder is not None
    folder = Path(tempfile.mkdtemp(prefix="rasr-postgres-"))
    account = _account()
    if account is not None:
        os.chown(folder, account["user"], account["group"])
    own: dict[str, Any] = {"cwd": folder, **(account or {})}
    data = folder / "data"
    try:
        subprocess.run(
            [
                *(bin_folder / "initdb", "-D", data, "-U", USER, "-A", "trust"),
                *("-E", "UTF8", "--locale=C.UTF-8", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            **own,
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            "fsync": "off",
            "max_connections": 40,
            "shared_buffers": "16MB",
        }
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    *(bin_folder / "postgres", "-D", data),
                    *(word for key, value in settings.items() for word in ("-c", f"{key}={value}")),
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
                **own,
            )
        try:
            _wait_until_it_answers(bin_folder, port, process, folder / "log")
            yield PostgresServer(folder, port, process)
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_it_answers(
    bin_folder: Path, port: int, process: subprocess.Popen[bytes], log: Path
) -> None:
    while process.poll() is None:
        # The program itself waits, a second at most.
        asked = ("-q", "-t", "1", "-h", "127.0.0.1", "-p", str(port))
        if subprocess.run([bin_folder / "pg_isready", *asked], check=False).returncode == 0:
            return
    raise RuntimeError(f"PostgreSQL did not start: {log.read_text('utf-8', 'replace')}")


def _account() -> dict[str, Any] | None:
    """As whom it runs: None for whoever runs the tests."""
    if os.getuid() != 0:
        return None
    import pwd

    try:
        entry = pwd.getpwnam("postgres")
    except KeyError:
        return None
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
