"""What is told of a job, in the words of SIS, and in some of our own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rasr.wire.sis.recordings import moment, recording_body

if TYPE_CHECKING:
    from rasr.store.records import JobRecord


@dataclass(frozen=True, slots=True)
class Outlook:
    """What can be said of a job that is not over."""

    before: int | None = None
    """So many jobs are served before it; None: it is being worked on."""
    expected_end: float | None = None
    """Seconds since 1970, as far as can be said."""


@dataclass(frozen=True, slots=True)
class JobNumbers:
    """How jobs are doing, all servers together; some seconds old."""

    by_state: Mapping[str, int]
    oldest_waiting_s: float
    """How long the job that waits longest has waited; 0 where none does."""
    speed: float | None
    """Seconds of audio in a second of one job of this server, as measured lately."""


def status_of(record: JobRecord) -> str:
    """SIS knows three: nobody is told that a job runs."""
    if record.is_open:
        return "WAITING"
    return "FINISHED" if record.error_code is None else "ERROR"


def answer_of(
    record: JobRecord,
    segments: Sequence[str] | None,
    outlook: Outlook | None = None,
    *,
    job_id: str | None = None,
    request_id: str | None = None,
) -> bytes:
    """The answer to a question for a job.

    Args:
        segments: as `recording_body` takes them.
        job_id: where the answer has to say which job it is of.
        request_id: of the request, where the job has failed.
    """
    return recording_body(
        described(record, outlook) | {"job_id": job_id, "request_id": request_id}, segments
    )


def described(record: JobRecord, outlook: Outlook | None) -> dict[str, Any]:
    """What is told of a job besides its text; what is None is not told."""
    is_over = not record.is_open
    told: dict[str, Any] = {
        "error_code": record.error_code,
        "error_msg": record.error_message,
        "status": status_of(record),
        "create_time": moment(record.created_at),
        "start_time": moment(record.started_at or record.finished_at) if is_over else None,
        "finish_time": moment(record.finished_at),
        "audio_duration": record.audio_ms,
        "progress": _percent(record),
        "expire_time": moment(record.expires_at),
    }
    if outlook is not None:
        told |= {
            "queue_position": outlook.before,
            "expected_end_time": moment(outlook.expected_end),
        }
    if record.delivery is not None:
        delivery = record.delivery
        told["callback"] = {
            "state": delivery["state"],
            "attempts": delivery["attempts"],
            "next_time": moment(delivery["next_at"]),
            "fault": delivery["fault"],
        }
    return told


def callback_answer(record: JobRecord, segments: Sequence[str]) -> bytes:
    """What is sent to a callback URL."""
    is_finished = record.error_code is None
    told = described(record, None) | {"job_id": record.id}
    del told["expire_time"]
    told.pop("callback", None)
    return recording_body(told, segments if is_finished else None)


def _percent(record: JobRecord) -> int | None:
    if not record.is_open:
        return 100 if record.error_code is None else None
    if not record.audio_ms:
        return 0
    return min(99, record.done_ms * 100 // record.audio_ms)
