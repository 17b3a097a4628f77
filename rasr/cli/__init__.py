"""The command line.

Each command is a module of its own; what costs time to import (the server, the audio libraries) is
imported by the command that needs it, so that `--help` answers at once.
"""

from __future__ import annotations

import click

import rasr
from rasr.cli.accounts import COMMANDS
from rasr.cli.capacity import capacity
from rasr.cli.config import config
from rasr.cli.demo import demo
from rasr.cli.mic import mic
from rasr.cli.models import models
from rasr.cli.serve import serve
from rasr.cli.standard_streams import keep_them_open
from rasr.cli.top import top
from rasr.cli.transcribe import transcribe


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(rasr.__version__, prog_name="rasr")
def main() -> None:
    """Real-time speech recognition: a server, and the means to talk to it.

    A first look: `rasr demo`. Your own voice: `rasr mic`. A recording: `rasr transcribe FILE`.
    """
    keep_them_open()


for _command in (serve, transcribe, mic, demo, models, *COMMANDS, config, capacity, top):
    main.add_command(_command)
