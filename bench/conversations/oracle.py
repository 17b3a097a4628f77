"""What the SIS protocol promises for a script, and how what came back differs from it.

The rules are those of the protocol's description (the order of messages, what each mode says, what
is sent only when it was asked for), written down once more and without the server's code. Here are
those of a connection; those of a round are in `message_rules` and `audio_rules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.conversations.answers import RoundAnswers
from bench.conversations.audio_rules import AudioRules
from bench.conversations.message_rules import MessageRules
from bench.conversations.player import Heard
from bench.conversations.script import (
    LAST_WORD,
    Ending,
    Message,
    Round,
    Script,
)

_LAST = Message(LAST_WORD, "SIS.0032", ("'command' is invalid", "LAST"))


class _Fault(Exception):
    """The server did what it should not; what follows cannot be judged."""


class _Gone(Exception):
    """Nothing more came, because the client has gone."""


def judge(script: Script, heard: Heard, *, strict_limit: bool = False) -> list[str]:
    """Each fault in one sentence; none if the server kept its promises.

    Args:
        strict_limit: the server ends a round that is too long with SIS.0309.
    """
    judgement = _Judgement(script, heard, strict_limit)
    try:
        judgement.connection()
    except _Gone:
        pass
    except _Fault as fault:
        judgement.faults.append(str(fault))
    if heard.missing:
        judgement.faults.append(f"{heard.missing} did not come")
    return judgement.faults


class _Judgement:
    """Of one connection: the messages are read from front to back."""

    def __init__(self, script: Script, heard: Heard, strict_limit: bool) -> None:
        self.faults: list[str] = []
        self._script = script
        self._heard = heard
        self._strict_limit = strict_limit
        self._messages = list(heard.messages)
        self._round_ids: set[str] = set()
        self._connection_id: str | None = None
        """The `trace_id` of messages outside of any round."""

    def connection(self) -> None:
        """Judge everything."""
        for message in self._messages:
            if not (isinstance(message.get("trace_id"), str) and message["trace_id"]):
                raise _Fault(f"a message without trace_id: {_short(message)}")
        for step in self._script.steps:
            if isinstance(step, Message):
                self._answer(step)
            else:
                self._round(step)
        if self._script.leaves:
            return
        self._answer(_LAST)
        if self._messages:
            raise _Fault(f"more came than was asked for: {_shorts(self._messages)}")
        if self._heard.close_code != 1000:
            raise _Fault(f"the connection was closed with {self._heard.close_code}")

    def _next(self, wanted: str) -> dict[str, Any]:
        if not self._messages and self._script.leaves:
            raise _Gone
        if not self._messages:
            raise _Fault(f"{wanted} was expected, nothing came")
        return self._messages.pop(0)

    @property
    def _next_error(self) -> str:
        """What the next message says, if it is an error."""
        return str(self._messages[0].get("error_msg", "")) if self._messages else ""

    def _answer(self, sent: Message) -> None:
        """The ERROR that answers a wrong message outside of a round."""
        if not sent.code:
            return
        message = self._next(f"ERROR {sent.code}")
        self._check_error(message, sent)
        trace_id = message["trace_id"]
        self._connection_id = self._connection_id or trace_id
        if trace_id != self._connection_id or trace_id in self._round_ids:
            raise _Fault(f"an answer outside of rounds has another trace_id: {_short(message)}")

    def _check_error(self, message: dict[str, Any], sent: Message) -> None:
        told = message.get("error_msg", "")
        if message["resp_type"] != "ERROR" or message["error_code"] != sent.code:
            raise _Fault(f"ERROR {sent.code} was expected, not {_short(message)}")
        for part in sent.says:
            if part not in told:
                raise _Fault(f"{part!r} was expected in the answer, which was {told!r}")

    def _round(self, one: Round) -> None:
        start = self._next("START")
        if start["resp_type"] != "START":
            raise _Fault(f"START was expected, not {_short(start)}")
        trace_id = start["trace_id"]
        if trace_id in self._round_ids or trace_id == self._connection_id:
            raise _Fault(f"the trace_id of an earlier round came again: {trace_id}")
        self._round_ids.add(trace_id)
        told: list[dict[str, Any]] = []
        while self._messages and (not told or told[-1]["resp_type"] != "END"):
            told.append(self._next("END"))
            if told[-1]["trace_id"] != trace_id:
                raise _Fault(f"a message of another trace_id within a round: {_short(told[-1])}")
        answers = RoundAnswers(self._script.mode, one, told, self._strict_limit)
        self.faults += MessageRules(answers).faults() or AudioRules(answers).faults()
        if one.ending in (Ending.CLOSE, Ending.BREAK_OFF):
            return
        self._check_end(answers)
        if answers.ended_by_limit:
            self._answer(Message("", "SIS.0032", ("END came outside of a round",)))
        # The client's END may have come before the failure was told, or behind it.
        if one.ending is Ending.FAILS and "END came outside" in self._next_error:
            self._messages.pop(0)
        for message in one.behind:
            self._answer(message)

    def _check_end(self, answers: RoundAnswers) -> None:
        """The last messages of a round."""
        one, told = answers.round, answers.told
        if not told or told[-1]["resp_type"] != "END":
            raise _Fault(f"a round without END: {_shorts(told)}")
        *before, end = told
        errors = [message for message in before if "ERROR" in message["resp_type"]]
        reason, expected = "ERROR", one.last
        if answers.ended_by_limit:
            expected = Message("", "SIS.0309", ("too long",))
        elif one.ending is Ending.FAILS:
            expected = Message("", "SIS.0305")
        elif one.ending is not Ending.WRONG:
            reason = "CANCEL" if one.ending is Ending.CANCEL else "NORMAL"
        if end["reason"] != reason:
            self.faults.append(f"END has the reason {end['reason']}, not {reason}")
        if reason != "ERROR":
            if errors:
                self.faults.append(f"ERROR in a round without fault: {_shorts(errors)}")
            return
        if len(errors) != 1 or before[-1] is not errors[0]:
            raise _Fault(f"one ERROR right before END was expected, not {_shorts(told)}")
        self._check_error(errors[0], expected)


def _short(message: dict[str, Any]) -> str:
    kind = message["resp_type"]
    more = [message.get(key) for key in ("event", "reason", "error_code", "error_msg")]
    return " ".join([kind, *(str(one) for one in more if one is not None)])


def _shorts(messages: Sequence[dict[str, Any]]) -> str:
    return ", ".join(map(_short, messages)) or "nothing"
