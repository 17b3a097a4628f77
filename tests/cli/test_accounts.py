"""`rasr projects | users | groups | keys | policies`, and what they leave in the audit."""

from __future__ import annotations

import getpass
import json
import os
import pwd
import re
from pathlib import Path
from typing import Any

import click
import pytest

from rasr.cli.accounts.groups import groups
from rasr.cli.accounts.keys import keys
from rasr.cli.accounts.policies import policies
from rasr.cli.accounts.projects import projects
from rasr.cli.accounts.store import store
from rasr.cli.accounts.users import users
from tests.cli.conftest import Rasr

FULL, READ_ONLY = "SIS FullAccess", "SIS ReadOnlyAccess"
DENIES_TTS = {"Version": "1.1", "Statement": [{"Effect": "Deny", "Action": ["sis:tts:*"]}]}


@pytest.fixture
def ann(told: Any) -> dict[str, Any]:
    """A project "a" and a user "ann"."""
    told("projects", "create", "a")
    user: dict[str, Any] = told("users", "create", "ann")
    return user


def test_a_project_is_made_listed_shown_blocked_and_freed(done: Rasr, told: Any) -> None:
    made = told("projects", "create", "cn-north-4", "--description", "first")
    assert re.fullmatch("[0-9a-f]{32}", made["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made["created_at"])
    heading, row = done("projects", "list").stdout.splitlines()
    assert heading.split() == [
        "NAME",
        "DOMAIN",
        "ID",
        "CREATED",
        "BLOCKED",
        "FROZEN",
        "DESCRIPTION",
    ]
    assert row.split()[:3] == ["cn-north-4", "default", made["id"]]
    assert told("projects", "list") == [made]
    assert told("projects", "show", made["id"]) == {**made, "keys": []}
    assert "rasr projects restore cn-north-4" in done("projects", "revoke", "cn-north-4").stdout
    assert told("projects", "show", "cn-north-4")["blocked_at"] is not None
    done("projects", "restore", "cn-north-4")
    assert told("projects", "list") == [made]


def test_names_are_of_a_domain(told: Any, refused: Any) -> None:
    first = told("users", "create", "ann")
    other = told("users", "create", "ann", "--domain", "shop")
    assert told("users", "show", "ann")["id"] == first["id"]
    assert told("users", "show", "ann", "--domain", "shop")["id"] == other["id"]
    assert refused("users", "show", "bob", "--domain", "shop") == (
        "Error: there is no user 'bob' in the domain 'shop'"
    )


def test_the_secret_of_a_key_is_shown_once(done: Rasr, told: Any, ann: dict[str, Any]) -> None:
    made = done("keys", "create", "--user", "ann", "--project", "a", "--expires", "90d")
    shown = dict(line.split(maxsplit=1) for line in made.stdout.splitlines()[:2])
    assert list(shown) == ["ak", "sk"]
    assert re.fullmatch("[A-Z0-9]{20}", shown["ak"])
    assert re.fullmatch("[A-Za-z0-9]{40}", shown["sk"])
    assert made.stderr.splitlines() == [
        "keep the secret now: it is never shown again",
        "ann may do nothing in a yet: rasr policies attach 'SIS FullAccess' --user ann --project a",
    ]
    for again in (
        done("keys", "list"),
        done("keys", "list", "--json"),
        done("keys", "show", shown["ak"]),
        done("users", "show", "ann"),
        done("store", "audit"),
    ):
        assert shown["ak"] in again.stdout
        assert shown["sk"] not in again.output
    (key,) = told("keys", "list", "--user", "ann", "--project", "a")
    assert (key["ak"], key["user"], key["project"]) == (shown["ak"], "ann", "a")
    assert key["revoked_at"] is None
    assert key["expires_at"] > key["created_at"]


def test_a_key_whose_user_may_something_comes_without_advice(
    done: Rasr, ann: dict[str, Any]
) -> None:
    done("policies", "attach", READ_ONLY, "--user", "ann", "--project", "a")
    made = done("keys", "create", "--user", ann["id"], "--project", "a")
    assert made.stderr == "keep the secret now: it is never shown again\n"


def test_a_key_is_revoked_once(done: Rasr, told: Any, refused: Any, ann: dict[str, Any]) -> None:
    made = told("keys", "create", "--user", "ann", "--project", "a")
    done("keys", "revoke", made["ak"])
    assert told("keys", "show", made["ak"])["revoked_at"] is not None
    assert refused("keys", "revoke", made["ak"]) == (
        f"Error: the key {made['ak']} is revoked already"
    )
    assert refused("keys", "revoke", "AK") == "Error: there is no key 'AK'"
    told("users", "create", "bob")
    assert told("keys", "list", "--user", "bob") == []


@pytest.mark.parametrize("when", ["2020-01-01", "soon", "0d", "5y"])
def test_a_time_that_is_over_or_none_is_refused(
    refused: Any, ann: dict[str, Any], when: str
) -> None:
    line = refused("keys", "create", "--user", "ann", "--project", "a", "--expires", when)
    assert "'--expires'" in line
    assert repr(when) in line
    assert "needed: " in line


def test_a_password_comes_from_a_pipe_and_is_kept_as_a_hash(
    done: Rasr, told: Any, refused: Any
) -> None:
    made = done("users", "create", "ann", "--password", "--json", input=b"geheim\n")
    assert "geheim" not in made.output
    assert json.loads(made.stdout)["has_password"]
    done("users", "password", "ann", "--remove")
    assert not told("users", "show", "ann")["has_password"]
    done("users", "password", "ann", input=b"neu und gut\n")
    assert told("users", "show", "ann")["has_password"]
    assert "1 to 1024 letters" in refused("users", "password", "ann", input=b"\n")
    kept = Path(os.environ["XDG_DATA_HOME"], "rasr", "store", "store.db").read_bytes()
    assert b"$argon2id$" in kept
    assert b"geheim" not in kept
    assert b"neu und gut" not in kept


def test_users_join_and_leave_groups(
    done: Rasr, told: Any, refused: Any, ann: dict[str, Any]
) -> None:
    told("groups", "create", "team")
    assert done("groups", "add", "team", "ann").stdout == "ann is in team\n"
    assert done("groups", "add", "team", "ann").stdout == "ann was in team already\n"
    done("policies", "attach", READ_ONLY, "--group", "team")
    assert told("groups", "show", "team")["users"] == ["ann"]
    assert told("groups", "show", "team")["policies"] == [READ_ONLY]
    assert told("users", "show", "ann")["groups"] == ["team"]
    assert told("users", "show", "ann")["policies"] == [READ_ONLY]
    (listed,) = told("groups", "list")
    assert listed["users"] == ["ann"]
    done("groups", "remove", "team", "ann")
    assert refused("groups", "remove", "team", "ann") == "Error: ann is not in team"
    done("groups", "revoke", "team")
    assert told("groups", "list") == []
    assert refused("groups", "revoke", "team") == "Error: there is no group 'team'"


def test_a_policy_is_made_attached_explained_and_deleted(
    done: Rasr, told: Any, refused: Any, ann: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "quiet.json"
    file.write_text(json.dumps(DENIES_TTS))
    made = told("policies", "create", "quiet", file)
    assert made["document"] == DENIES_TTS
    assert [one["name"] for one in told("policies", "list")] == [FULL, READ_ONLY, "quiet"]
    asked = ("policies", "explain", "--user", "ann", "--project", "a")
    assert done(*asked, "sis:tts:create").stdout == (
        "sis:tts:create is denied: no statement names it\n"
    )
    done("policies", "attach", FULL, "--user", "ann", "--project", "a", "--expires", "1d")
    assert told(*asked, "sis:tts:create")["is_allowed"] is True
    done("policies", "attach", "quiet", "--user", "ann")
    assert "is denied by statement 0 (sis:tts:*) of policy quiet" in (
        done(*asked, "sis:tts:create").stdout
    )
    (attached,) = told("policies", "show", FULL)["attachments"]
    assert (attached["user"], attached["project"]) == ("ann", "a")
    assert attached["expires_at"] is not None
    assert done("policies", "show", "quiet").stdout.splitlines()[-1].split() == ["ann", *"–––"]
    assert "already" in refused("policies", "attach", "quiet", "--user", "ann")
    done("policies", "detach", "quiet", "--user", "ann")
    assert "does not apply" in refused("policies", "detach", "quiet", "--user", "ann")
    done("projects", "revoke", "a")
    assert done(*asked, "sis:tts:create").stdout == (
        "sis:tts:create is denied: the project is blocked\n"
    )
    done("policies", "revoke", "quiet")
    assert refused("policies", "show", "quiet") == "Error: there is no policy 'quiet'"
    assert refused("policies", "revoke", FULL) == (
        f"Error: {FULL} is a policy that every server has"
    )


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"{", "<stdin> is not JSON: "),
        (b"[" * 100_000, "<stdin> is not JSON: "),
        (b"{}", "<stdin> is no policy: Version: None"),
    ],
)
def test_what_is_no_policy_is_refused(refused: Any, document: bytes, why: str) -> None:
    assert why in refused("policies", "create", "p", "-", input=document)


