"""The error table: every code of SIS that this server sends, in one place.

ProtocolError(Exception)   the peer's fault or ours, with the answer to give

The table says what a code means, which HTTP status goes with it, and whether the same request may
succeed later. Codes and meanings follow the SIS documentation; the documentation gives no HTTP
status per code, so that column is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ErrorCode(StrEnum):
    """SIS error codes as they stand on the wire."""

    STORE_DOWN = "SIS.0001"
    MISSING = "SIS.0012"
    UNSUPPORTED = "SIS.0031"
    INVALID = "SIS.0032"
    ENGINE_TIMEOUT = "SIS.0033"
    INTERNAL = "SIS.0100"
    FROZEN = "SIS.0101"
    NO_VOCABULARY = "SIS.0201"
    BAD_WORD = "SIS.0203"
    NAME_TAKEN = "SIS.0204"
    VOCABULARY_LANGUAGE = "SIS.0205"
    VOCABULARIES_FULL = "SIS.0208"
    FORMAT_MISMATCH = "SIS.0301"
    ENGINE_UNREACHABLE = "SIS.0303"
    IDLE = "SIS.0304"
    RECOGNITION_FAILED = "SIS.0305"
    AUDIO_TOO_LONG = "SIS.0309"
    FULL = "SIS.0312"
    SAMPLE_RATE = "SIS.0402"
    SOUND_FORMAT = "SIS.0410"
    VOICE = "SIS.0411"
    SPEECH_BODY = "SIS.0415"
    NO_TEXT = "SIS.0416"
    SPEECH_FAILED = "SIS.0417"
    SPEAKS_ALREADY = "SIS.0418"
    NO_DELEGATION = "SIS.0506"
    NO_JOB = "SIS.0533"
    JOBS_FULL = "SIS.0536"
    FILE_TOO_LARGE = "SIS.0537"
    JOB_LATE = "SIS.0538"
    WRONG_AUDIO = "SIS.0602"
    TOO_LONG = "SIS.0604"
    ILLEGAL_URL = "SIS.0608"
    DOWNLOAD_FAILED = "SIS.0609"
    BUCKET_FAILED = "SIS.30003"
    NOT_DECODED = "SIS.30006"
    ENGINE_FAILED = "SIS.30008"
    QUOTA = "APIG.0308"


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """What a code means."""

    meaning: str
    http_status: int
    retryable: bool
    """True if the same request may succeed later."""


ERROR_TABLE: dict[ErrorCode, ErrorRow] = {
    ErrorCode.STORE_DOWN: ErrorRow("accounts and hot words cannot be read now", 500, True),
    ErrorCode.MISSING: ErrorRow("a field of the body is missing", 400, False),
    ErrorCode.UNSUPPORTED: ErrorRow("the value is valid but not served here", 400, False),
    ErrorCode.INVALID: ErrorRow("a message or a field of it is not valid", 400, False),
    ErrorCode.ENGINE_TIMEOUT: ErrorRow("the engine did not answer in time", 504, True),
    ErrorCode.INTERNAL: ErrorRow("a fault of the server", 500, True),
    ErrorCode.FROZEN: ErrorRow("the project is frozen, or the key was revoked", 401, False),
    ErrorCode.NO_VOCABULARY: ErrorRow("there is no such vocabulary", 400, False),
    ErrorCode.BAD_WORD: ErrorRow("a hot word is not as it must be", 400, False),
    ErrorCode.NAME_TAKEN: ErrorRow("the project has a vocabulary of this name", 400, False),
    ErrorCode.VOCABULARY_LANGUAGE: ErrorRow("no vocabulary may be of this language", 400, False),
    ErrorCode.VOCABULARIES_FULL: ErrorRow(
        "the project has as many vocabularies as it may", 400, False
    ),
    ErrorCode.FORMAT_MISMATCH: ErrorRow("audio_format does not fit the property", 400, False),
    ErrorCode.ENGINE_UNREACHABLE: ErrorRow("the engine is not available", 503, True),
    ErrorCode.IDLE: ErrorRow("no message from the client for too long", 408, True),
    ErrorCode.RECOGNITION_FAILED: ErrorRow("the engine failed on this audio", 500, True),
    ErrorCode.AUDIO_TOO_LONG: ErrorRow("more audio than one recognition may have", 400, False),
    ErrorCode.FULL: ErrorRow("the server carries as much as it can", 429, True),
    ErrorCode.SAMPLE_RATE: ErrorRow("sample_rate is none that sound is made at", 400, False),
    ErrorCode.SOUND_FORMAT: ErrorRow("audio_format is none that sound is made in", 400, False),
    ErrorCode.VOICE: ErrorRow("no voice here speaks what is asked for", 400, False),
    ErrorCode.SPEECH_BODY: ErrorRow("a text, or how it is to be spoken, is not valid", 400, False),
    ErrorCode.NO_TEXT: ErrorRow("no text came for too long", 408, True),
    ErrorCode.SPEECH_FAILED: ErrorRow("the engine failed on this text", 500, True),
    ErrorCode.SPEAKS_ALREADY: ErrorRow("the connection has had its text", 400, False),
    ErrorCode.NO_DELEGATION: ErrorRow("the project gives no access to this bucket", 403, False),
    ErrorCode.NO_JOB: ErrorRow("there is no such job, or none any more", 404, False),
    ErrorCode.JOBS_FULL: ErrorRow("the project has as many jobs as it may", 429, True),
    ErrorCode.JOB_LATE: ErrorRow("a job was not done in time", 504, True),
    ErrorCode.FILE_TOO_LARGE: ErrorRow("a recording is larger or longer than allowed", 413, False),
    ErrorCode.WRONG_AUDIO: ErrorRow("a file is not as declared, or cannot be read", 400, False),
    ErrorCode.TOO_LONG: ErrorRow(
        "a file or its audio is longer than one call may have", 413, False
    ),
    ErrorCode.ILLEGAL_URL: ErrorRow("a URL is not one that may be asked", 400, False),
    ErrorCode.DOWNLOAD_FAILED: ErrorRow("a recording could not be fetched", 400, False),
    ErrorCode.BUCKET_FAILED: ErrorRow("an object could not be fetched from its bucket", 400, False),
    ErrorCode.NOT_DECODED: ErrorRow("a recording cannot be read as audio", 400, False),
    ErrorCode.ENGINE_FAILED: ErrorRow("the engine failed on a recording", 500, True),
    ErrorCode.QUOTA: ErrorRow("the quota of the month is used up", 429, True),
}


class ProtocolError(Exception):
    """Something to tell the peer: a code of the table and one sentence for a person."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
