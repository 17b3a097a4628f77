"""`python -m bench VERB`: run from the root of a checkout, in its environment."""

from __future__ import annotations

import signal
import sys

import click

from bench.accuracy import accuracy, passes
from bench.alignment import alignment
from bench.attack import attack
from bench.breaks import breaks
from bench.busy_start import busy_start
from bench.capacity import capacity, overload
from bench.captions import captions
from bench.chaos import chaos
from bench.conversations.verb import conversations
from bench.endpoint import endpoint
from bench.first_minutes import first_minutes
from bench.first_sound import first_sound
from bench.flash import flash
from bench.fuzz import fuzz
from bench.hot_words import hot_words
from bench.jobs_beside_live import jobs_beside_live
from bench.live_cost import live_cost
from bench.load import load, null, speaker
from bench.metering import metering
from bench.model import model
from bench.overhead import overhead
from bench.peers import peers
from bench.ray_serve import ray
from bench.replicas import replicas
from bench.report import Verbs
from bench.round_cost import round_cost
from bench.scale import scale
from bench.short_audio import short_audio
from bench.soak import soak
from bench.speaking import speaking
from bench.training.grapheme_to_phoneme import g2p
from bench.two_replicas import two_replicas
from bench.whisper_peers import whisper_peers


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Measure a server. Every verb prints a table and what it was measured on.

    With --json FILE it adds a line with the figures, the settings, the machine and the commit to a
    file, with --plot FILE.png it draws a picture. docs/benchmarks.md says how to read them.
    """
    # What ends this process must end the server that is measured, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


for verb in (
    *(accuracy, alignment, attack, breaks, busy_start, capacity, captions, chaos, conversations),
    *(endpoint, first_minutes, first_sound, flash, fuzz, g2p, hot_words, jobs_beside_live),
    *(live_cost, load, metering, model, null),
    *(overhead, overload, passes, peers, ray, replicas, round_cost, scale, short_audio, soak),
    *(speaker, speaking),
    *(two_replicas, whisper_peers),
):
    main.add_command(verb)

if __name__ == "__main__":
    main(prog_name="python -m bench")
