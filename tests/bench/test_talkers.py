"""The load client and the peer, for three seconds: everything but the numbers."""

from __future__ import annotations

from pathlib import Path

from bench.model import TINY, export
from bench.sherpa_server import PeerSettings, running_peer
from bench.sound import Talk
from bench.talkers import Load, put_on
from bench.wires import SherpaWire


def test_every_stream_that_is_put_on_the_peer_is_told_its_steps_and_its_end(
    tmp_path: Path,
) -> None:
    export(tmp_path, TINY)
    with running_peer(tmp_path, PeerSettings(), int8=True) as server:
        load = Load(
            SherpaWire(server.url),
            Talk.SPEECH,
            clients=3,
            warm_s=0.0,
            window_s=3.5,
            turn_s=(1.0, 1.0),
            server_pid=server.pid,
        )
        outcome = put_on(load)
    assert outcome.errors == ()
    assert {one.client for one in outcome.finals} == {0, 1, 2}
    assert {one.client for one in outcome.partials} == {0, 1, 2}
    # The first step of each second is complete after half of it, the next ones every 320 ms.
    assert len(outcome.partials) >= 12
    assert outcome.server_cpu > 0


def test_a_server_that_is_not_there_is_an_error_of_each_stream() -> None:
    load = Load(SherpaWire("ws://127.0.0.1:1"), Talk.SPEECH, 2, warm_s=0.0, window_s=0.3)
    errors = put_on(load).errors
    assert len(errors) == 2
    assert all("no connection" in error for error in errors)
