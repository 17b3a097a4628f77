"""The load client and the peer, for three seconds: everything but the numbers."""

from __future__ import annotations

from pathlib import Path

from bench.adapters.sherpa_cpp import PeerSettings, running_peer
from bench.model import TINY, export
from bench.outcome import Clock, merged
from bench.sound import Talk, pool
from bench.speaking import put_on
from bench.talkers import Load, Share, plan
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
            tells_steps=True,
        )
        outcome = put_on(load)
        used = server.usage()
    assert outcome.errors == ()
    assert outcome.ended == outcome.streams
    assert {one.client for one in outcome.waits[Clock.END]} == {0, 1, 2}
    assert {one.client for one in outcome.waits[Clock.STEP]} == {0, 1, 2}
    # The first step of each second is complete after half of it, the next ones every 320 ms.
    assert len(outcome.waits[Clock.STEP]) >= 12
    assert used.cpu_s > 0


def test_a_server_that_is_not_there_is_an_error_of_each_stream() -> None:
    load = Load(SherpaWire("ws://127.0.0.1:1"), Talk.SPEECH, 2, warm_s=0.0, window_s=0.3)
    outcome = put_on(load)
    assert len(outcome.errors) == 2
    assert all("no connection" in error for error in outcome.errors)
    assert outcome.refused == ()


def test_shares_of_a_load_are_the_whole_of_it() -> None:
    sound = pool()
    load = Load(SherpaWire("ws://127.0.0.1:1"), Talk.SPEECH, 7, 0.0, 0.5, turn_s=(0.1, 0.2))
    shares = [plan(load, sound, Share(number, 3)) for number in range(3)]
    assert sorted(
        (one for share in shares for one in share), key=lambda one: (one.client, one.start_s)
    ) == plan(load, sound)
    outcomes = [put_on(load, Share(number, 3)) for number in range(2)]
    assert merged(outcomes).clients == 5
