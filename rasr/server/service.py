"""A server that runs: engines warm, socket open. Started and stopped as one context.

`serve` puts it into a process with signals; tests, the demo and the command line use it as it is.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Self

import rasr.asgi
from decoder.cores import cores
from rasr.asgi.addresses import Proxies
from rasr.captions import Broadcaster
from rasr.identity.directory import Directory
from rasr.media import AudioFiles
from rasr.models.catalogue import load
from rasr.models.languages import languages
from rasr.recognition.segmenter import Margins
from rasr.recordings.reading import RecordingReader
from rasr.runtime.alignment import Aligners
from rasr.runtime.recognizer import Recognizer
from rasr.scheduling import Scheduler
from rasr.server.access import Authoriser
from rasr.server.admission import Admission, AdmissionRules
from rasr.server.application import make_application
from rasr.server.auth.authenticator import Authenticator
from rasr.server.auth.door import Door
from rasr.server.background import Background
from rasr.server.descriptors import connections_that_fit
from rasr.server.engines import (
    PropertyTable,
    make_scheduler,
    plan,
    property_table,
    start_scheduler,
)
from rasr.server.errors import StartError
from rasr.server.listener import addresses_of_others, is_loopback, listen, url_of
from rasr.server.metering.meter import make_meter
from rasr.server.ops.capacity import Calibrations, Capacities, memory_folder
from rasr.server.ops.history import History
from rasr.server.ops.interfaces import InterfaceStatistics
from rasr.server.ops.statistics import ServerStatistics
from rasr.server.reach import check_reach
from rasr.server.ready import ready_message
from rasr.server.recordings import Recordings, open_recordings
from rasr.server.speech import make_speech
from rasr.server.state import ServerState
from rasr.server.texts import Texts, load_texts
from rasr.server.tls import tls_context
from rasr.server.vocabularies import KnownVocabularies
from rasr.server.word_times import start_aligners
from rasr.server.ws.connections import Connections
from rasr.settings import Settings, VadSettings
from rasr.store.on_demand import StoreOnDemand
from rasr.tasks import awaited, notice_faults
from rasr.wire.sis.flash import MOST_BYTES
from vad import Classifier, VadError, make_classifier

_LEAST_FRAME_BYTES = 4 << 20
"""Longer websocket messages end the connection with 1009 before anybody sees them. Far above what
a session accepts, so that a client gets a sentence where one is of use."""


_SPARE_CONNECTIONS = 128
"""Beside the websockets: so that questions of a balancer and refusals find room."""
_GRACE_S = 1.0
"""For requests over HTTP to be answered, once all websockets are closed: with the two farewells it
is less than what is left before the process is ended by force (`rasr.server.serve`)."""
_FAREWELL_S = 1.0
"""For viewers of captions to take the last events, once the last session is over."""


class Service:
    """One server. `async with Service(settings) as service:` — then it recognises."""

    def __init__(
        self,
        settings: Settings,
        directory: Directory | None = None,
        store: StoreOnDemand | None = None,
    ) -> None:
        """
        Args:
            directory: the accounts, closed at the end; None: there are none.
            store: where hot words and usage are kept, closed at the end; None: nowhere.
        """
        self.settings = settings
        self._directory = directory
        self._store = store
        self._meter = make_meter(store)
        self._listener: socket.socket | None = None
        self._schedulers: dict[str, Scheduler] = {}
        self._calibrations = Calibrations(memory_folder(os.environ))
        self._aligners: Aligners | None = None
        self._recognizer: Recognizer | None = None
        self._state: ServerState | None = None
        self._stack = AsyncExitStack()
        self._recordings: Recordings | None = None
        self._http: rasr.asgi.Server | None = None
        self._audio_files = AudioFiles(at_once=max(2, min(4, cores())))
        self._speech = make_speech(settings)
        self.background: Background | None = None
        """While it serves."""
        self._asks = False
        """At start; later there may be accounts."""

    async def __aenter__(self) -> Self:
        """Raises StartError where the settings, the address or an engine do not allow it."""
        try:
            await self._start()
        except BaseException:
            await self._release()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """`ws://host:port`, or `wss:` with a certificate."""
        assert self._listener is not None, "the service has not been started"
        return self._url

    @property
    def ready_message(self) -> str:
        """What a person is told once the server can recognise; the first line has its address."""
        assert self._listener is not None, "the service has not been started"
        engines = {key: str(one) for key, one in self.state.properties.engines.items()}
        return ready_message(
            self.url, addresses_of_others(self._listener), engines, asks=self._asks
        )

    @property
    def state(self) -> ServerState:
        """What the parts of the running server share."""
        assert self._state is not None, "the service has not been started"
        return self._state

    def reload_tls(self) -> None:
        """Read the certificate and its key anew, for those who connect from now on.

        Raises:
            StartError: they cannot be used. Those that were read before stay.
        """
        context = tls_context(self.settings.server)
        if self._http is not None:
            self._http.tls = context

    async def stop(self) -> None:
        """No new sessions; finals and END for open ones, within `server.drain_s`; then the rest."""
        if self._http is None or self._state is None:
            return
        # Said before the listeners close, so that a balancer sees it and nothing slips in between.
        connections = self._state.connections
        connections.closing = True
        self._http.stop_accepting()
        await connections.close(self.settings.server.drain_s)
        # Viewers come after the speakers: they get the last finals too.
        await self._state.captions.close(_FAREWELL_S)
        await self._http.stop(_GRACE_S)
        self._http = None
        await self._release()

    async def _start(self) -> None:
        settings = self.settings = _within_descriptors(self.settings)
        plans = plan(settings)
        try:
            _classifier(settings.vad)
        except VadError as error:
            raise StartError(f"vad.{error}") from error
        self._listener = listen(settings.server.host, settings.server.port)
        tls, proxies = tls_context(settings.server), _proxies(settings.server.trusted_proxies)
        self._url = url_of(self._listener, is_secure=tls is not None)
        authenticator = Authenticator(settings, self._directory, time.time)
        self._recordings = await self._stack.enter_async_context(
            open_recordings(settings.recordings, self._store)
        )
        self._asks = await check_reach(authenticator, settings.server.host, is_local=self._is_local)
        await self._meter.start()
        self._schedulers = {
            name: make_scheduler(one, settings.decoding) for name, one in plans.items()
        }
        texts = await self._load()
        await self._calibrations.begin(plans, settings, self._schedulers)
        known = {name: one.capabilities for name, one in self._schedulers.items()}
        properties = property_table(settings, known)
        self._aligners = await start_aligners(properties, texts.tools.spellers)
        capacities = Capacities(plans, self._schedulers)
        self._state = self._assemble(capacities, properties, texts, authenticator)
        self.background = await Background.start(self._state)
        self._http = rasr.asgi.Server(
            self.background.around(_door(self._state)),
            rasr.asgi.Limits(
                connections=settings.server.max_connections + _SPARE_CONNECTIONS,
                connections_per_address=settings.server.connections_per_address,
                send_timeout_s=settings.server.send_timeout_s,
                body_bytes=MOST_BYTES,
                message_bytes=max(_LEAST_FRAME_BYTES, 2 * settings.session.max_message_bytes),
            ),
            self._state.statistics.requests_refused,
            proxies=proxies,
            tls=tls,
        )
        await self._http.start(self._listener)
        self._audio_files.warm()
        self._speech.begin()

    @property
    def _is_local(self) -> bool:
        """Only this machine can reach it."""
        assert self._listener is not None, "the socket is bound first"
        return is_loopback(self._listener)

    async def _load(self) -> Texts:
        """Load the engines, and the text tools beside them."""
        texts = awaited(asyncio.to_thread(load_texts, self.settings), name="load-texts")
        try:
            for name, scheduler in self._schedulers.items():
                await start_scheduler(name, scheduler)
        except BaseException:
            # The thread ends by itself; what comes of it is of no interest.
            texts.cancel()
            await asyncio.gather(texts, return_exceptions=True)
            raise
        return await texts

    def _assemble(
        self,
        capacities: Capacities,
        properties: PropertyTable,
        texts: Texts,
        authenticator: Authenticator,
    ) -> ServerState:
        """The parts of the server, each given what it needs."""
        settings = self.settings
        admission = Admission(
            _admission_rules(settings, self._schedulers, texts.seconds),
            self._schedulers,
            properties.engines.values(),
            cores(),
        )
        captions = Broadcaster(settings.captions, asyncio.get_running_loop())
        statistics, interfaces = ServerStatistics(), InterfaceStatistics(time.time)
        notice_faults(asyncio.get_running_loop(), statistics.count_fault)
        recognizer = self._recognizer = Recognizer(
            self._schedulers,
            texts.tools,
            partial(_classifier, settings.vad),
            Margins(settings.vad.pre_roll_ms, settings.vad.post_roll_ms),
            settings.session,
            final_timeout_s=settings.decoding.final_timeout_s,
            aligner=self._aligners,
        )
        at_hand = {one.name: one for one in languages(load())}
        vocabularies = KnownVocabularies(settings.vocabularies, self._store)
        authoriser = Authoriser(properties, admission, captions, vocabularies, at_hand)
        return ServerState(
            settings=settings,
            schedulers=self._schedulers,
            properties=properties,
            at_hand=at_hand,
            admission=admission,
            captions=captions,
            aligners=self._aligners,
            capacities=capacities,
            statistics=statistics,
            interfaces=interfaces,
            history=History(interfaces, self._store),
            meter=self._meter,
            connections=Connections(settings, recognizer, authoriser, statistics, self._meter),
            recognizer=recognizer,
            authoriser=authoriser,
            audio_files=self._audio_files,
            recordings=self._recordings,
            reader=RecordingReader(self._audio_files, recognizer),
            authenticator=authenticator,
            vocabularies=vocabularies,
            speech=self._speech,
            store=self._store,
            # A server for others is meant to be reached by names.
            names_are_ours=settings.auth.kind == "none" or not self._is_local,
        )

    async def _release(self) -> None:
        if self.background is not None:
            await self.background.stop()
            self.background = None
        await self._calibrations.remember()
        for scheduler in self._schedulers.values():
            await scheduler.stop()
        self._schedulers = {}
        if self._aligners is not None:
            self._aligners.close()
        if self._recognizer is not None:
            self._recognizer.close()
        self._audio_files.close()
        await self._stack.aclose()
        self._speech.stop()
        await self._meter.close()
        if self._directory is not None:
            await self._directory.close()
        if self._store is not None:
            await self._store.close()
        if self._listener is not None:
            self._listener.close()


def _admission_rules(
    settings: Settings, schedulers: Mapping[str, Scheduler], text_s: float
) -> AdmissionRules:
    capacity = settings.capacity
    recognitions = settings.decoding.max_rounds
    if not capacity.max_load:
        recognitions = recognitions or sum(one.streams for one in schedulers.values())
    return AdmissionRules(
        max_load=capacity.max_load,
        recognitions=recognitions,
        per_project=capacity.rounds_per_project,
        per_address=capacity.rounds_per_address,
        text_s=text_s,
    )


def _door(state: ServerState) -> Door:
    turned_away, count_call = state.statistics.turned_away, state.interfaces.count
    return Door(make_application(state), state.authenticator, turned_away, count_call)


def _within_descriptors(settings: Settings) -> Settings:
    """The settings with as many connections as the process may have.

    Raises:
        StartError: hardly any.
    """
    server = settings.server
    fit = connections_that_fit(server.max_connections + _SPARE_CONNECTIONS) - _SPARE_CONNECTIONS
    if fit == server.max_connections:
        return settings
    fewer = server.model_copy(update={"max_connections": max(1, fit)})
    return settings.model_copy(update={"server": fewer})


def _proxies(texts: tuple[str, ...]) -> Proxies:
    try:
        return Proxies(texts)
    except ValueError as error:
        raise StartError(
            f"server.trusted_proxies: {str(error)[:80]!r} is no address and no network such as "
            "10.0.0.0/8"
        ) from error


def _classifier(vad: VadSettings) -> Classifier:
    return make_classifier(
        vad.kind,
        aggressiveness=vad.aggressiveness,
        frame_ms=vad.frame_ms,
        threshold=vad.threshold,
    )
