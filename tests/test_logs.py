"""The form of log lines, and what never gets into them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from rasr import logs


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("rasr")
    before = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:], root.level, ours.level = before
    structlog.reset_defaults()


def test_an_event_is_one_line_of_json_where_nobody_watches() -> None:
    out = io.StringIO()
    logs.set_up("info", out)
    structlog.get_logger("rasr.session").info("session_closed", audio_s=1.5, reason="END\nX")
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


def test_an_event_is_one_line_of_keys_and_values_for_a_person() -> None:
    out = io.StringIO()
    logs.set_up("info", out, as_json=False)
    structlog.get_logger("rasr.session").info("session_opened", mode="continue")
    (line,) = out.getvalue().splitlines()
    assert "session_opened" in line
    assert "mode=continue" in line


def test_events_below_the_level_are_not_written() -> None:
    out = io.StringIO()
    logs.set_up("warning", out)
    structlog.get_logger("rasr.session").info("session_opened")
    assert out.getvalue() == ""


def test_other_packages_are_heard_from_warnings_on() -> None:
    out = io.StringIO()
    logs.set_up("debug", out)
    logging.getLogger("websockets.server").info("connection open")
    logging.getLogger("websockets.server").warning("parser failed")
    (line,) = out.getvalue().splitlines()
    assert json.loads(line)["event"] == "parser failed"


@pytest.mark.parametrize("as_json", [True, False])
def test_tracebacks_show_no_values_of_variables(as_json: bool) -> None:
    out = io.StringIO()
    logs.set_up("info", out, as_json=as_json)
    transcript = "what " + "somebody said"
    try:
        raise ValueError(len(transcript))
    except ValueError:
        structlog.get_logger("rasr.session").exception("round_failed")
    assert "Traceback" in out.getvalue()
    assert "somebody" not in out.getvalue().replace('"what " + "somebody said"', "")
