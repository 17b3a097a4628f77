"""Who a command says that it is, to a server that asks: a token or a key, and their project.

Secrets come by the environment, from a file or from the terminal, never on the command line, where
everybody on the machine reads them.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click

from rasr.cli.secrets_asked import asked_secret
from rasr.cli.stdin import STDIN
from rasr.client import AccessKey, CannotConnect, ClientError
from rasr.client.credentials import check_text

Command = TypeVar("Command", bound=Callable[..., Any])

_ASK = "-"
_LONGEST_TOKEN = 16 << 10
_NO_PROJECT = "default"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is shown to the server."""

    project_id: str = _NO_PROJECT
    token: str | None = field(default=None, repr=False)
    key: AccessKey | None = None

    @property
    def options(self) -> dict[str, Any]:
        """For `rasr.client.Options`."""
        return {"project_id": self.project_id, "token": self.token, "key": self.key}

    def explained(self, error: ClientError) -> str:
        """What a person is told of an error; where the server does not know him, what helps."""
        if not isinstance(error, CannotConnect) or error.status != 401:
            return str(error)
        if self.token is None and self.key is None:
            return (
                f"{error}; it asks who calls: set RASR_AK and RASR_SK, or RASR_TOKEN, or give "
                "--token-file, and the id of their project with --project or RASR_PROJECT"
            )
        if self.project_id == _NO_PROJECT:
            return f"{error}; give the id of their project with --project or RASR_PROJECT"
        # Who takes the name for the id reads here what is asked for.
        return f"{error}; credentials came from {self._source}, for project id {self.project_id}"

    @property
    def _source(self) -> str:
        return "a token" if self.token is not None else "RASR_AK and RASR_SK"


def credential_options(command: Command) -> Command:
    """Give a command that has `--url` the options of credentials, handed on as `credentials`."""

    @functools.wraps(command)
    def with_credentials(*args: Any, **more: Any) -> Any:
        project, token_file = more.pop("project"), more.pop("token_file")
        if more.get("url") is None and (project is not None or token_file is not None):
            given = "--project" if project is not None else "--token-file"
            raise click.UsageError(f"{given} is for the server at --url, which is missing")
        found = Credentials()
        if more.get("url") is not None:
            # Audio of a pipe has no token before it.
            has_audio = STDIN in more.get("files", ())
            found = credentials(project, token_file, os.environ, from_pipe=not has_audio)
        return command(*args, credentials=found, **more)

    options = (
        click.option(
            "--project",
            metavar="ID",
            help="Id of the project of the credentials, at a server that asks who calls. "
            "Default: RASR_PROJECT.",
        ),
        click.option(
            "--token-file",
            metavar="FILE",
            help="File whose first line is a token for such a server; - asks for it, or reads it "
            "from a pipe. Without it: RASR_TOKEN, or RASR_AK and RASR_SK.",
        ),
    )
    found: Any = with_credentials
    for option in reversed(options):
        found = option(found)
    done: Command = found
    return done


def credentials(
    project: str | None,
    token_file: str | None,
    environ: Mapping[str, str],
    *,
    from_pipe: bool = True,
) -> Credentials:
    """What options and environment say; a token that is asked for may come from a pipe.

    Raises:
        click.UsageError: they do not go together, or cannot be used.
    """
    project_id = project or environ.get("RASR_PROJECT") or _NO_PROJECT
    access_id, secret = environ.get("RASR_AK", ""), environ.get("RASR_SK", "")
    token = environ.get("RASR_TOKEN", "")
    if token_file is not None:
        return Credentials(project_id, _token_of(token_file, from_pipe))
    if token and (access_id or secret):
        raise click.UsageError(
            "RASR_TOKEN is set, and so is RASR_AK or RASR_SK: unset the token, or both of the key"
        )
    if bool(access_id) != bool(secret):
        there, missing = ("RASR_AK", "RASR_SK") if access_id else ("RASR_SK", "RASR_AK")
        raise click.UsageError(f"{there} is set and {missing} is not: a key has both")
    if token:
        return Credentials(project_id, _checked("RASR_TOKEN", token))
    if not access_id:
        return Credentials(project_id)
    try:
        return Credentials(project_id, key=AccessKey(access_id, secret))
    except ValueError as error:
        raise click.UsageError(f"RASR_AK and RASR_SK: {error}") from error


def _token_of(file: str, from_pipe: bool) -> str:
    if file == _ASK:
        return _checked(
            "the token",
            asked_secret("Token", longest=_LONGEST_TOKEN, from_pipe=from_pipe).strip(),
        )
    try:
        with Path(file).open("rb") as opened:
            line = opened.readline(_LONGEST_TOKEN)
    except OSError as error:
        raise click.UsageError(f"--token-file {file} cannot be read: {error.strerror}") from error
    return _checked(f"--token-file {file}", line.decode("latin-1").strip())


def _checked(source: str, token: str) -> str:
    try:
        check_text("a token", token)
    except ValueError as error:
        raise click.UsageError(f"{source}: {error}") from error
    return token
