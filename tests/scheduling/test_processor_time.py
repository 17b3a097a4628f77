"""Processor time of this process and of others, as the system tells it."""

from __future__ import annotations

import os
import subprocess
import sys

from rasr.scheduling.processor_time import processor_seconds

WORK = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"


def test_it_is_that_of_all_processes_together() -> None:
    before = processor_seconds(())
    with subprocess.Popen(
        [sys.executable, "-c", WORK], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        both = processor_seconds((other.pid,))
        other.communicate(b"\n")
    assert before is not None
    assert both is not None
    assert both - before >= 0.25


def test_of_a_process_that_has_ended_nothing_is_known() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    assert processor_seconds((os.getpid(), ended.pid)) is None
