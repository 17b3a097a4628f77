"""The states of a SIS connection, as a table: what comes, what is done, what follows.

The conversation asks the table and knows no other order. `diagram` draws it for the docs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum


class State(StrEnum):
    """Where the conversation stands."""

    IDLE = "idle"
    """No recognition: START is awaited."""
    ASKING = "asking"
    """START has come; whether it may is being decided. Messages are kept by the connection."""
    OPEN = "open"
    """A recognition takes audio."""
    CLOSING = "closing"
    """Its last results are awaited; END comes after them."""
    RESUMING = "resuming"
    """RESUME has come; whether the round can be gone on with is being found out."""
    CLOSED = "closed"
    """The websocket is closed or about to be."""


class Input(StrEnum):
    """What may come."""

    START = "START"
    END = "END"
    CANCEL = "END with cancel"
    AUDIO = "audio"
    RESUME = "RESUME"
    ACK = "ACK of numbered messages"
    FAULT = "a message that is not valid"
    GRANTED = "granted"
    REFUSED = "refused"
    FAILED = "recognition failed"
    DONE = "recognition done"
    TIMEOUT = "no message for too long"
    LEAVE = "shutdown, longest life"
    NOT_KNOWN = "credentials that count no more"
    BREAK = "fault of the server"
    CUT = "end of the shutdown"
    EOF = "the client is gone"


class Action(Enum):
    """What is done; the value is for the diagram."""

    ASK = "ask for access"
    TAKE_UP = "take the round up"
    ACKNOWLEDGE = "forget what has arrived"
    BEGIN = "open the recognition, send START"
    FEED = "feed the recognition"
    FINISH = "finish the recognition"
    CANCEL = "cancel the recognition"
    CONCLUDE = "send ERROR if any, then END"
    ANSWER = "send ERROR"
    COMPLAIN = "send ERROR once"
    POSTPONE = "send ERROR after END"
    WAIT = "remember it"
    FAIL = "send FATAL_ERROR, close"
    CLOSE = "close"
    IGNORE = "nothing"


@dataclass(frozen=True, slots=True)
class Step:
    """What follows from one input in one state."""

    action: Action
    state: State
    """The next one."""


_END_ANYWHERE = {
    Input.BREAK: Step(Action.FAIL, State.CLOSED),
    Input.CUT: Step(Action.CLOSE, State.CLOSED),
    Input.EOF: Step(Action.IGNORE, State.CLOSED),
}

TABLE: Mapping[State, Mapping[Input, Step]] = {
    State.IDLE: {
        Input.START: Step(Action.ASK, State.ASKING),
        Input.END: Step(Action.ANSWER, State.IDLE),
        Input.CANCEL: Step(Action.ANSWER, State.IDLE),
        Input.FAULT: Step(Action.ANSWER, State.IDLE),
        Input.AUDIO: Step(Action.COMPLAIN, State.IDLE),
        Input.RESUME: Step(Action.TAKE_UP, State.RESUMING),
        Input.ACK: Step(Action.ACKNOWLEDGE, State.IDLE),
        Input.TIMEOUT: Step(Action.FAIL, State.CLOSED),
        Input.LEAVE: Step(Action.CLOSE, State.CLOSED),
        Input.NOT_KNOWN: Step(Action.FAIL, State.CLOSED),
        **_END_ANYWHERE,
    },
    State.ASKING: {
        Input.GRANTED: Step(Action.BEGIN, State.OPEN),
        Input.REFUSED: Step(Action.ANSWER, State.IDLE),
        Input.LEAVE: Step(Action.WAIT, State.ASKING),
        Input.NOT_KNOWN: Step(Action.WAIT, State.ASKING),
        **_END_ANYWHERE,
    },
    State.RESUMING: {
        Input.REFUSED: Step(Action.ANSWER, State.IDLE),
        **_END_ANYWHERE,
    },
    State.OPEN: {
        Input.START: Step(Action.FINISH, State.CLOSING),
        Input.END: Step(Action.FINISH, State.CLOSING),
        Input.CANCEL: Step(Action.CANCEL, State.CLOSING),
        Input.FAULT: Step(Action.FINISH, State.CLOSING),
        Input.RESUME: Step(Action.FINISH, State.CLOSING),
        Input.ACK: Step(Action.ACKNOWLEDGE, State.OPEN),
        Input.AUDIO: Step(Action.FEED, State.OPEN),
        Input.TIMEOUT: Step(Action.FINISH, State.CLOSING),
        Input.LEAVE: Step(Action.FINISH, State.CLOSING),
        Input.NOT_KNOWN: Step(Action.FINISH, State.CLOSING),
        Input.FAILED: Step(Action.WAIT, State.CLOSING),
        Input.DONE: Step(Action.CONCLUDE, State.IDLE),
        **_END_ANYWHERE,
    },
    State.CLOSING: {
        # The order of answers must not depend on the engine's speed.
        Input.START: Step(Action.POSTPONE, State.CLOSING),
        Input.END: Step(Action.POSTPONE, State.CLOSING),
        Input.CANCEL: Step(Action.POSTPONE, State.CLOSING),
        Input.FAULT: Step(Action.POSTPONE, State.CLOSING),
        Input.RESUME: Step(Action.POSTPONE, State.CLOSING),
        Input.ACK: Step(Action.ACKNOWLEDGE, State.CLOSING),
        Input.AUDIO: Step(Action.IGNORE, State.CLOSING),
        Input.LEAVE: Step(Action.WAIT, State.CLOSING),
        Input.NOT_KNOWN: Step(Action.WAIT, State.CLOSING),
        Input.FAILED: Step(Action.WAIT, State.CLOSING),
        Input.DONE: Step(Action.CONCLUDE, State.IDLE),
        **_END_ANYWHERE,
    },
    State.CLOSED: {one: Step(Action.IGNORE, State.CLOSED) for one in Input},
}


def diagram() -> str:
    """The table as a Mermaid state diagram; inputs that do the same share an arrow."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.IDLE}"]
    for state, row in TABLE.items():
        if state is State.CLOSED:
            continue
        arrows: dict[Step, list[Input]] = {}
        for one, step in row.items():
            arrows.setdefault(step, []).append(one)
        for step, inputs in arrows.items():
            label = f"{', '.join(inputs)} / {step.action.value}"
            lines.append(f"    {state} --> {step.state}: {label}")
    lines.append(f"    {State.CLOSED} --> [*]")
    return "\n".join(lines)
