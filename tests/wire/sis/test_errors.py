"""The error table: whose fault each code is, and whether it is worth trying again."""

from __future__ import annotations

from rasr.wire.sis.errors import ERROR_TABLE, ErrorCode


def test_every_code_has_its_http_status_and_says_whether_to_try_again() -> None:
    assert {code: (row.http_status, row.retryable) for code, row in ERROR_TABLE.items()} == {
        # The peer's faults: the same again fails again.
        ErrorCode.MISSING: (400, False),
        ErrorCode.UNSUPPORTED: (400, False),
        ErrorCode.INVALID: (400, False),
        ErrorCode.NO_VOCABULARY: (400, False),
        ErrorCode.BAD_WORD: (400, False),
        ErrorCode.NAME_TAKEN: (400, False),
        ErrorCode.VOCABULARY_LANGUAGE: (400, False),
        ErrorCode.VOCABULARIES_FULL: (400, False),
        ErrorCode.FORMAT_MISMATCH: (400, False),
        ErrorCode.AUDIO_TOO_LONG: (400, False),
        ErrorCode.WRONG_AUDIO: (400, False),
        ErrorCode.TOO_LONG: (413, False),
        ErrorCode.FROZEN: (401, False),
        ErrorCode.NO_DELEGATION: (403, False),
        ErrorCode.FILE_TOO_LARGE: (413, False),
        ErrorCode.ILLEGAL_URL: (400, False),
        ErrorCode.DOWNLOAD_FAILED: (400, False),
        ErrorCode.BUCKET_FAILED: (400, False),
        ErrorCode.NO_JOB: (404, False),
        ErrorCode.NOT_DECODED: (400, False),
        ErrorCode.NOT_DECODED: (400, False),
        ErrorCode.SAMPLE_RATE: (400, False),
        ErrorCode.SOUND_FORMAT: (400, False),
        ErrorCode.VOICE: (400, False),
        ErrorCode.SPEECH_BODY: (400, False),
        ErrorCode.SPEAKS_ALREADY: (400, False),
        # Of the moment.
        ErrorCode.JOBS_FULL: (429, True),
        ErrorCode.IDLE: (408, True),
        ErrorCode.NO_TEXT: (408, True),
        ErrorCode.FULL: (429, True),
        ErrorCode.QUOTA: (429, True),
        # Ours.
        ErrorCode.JOB_LATE: (504, True),
        ErrorCode.ENGINE_FAILED: (500, True),
        ErrorCode.STORE_DOWN: (500, True),
        ErrorCode.INTERNAL: (500, True),
        ErrorCode.RECOGNITION_FAILED: (500, True),
        ErrorCode.SPEECH_FAILED: (500, True),
        ErrorCode.ENGINE_UNREACHABLE: (503, True),
        ErrorCode.ENGINE_TIMEOUT: (504, True),
    }
