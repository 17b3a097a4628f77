"""`python -m bench VERB`: run from the root of a checkout, in its environment."""

from __future__ import annotations

import click

from bench.accuracy import accuracy
from bench.captions import captions
from bench.endpoint import endpoint
from bench.letters import letters
from bench.model import model
from bench.overhead import idle, overhead
from bench.passes import passes
from bench.peers import peers
from bench.streams import streams


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Measure a server. Every verb prints a table and what it was measured on."""


for verb in (accuracy, captions, endpoint, idle, letters, model, overhead, passes, peers, streams):
    main.add_command(verb)

if __name__ == "__main__":
    main(prog_name="python -m bench")
