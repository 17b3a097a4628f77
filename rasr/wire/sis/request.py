"""START in neutral words: what is asked of the server, and what of the recognition."""

from __future__ import annotations

from typing import assert_never

from rasr.recognition.config import RecognitionConfig, Segmentation, TextOptions
from rasr.recognition.events import Failure, FailureKind
from rasr.settings import SessionSettings
from rasr.wire.dialect import AccessRequest, Grant, Refusal, RefusalKind
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.messages import StartConfig
from rasr.wire.sis.modes import ModeTraits

SHORT_TAIL_MS = 500
"""Pause at which audio without endpoints of its own (short modes) is decoded in pieces."""
SHORT_MAX_MS = 30_000


def access_request(config: StartConfig, *, needs_slot: bool = True) -> AccessRequest:
    """What the server is asked before the recognition begins.

    Args:
        needs_slot: see `AccessRequest`.
    """
    return AccessRequest(
        model=config.property.name,
        language=config.property.language,
        sample_rate=config.property.sample_rate,
        hot_words=config.user_words or (),
        vocabulary_id=config.vocabulary_id,
        caption_channel=config.caption_channel,
        survives=config.resume,
        needs_slot=needs_slot,
    )


def recognition_config(
    config: StartConfig,
    traits: ModeTraits,
    grant: Grant,
    settings: SessionSettings,
    *,
    detects_language: bool = False,
) -> RecognitionConfig:
    """What the recognition is to do.

    Args:
        detects_language: the engine is to find out which language is spoken.
    """
    if traits.endpoints:
        segmentation = Segmentation(
            head_ms=config.vad_head,
            tail_ms=config.vad_tail,
            max_ms=config.max_seconds * 1000,
            single=traits.voice_events,
            # Whoever asked for one sentence reads one final.
            sentences=not traits.voice_events,
        )
    else:
        segmentation = Segmentation(tail_ms=SHORT_TAIL_MS, max_ms=SHORT_MAX_MS, joined=True)
    return RecognitionConfig(
        audio_format=config.audio_format,
        engine=grant.engine,
        text=TextOptions(
            config.property.language,
            digits=config.digit_norm,
            punctuation=config.add_punc,
            detected=detects_language,
        ),
        segmentation=segmentation,
        partials=config.interim_results,
        word_times=config.need_word_info,
        hot_words=grant.hot_words,
        max_audio_s=traits.max_audio_s,
        limit_is_failure=settings.strict_audio_limit,
        warnings=settings.warnings if config.warnings is None else config.warnings,
    )


def fault_of(refusal: Refusal, config: StartConfig) -> ProtocolError:
    """A refused START in the words of SIS."""
    match refusal.kind:
        case RefusalKind.LANGUAGE:
            return ProtocolError(
                ErrorCode.UNSUPPORTED,
                f"'property' is not supported: {config.property.name!r}; "
                f"languages on this server: {refusal.detail}",
            )
        case RefusalKind.DETECTION:
            return ProtocolError(
                ErrorCode.UNSUPPORTED,
                f"'auto_language_detect' is not supported: {refusal.detail}",
            )
        case RefusalKind.VOCABULARY:
            return ProtocolError(
                ErrorCode.NO_VOCABULARY,
                f"'vocabulary_id' is invalid: there is no vocabulary "
                f"{(config.vocabulary_id or '')[:60]!r} in this project",
            )
        case RefusalKind.CHANNEL_BUSY:
            return ProtocolError(
                ErrorCode.INVALID,
                f"'caption_channel' is invalid: it is {config.caption_channel!r}, to which another "
                "round is publishing; allowed: a channel without an open round, and of no other "
                "project",
            )
        case RefusalKind.CHANNELS_FULL:
            return ProtocolError(ErrorCode.FULL, f"'caption_channel' is refused: {refusal.detail}")
        case RefusalKind.UNAVAILABLE:
            return ProtocolError(
                ErrorCode.ENGINE_UNREACHABLE,
                "the server could not find out in time whether the round may begin; try again",
            )
        case RefusalKind.CAPACITY:
            return ProtocolError(ErrorCode.FULL, refusal.detail)
        case RefusalKind.QUOTA:
            return ProtocolError(ErrorCode.QUOTA, refusal.detail)
        case RefusalKind.FROZEN:
            return ProtocolError(ErrorCode.FROZEN, refusal.detail)
        case RefusalKind.STORE_DOWN:
            return ProtocolError(
                ErrorCode.STORE_DOWN,
                "accounts, usage and hot words cannot be read now; rounds that are open go on; try "
                "again",
            )
        case _:
            assert_never(refusal.kind)


def fault_of_failure(failure: Failure, traits: ModeTraits) -> ProtocolError:
    """Why a recognition failed, in the words of SIS."""
    match failure.kind:
        case FailureKind.ENGINE:
            return ProtocolError(ErrorCode.RECOGNITION_FAILED, failure.message)
        case FailureKind.AUDIO:
            return ProtocolError(ErrorCode.INVALID, failure.message)
        case FailureKind.FULL:
            return ProtocolError(ErrorCode.FULL, failure.message)
        case FailureKind.LIMIT:
            return ProtocolError(
                ErrorCode.AUDIO_TOO_LONG,
                f"the audio is too long; allowed: {traits.max_audio_s} s in one round of this mode",
            )
        case _:
            assert_never(failure.kind)