@pytest.mark.parametrize("whom", [(), ("--user", "ann", "--group", "team")])
def test_a_policy_applies_to_one_user_or_one_group(
    refused: Any, ann: dict[str, Any], whom: tuple[str, ...]
) -> None:
    assert refused("policies", "attach", FULL, *whom) == (
        "Error: needed: one of --user and --group"
    )


def test_the_last_administrator_is_kept_unless_forced(
    done: Rasr, told: Any, refused: Any, ann: dict[str, Any]
) -> None:
    told("groups", "create", "admins")
    done("groups", "add", "admins", "ann")
    done("policies", "attach", FULL, "--group", "admins")
    for taking in (
        ("users", "revoke", "ann"),
        ("groups", "remove", "admins", "ann"),
        ("groups", "revoke", "admins"),
        ("policies", "detach", FULL, "--group", "admins"),
    ):
        assert "nobody would be left who may do everything" in refused(*taking)
    assert told("users", "show", "ann")["blocked_at"] is None
    done("users", "revoke", "ann", "--force")
    assert told("users", "show", "ann")["blocked_at"] is not None
    done("users", "restore", "ann")
    done("groups", "revoke", "admins", "--force")


def test_each_change_is_a_line_of_the_audit_and_nothing_else_is(
    done: Rasr, told: Any, refused: Any, ann: dict[str, Any]
) -> None:
    key = told("keys", "create", "--user", "ann", "--project", "a")["ak"]
    done("keys", "revoke", key)
    refused("keys", "revoke", key)
    refused("users", "create", "ann")
    done("users", "list")
    lines = told("store", "audit")
    assert [(one["action"], one["target"]) for one in lines] == [
        ("iam:key:revoke", f"{key} of ann"),
        ("iam:key:create", f"{key} of default/ann"),
        ("iam:user:create", "default/ann"),
        ("iam:project:create", "default/a"),
    ]
    assert {one["actor"] for one in lines} == {f"local:{pwd.getpwuid(os.getuid()).pw_name}"}
    project = told("projects", "show", "a")["id"]
    of_project = told("store", "audit", "--project", "a", "--last", "2")
    assert [one["project_id"] for one in of_project] == [project] * 2


