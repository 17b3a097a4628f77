"""Who may recognise what: the answer to an access request.

Who it is was asked at the handshake (`rasr.server.auth`). The engine, the hot words, the admission
slot and the caption channel are found here, so that neither a dialect nor the recognition knows of
them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from hashlib import sha256
from typing import assert_never

from decoder import HotWord
from rasr.captions import Broadcaster, ChannelBusy, ChannelRefusal, TooManyChannels
from rasr.identity.principals import Principal, project_of
from rasr.models.languages import setup_command
from rasr.recognition.config import EngineChoice
from rasr.runtime.access import Access, Subscriber
from rasr.server.admission import Admission, Party, Refused, Slot
from rasr.server.channels.directory import ChannelDirectory
from rasr.server.engines import PropertyTable
from rasr.server.vocabularies import KnownVocabularies
from rasr.wire.dialect import AccessRequest, Grant, Refusal, RefusalKind

_NONE_DETECTS = (
    "no engine of this server finds out which language is spoken; who runs it can have several "
    "languages served by one model that does, such as sensevoice or whisper-base"
)

_MOST_LETTERS = 32
"""Of the owner of a channel."""


class Authoriser:
    """Answers the access requests of a server."""

    def __init__(
        self,
        properties: PropertyTable,
        admission: Admission,
        captions: Broadcaster,
        channels: ChannelDirectory,
        vocabularies: KnownVocabularies,
        at_hand: Collection[str],
    ) -> None:
        """
        Args:
            at_hand: languages that could be served here, once their models are fetched.
        """
        self._properties = properties
        self._admission = admission
        self._captions = captions
        self._channels = channels
        self._vocabularies = vocabularies
        self._at_hand = at_hand

    def _served_instead_of(self, language: str) -> str:
        served = ", ".join(self._properties.languages) or "none"
        if language in self._properties.languages or language not in self._at_hand:
            return served
        return f"{served}; who runs it can add {language}: {setup_command(language)}"

    async def authorise(self, party: Party, request: AccessRequest) -> Access | Refusal:
        """Whether `party` may have the recognition that it asks for.

        Raises:
            DirectoryUnavailable: its hot words cannot be read now.
        """
        engine = self._properties.choose(request.model, request.language, request.sample_rate)
        if request.detects_language:
            engine = self._properties.detecting(engine)
            if engine is None:
                return Refusal(RefusalKind.DETECTION, _NONE_DETECTS)
        if engine is None:
            return Refusal(RefusalKind.LANGUAGE, self._served_instead_of(request.language))
        hot_words = list(request.hot_words)
        if request.vocabulary_id is not None:
            vocabulary = await self._vocabularies.words(
                party.project, party.principal, request.vocabulary_id
            )
            if vocabulary is None:
                return Refusal(RefusalKind.VOCABULARY)
            hot_words = [*vocabulary, *hot_words]
        channel = request.caption_channel
        project = _owner_of_channels(party.principal)
        if channel is not None:
            refusal = _told(self._captions.refusal(channel, project))
            if refusal is not None:
                return refusal
        slot = _Slot(self._admission, party, engine)
        if request.needs_slot:
            sentence = slot.take()
            if sentence is not None:
                return Refusal(RefusalKind.CAPACITY, sentence)
        subscribers: tuple[Subscriber, ...] = ()
        if channel is not None:
            try:
                refusal = _told(
                    await self._channels.claim(channel, project)
                    # Others may have come first meanwhile.
                    or self._captions.refusal(channel, project)
                )
            except BaseException:
                slot.release()
                raise
            if refusal is not None:
                slot.release()
                return refusal
            subscribers = (self._captions.open(channel, party.address, project),)
        grant = Grant(engine, tuple(HotWord(word) for word in dict.fromkeys(hot_words)))
        return Access(grant, slot, subscribers)


def _owner_of_channels(principal: Principal | None) -> str:
    """Whose the channels of a caller are, as the store can have it: an identity provider calls its
    projects whatever it likes, and one channel that cannot be written down would keep those of all
    others from it.

    Where nobody is asked, the project of the path is what anybody likes: then it is nobody.
    """
    project = project_of(principal)
    if len(project) <= _MOST_LETTERS and project.isprintable():
        return project
    return sha256(project.encode(errors="surrogatepass")).hexdigest()[:_MOST_LETTERS]


def _told(refusal: ChannelRefusal | None) -> Refusal | None:
    match refusal:
        case None:
            return None
        case ChannelBusy():
            return Refusal(RefusalKind.CHANNEL_BUSY)
        case TooManyChannels():
            return Refusal(
                RefusalKind.CHANNELS_FULL,
                f"{refusal.channels} of {refusal.max_channels} caption channels are in use or "
                "watched; try again when one is not",
            )
        case _:
            assert_never(refusal)


class _Slot:
    """An admission slot of one recognition; see `rasr.runtime.access.AdmissionSlot`."""

    def __init__(self, admission: Admission, party: Party, engine: EngineChoice) -> None:
        self._admission = admission
        self._party = party
        self._engine = engine
        self._loop = asyncio.get_running_loop()
        self._held: Slot | None = None

    def take(self) -> str | None:
        if self._held is not None:
            return None
        answer = self._admission.take(self._party, self._engine, self._loop.time())
        if isinstance(answer, Refused):
            return answer.sentence
        self._held = answer
        return None

    def release(self) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            self._admission.leave(held, self._loop.time())
