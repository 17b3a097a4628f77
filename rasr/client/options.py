"""What an app asks of a server: the fields of START, the mode, and how a connection is opened."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypedDict, Unpack

from rasr.client.connection import OPEN_TIMEOUT_S
from rasr.client.credentials import AccessKey, Credential, check_text
from rasr.wire.sis.codec import read_start_config
from rasr.wire.sis.errors import ProtocolError
from rasr.wire.sis.messages import StartConfig
from rasr.wire.sis.modes import Mode

CLIENT_DEFAULTS: Mapping[str, Any] = {"resume": True}
"""Of fields of START that clients of this project ask for unless they are told not to."""


class StartFields(TypedDict, total=False):
    """START's fields that have a default, as `rasr.wire.sis.fields.START_FIELDS` has them."""

    add_punc: bool
    digit_norm: bool
    interim_results: bool
    vad_head: int
    vad_tail: int
    max_seconds: int
    vocabulary_id: str
    need_word_info: bool
    user_words: tuple[str, ...]
    warnings: bool
    word_confidence: bool
    caption_channel: str
    resume: bool


@dataclass(frozen=True, slots=True)
class Options:
    """What a session is opened with. `Options.of` makes it of plain values."""

    config: StartConfig
    mode: Mode = Mode.CONTINUE
    project_id: str = "default"
    open_timeout_s: float = OPEN_TIMEOUT_S
    retry_s: float = 0.0
    """For so long connecting and START are tried again while no audio has been sent; 0: once.
    Once audio is on its way, that is for `resume`."""
    tls: ssl.SSLContext | None = None
    """For wss:// with a certificate of your own; None trusts what the system trusts."""
    token: str | None = field(default=None, repr=False)
    """For a server that asks who calls; `project_id` is then the token's."""
    key: AccessKey | None = None
    """For such a server, in place of a token; `project_id` is then the key's."""

    def __post_init__(self) -> None:
        if self.token is not None:
            check_text("the token", self.token)

    @property
    def credential(self) -> Credential:
        """What is shown to a server that asks who calls."""
        return self.key or self.token

    @classmethod
    def of(
        cls,
        property: str,
        audio_format: str = "pcm16k16bit",
        *,
        mode: Mode = Mode.CONTINUE,
        project_id: str = "default",
        open_timeout_s: float = OPEN_TIMEOUT_S,
        retry_s: float = 0.0,
        tls: ssl.SSLContext | None = None,
        token: str | None = None,
        key: AccessKey | None = None,
        **fields: Unpack[StartFields],
    ) -> Self:
        """Options of plain values; the keywords are fields of START.

        Raises:
            ValueError: a field has a value that the server would refuse. Fields that the mode does
                not have are ignored, as the server does.
        """
        given = {**CLIENT_DEFAULTS, **fields}
        raw = {name: _on_the_wire(value) for name, value in given.items()}
        try:
            config = read_start_config(
                {"property": property, "audio_format": audio_format, **raw}, mode
            )
        except ProtocolError as error:
            raise ValueError(error.message) from error
        return cls(config, mode, project_id, open_timeout_s, retry_s, tls, token, key)


def _on_the_wire(value: Any) -> Any:
    match value:
        case bool():
            return "yes" if value else "no"
        case tuple():
            return list(value)
        case _:
            return value