def test_the_environment_does_not_say_who_it_was(
    told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "somebody-else")
    assert getpass.getuser() == "somebody-else"
    told("groups", "create", "team")
    (line,) = told("store", "audit")
    assert line["actor"] == f"local:{pwd.getpwuid(os.getuid()).pw_name}"


@pytest.mark.parametrize(
    "command",
    [
        ("projects", "create", "a"),
        ("users", "create", "ann"),
        ("groups", "create", "ann"),
        ("policies", "create", "p", "-"),
    ],
)
def test_what_is_there_is_not_made_again(
    rasr: Rasr, refused: Any, command: tuple[str, ...]
) -> None:
    document = json.dumps(DENIES_TTS).encode()
    assert rasr(*command, input=document).exit_code == 0
    assert refused(*command, input=document).endswith("already")


def test_without_a_store_it_is_told_how_one_is_made(refused: Any) -> None:
    for command in (("users", "list"), ("keys", "show", "AK"), ("users", "revoke", "ann")):
        line = refused(*command)
        assert line.startswith("Error: there is no store at ")
        assert line.endswith("; `rasr projects create NAME` makes one")
    assert not Path(os.environ["XDG_DATA_HOME"], "rasr").exists()


@pytest.mark.parametrize(
    "group", [projects, users, groups, keys, policies, store], ids=lambda group: str(group.name)
)
def test_the_page_of_the_store_has_every_command(group: click.Group) -> None:
    page = Path(__file__).parents[2] / "docs" / "store.md"
    lines = page.read_text("utf-8").splitlines()
    told = "\n".join(line for line in lines if line.startswith(f"| `rasr {group.name} "))
    assert [name for name in group.commands if not re.search(rf"\b{name}\b", told)] == []
