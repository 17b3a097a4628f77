"""The command line.

Each command is a module of its own, which is imported when the command is asked for; what costs
time to import (the server, the audio libraries) is imported when it is used. So the first line of a
command comes at once.
"""

from __future__ import annotations

from difflib import get_close_matches
from errno import ENOSPC
from importlib import import_module
from typing import Any

import click

import rasr
from rasr.cli.standard_streams import give_up_output, keep_them_open

_COMMANDS = {
    name: f"rasr.cli.{folder}{name}"
    for folder, names in (
        ("", ("serve", "setup", "transcribe", "jobs", "mic", "demo", "doctor", "models", "config")),
        ("", ("say", "voices", "capacity", "top", "tls")),
        ("accounts.", ("projects", "users", "groups", "keys", "policies", "vocabularies")),
        ("accounts.", ("usage", "packages", "quotas", "buckets", "store")),
    )
    for name in names
}
"""In the order of the help: a command, and the module that has it by its name."""


class _Commands(click.Group):
    """Commands that are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        found = getattr(import_module(_COMMANDS[cmd_name]), cmd_name)
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        near = get_close_matches(args[0], _COMMANDS, n=1)
        if args[0] not in _COMMANDS and near and not ctx.resilient_parsing:
            ctx.fail(f"there is no command {args[0]!r}; did you mean {near[0]}?")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.errno != ENOSPC:
                raise
            give_up_output()
            raise click.ClickException("nothing more can be written: the disk is full") from error


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(rasr.__version__, prog_name="rasr")
def main() -> None:
    """Real-time speech recognition: a server, and the means to talk to it.

    \b
      rasr serve              a server, and a page to speak into at http://localhost:8765
      rasr transcribe FILE    a recording to text, without a server
      rasr setup              other languages than English
      rasr doctor             where something does not work
    """
    keep_them_open()
