"""The command line.

Each command is a module of its own; what costs time to import (the server, the audio libraries) is
imported by the command that needs it, so that `--help` answers at once.
"""

from __future__ import annotations

import click

import rasr
from rasr.cli.capacity import capacity
from rasr.cli.config import config
from rasr.cli.demo import demo
from rasr.cli.doctor import doctor
from rasr.cli.mic import mic
from rasr.cli.models import models
from rasr.cli.serve import serve
from rasr.cli.setup import setup
from rasr.cli.standard_streams import keep_them_open
from rasr.cli.top import top
from rasr.cli.transcribe import transcribe


class _InOrderOfUse(click.Group):
    """Lists its commands as they were added, not by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(
    cls=_InOrderOfUse,
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


for _command in (serve, setup, transcribe, mic, demo, doctor, models, config, capacity, top):
    main.add_command(_command)
