"""`rasr buckets`, and what it leaves in the audit."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Rasr
from tests.recordings.s3 import BUCKET, S3, s3

SECRET = b"SKgeheim\n"


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    """A server with an object."""
    with s3({"2026/a.wav": b"RIFF" * 100}) as running:
        yield running


@pytest.fixture
def project(told: Any) -> str:
    """The id of a project "a"."""
    return str(told("projects", "create", "a")["id"])


def add(rasr: Rasr, server: S3, *more: str, name: str = BUCKET) -> tuple[int, str]:
    words = ("--project", "a", "--endpoint", server.url, "--path-style", *more)
    done = rasr("buckets", "add", name, *words, input=SECRET)
    assert "geheim" not in done.output
    return done.exit_code, done.output


def test_a_bucket_is_added_listed_shown_tested_and_revoked(
    rasr: Rasr, server: S3, project: str
) -> None:
    assert add(rasr, server, "--access-id", "AK", "--json")[0] == 0
    shown = json.loads(rasr("buckets", "show", BUCKET, "--project", "a", "--json").stdout)
    assert shown["endpoint"] == server.url
    assert (shown["project_id"], shown["access_id"], shown["role"]) == (project, "AK", None)
    listed = rasr("buckets", "list", "--project", "a")
    assert listed.stdout.splitlines()[0].split() == [
        *("NAME", "PROJECT", "ENDPOINT", "BUCKET", "ACCESS", "ID", "ROLE", "CREATED")
    ]
    tested = rasr("buckets", "test", BUCKET, "2026/a.wav", "--project", "a", "--json")
    found = json.loads(tested.stdout)
    assert (found["bytes"], found["key"]) == (400, "2026/a.wav")
    # Nothing of it stays.
    assert not list(Path(os.environ["XDG_CACHE_HOME"], "rasr", "recordings").iterdir())
    gone = rasr("buckets", "revoke", BUCKET, "--project", "a")
    assert gone.stdout == "the project a has no bucket calls any more\n"
    again = rasr("buckets", "test", BUCKET, "2026/a.wav", "--project", "a")
    assert again.stderr == ("Error: the project gives this server no bucket 'calls' (SIS.0506)\n")
    audit = json.loads(rasr("store", "audit", "--project", "a", "--json").stdout)
    assert [one["action"] for one in audit][:2] == ["sis:bucket:delete", "sis:bucket:create"]
    for output in (listed.output, tested.output, json.dumps(audit), json.dumps(shown)):
        assert "geheim" not in output


def test_what_is_wrong_is_one_sentence(rasr: Rasr, server: S3, project: str) -> None:
    assert add(rasr, server, "--access-id", "AK")[0] == 0
    for words, said in (
        (("test", BUCKET, "none", "--project", "a"), "does not have the object (NoSuchKey)"),
        (("test", BUCKET, "../x", "--project", "a"), "the key of the object is '../x'"),
        (("test", BUCKET, "x"), "the project gives this server no bucket 'calls'"),
        (("test", BUCKET, "x", "--project", "b"), "there is no project 'b'"),
        (("show", "other", "--project", "a"), "the project a has no bucket 'other'"),
        (("revoke", "other", "--project", "a"), "the project a has no bucket 'other'"),
    ):
        done = rasr("buckets", *words)
        assert done.exit_code == 1
        assert said in done.stderr
        assert "Traceback" not in done.output
    code, output = add(rasr, server, "--access-id", "AK")
    assert (code, "has a bucket 'calls' already" in output) == (1, True)
    code, output = add(rasr, server, "--access-id", "AK", "--role", "arn:x", name="both")
    assert (code, "a key or a role, not both" in output) == (1, True)
    bad = rasr("buckets", "add", "x-1", "--project", "a", "--endpoint", "obs.example")
    assert "endpoint has no scheme" in bad.stderr


def test_a_bucket_of_the_settings_is_tested_without_a_store(
    rasr: Rasr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.wav").write_bytes(b"x" * 9)
    monkeypatch.setenv("RASR_RECORDINGS__BUCKETS__FILES__KIND", "folder")
    monkeypatch.setenv("RASR_RECORDINGS__BUCKETS__FILES__FOLDER", str(tmp_path))
    found = json.loads(rasr("buckets", "test", "files", "a.wav", "--json").stdout)
    assert found["bytes"] == 9
    assert not Path(os.environ["XDG_DATA_HOME"], "rasr", "store").exists()
    monkeypatch.setenv("RASR_RECORDINGS__BUCKETS__FILES__FOLDER", "here")
    refused = rasr("buckets", "test", "files", "a.wav")
    assert "recordings.buckets.files.folder is 'here'; needed: an absolute path" in refused.stderr
    monkeypatch.setenv("RASR_RECORDINGS__BUCKETS__FILES__FOLDER", str(tmp_path))
    monkeypatch.setenv("RASR_RECORDINGS__FOLDER", "here")
    assert "recordings.folder is 'here'" in rasr("buckets", "test", "files", "a.wav").stderr


def test_a_secret_of_a_bucket_in_the_settings_is_printed_nowhere(
    rasr: Rasr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RASR_RECORDINGS__BUCKETS__CALLS__KIND", "s3")
    monkeypatch.setenv("RASR_RECORDINGS__BUCKETS__CALLS__SECRET", "geheim")
    monkeypatch.setenv("RASR_RECORDINGS__ROLE_SECRET", "geheim")
    printed = rasr("config")
    assert printed.exit_code == 0
    assert "geheim" not in printed.output
    assert "# secret is set, and not shown" in printed.stdout
    assert "# role_secret is set, and not shown" in printed.stdout


def test_a_project_has_one_key_for_its_callbacks_until_another_is_made(
    rasr: Rasr, project: str
) -> None:
    def asked(*more: str) -> str:
        told = json.loads(rasr("projects", "callback-key", "a", "--json", *more).stdout)
        assert told["project_id"] == project
        return str(told["callback_key"])

    first = asked()
    assert first.startswith("whsec_")
    assert asked() == first
    second = asked("--new")
    assert second != first
    assert asked() == second
    audit = rasr("store", "audit", "--json").stdout
    assert audit.count("iam:project:set-callback-key") == 2
    assert first not in audit
    refused = rasr("projects", "callback-key", "b")
    assert "there is no project 'b'" in refused.stderr
