"""The form of log lines, and what never gets into them."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
import structlog

from rasr import logs
from rasr.settings import LogFormat
from tests.plain_logs import log_plainly
from tests.processes import LONG_S


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("rasr")
    before = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:], root.level, ours.level = before
    log_plainly()


def test_an_event_is_one_line_of_json_where_that_is_wanted() -> None:
    out = io.StringIO()
    logs.set_up("info", out, "json")
    structlog.get_logger("rasr.session").info("session_closed", audio_s=1.5, reason="END\nX")
    logs.flush()
    (line,) = out.getvalue().splitlines()
    event = json.loads(line)
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "event": "session_closed",
        "audio_s": 1.5,
        "reason": "END\nX",
        "level": "info",
        "logger": "rasr.session",
    }


def test_an_event_is_one_line_for_people() -> None:
    out = io.StringIO()
    logs.set_up("info", out)
    structlog.get_logger("rasr.session").info("session_opened", mode="continue", number=7)
    logs.flush()
    words = r"\[info +\] Session opened +mode=continue number=7"
    assert re.fullmatch(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d {words}\n", out.getvalue())


_STRANGE = "/v1/\x1b]0;x\x07\x9b31m\u2028\u202e\x00\ud800\n/é中"
"""A path that renames a terminal, colours it, breaks and turns lines around."""


@pytest.mark.parametrize("form", ["people", "json"])
def test_no_line_makes_a_terminal_do_anything(form: LogFormat) -> None:
    out = io.StringIO()
    logs.set_up("info", out, form)
    structlog.get_logger("rasr.auth").info("caller_refused", path=_STRANGE, why=f"no {_STRANGE}")
    logging.getLogger("others").warning("it was %s", _STRANGE.replace("\n", ""))
    try:
        raise ValueError(_STRANGE)
    except ValueError:
        structlog.get_logger("rasr.http").exception("request_failed")
    logs.flush()
    lines = out.getvalue().split("\n")
    assert all(line.isprintable() for line in lines)
    if form == "json":
        event = json.loads(lines[0])
        assert (event["path"], event["why"]) == (_STRANGE, f"no {_STRANGE}")
    else:
        assert f"path={_STRANGE!r} why={f'no {_STRANGE}'!r}" in lines[0]
    assert "é中" in lines[0]


def test_what_another_package_says_keeps_its_words_and_its_name() -> None:
    out = io.StringIO()
    logs.set_up("info", out)
    logging.getLogger("websockets.server").warning("opening handshake FAILED")
    logs.flush()
    assert "opening handshake FAILED" in out.getvalue()
    assert "[websockets.server]" in out.getvalue()


def test_events_below_the_level_are_not_written() -> None:
    out = io.StringIO()
    logs.set_up("warning", out)
    structlog.get_logger("rasr.session").info("session_opened")
    logs.flush()
    assert out.getvalue() == ""


def test_other_packages_are_heard_from_warnings_on() -> None:
    out = io.StringIO()
    logs.set_up("debug", out, "json")
    logging.getLogger("websockets.server").info("connection open")
    logging.getLogger("websockets.server").warning("parser failed")
    logs.flush()
    (line,) = out.getvalue().splitlines()
    assert json.loads(line)["event"] == "parser failed"


@pytest.mark.parametrize("form", ["people", "json"])
def test_tracebacks_show_no_values_of_variables(form: LogFormat) -> None:
    out = io.StringIO()
    logs.set_up("info", out, form)
    transcript = "what " + "somebody said"
    try:
        raise ValueError(len(transcript))
    except ValueError:
        structlog.get_logger("rasr.session").exception("round_failed")
    logs.flush()
    assert "Traceback" in out.getvalue()
    assert "somebody" not in out.getvalue().replace('"what " + "somebody said"', "")


def test_a_reader_who_takes_nothing_costs_lines_and_holds_nobody_up() -> None:
    reads, writes = os.pipe()
    with os.fdopen(writes, "w") as nobody_reads:
        # Not one line goes into it, however fast the thread is that writes them.
        fill(writes)
        logs.set_up("info", nobody_reads, "json")
        log = structlog.get_logger("rasr.session")
        for number in range(12_000):
            log.info("session_opened", number=number)
        # The queue holds the others.
        assert logs.lost() == 2_000
        seen: list[dict[str, object]] = []
        told = threading.Event()

        def read() -> None:
            with os.fdopen(reads) as reader:
                for line in filter(str.strip, reader):
                    seen.append(json.loads(line))
                    if seen[-1]["event"] == "log_lines_lost":
                        told.set()

        reading = threading.Thread(target=read)
        reading.start()
        # It comes behind all others.
        assert told.wait(LONG_S)
    reading.join()
    numbers = [one["number"] for one in seen if one["event"] == "session_opened"]
    assert numbers == list(range(10_000))
    assert [one["lines"] for one in seen if one["event"] == "log_lines_lost"] == [2_000]


def fill(pipe: int) -> None:
    """Write empty lines into a pipe until it takes nothing more."""
    os.set_blocking(pipe, False)
    for size in (4096, 1):
        with suppress(BlockingIOError):
            while True:
                os.write(pipe, b"\n" * size)
    os.set_blocking(pipe, True)


def test_a_process_whose_log_nobody_reads_comes_to_its_end() -> None:
    fills_the_pipe = (
        "import sys, structlog; from rasr import logs; logs.set_up('info', sys.stderr)\n"
        "for number in range(20_000): structlog.get_logger('rasr.x').info('event', number=number)"
    )
    with subprocess.Popen([sys.executable, "-c", fills_the_pipe], stderr=subprocess.PIPE) as child:
        assert child.wait(timeout=LONG_S) == 0


def test_a_reader_who_has_gone_costs_lines_and_nothing_else() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    logs.set_up("info", Gone())
    structlog.get_logger("rasr.session").info("session_opened")
    logs.flush()
    assert logs.lost() == 1
