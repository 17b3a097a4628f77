"""A server that runs: engines warm, socket open. Started and stopped as one context.

`serve` puts it into a process with signals; tests, the demo and the command line use it as it is.
Where its application is carried by another server it opens no socket.
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

from starlette.types import ASGIApp

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
from rasr.server.channels.shared import channel_directory
from rasr.server.descriptors import connections_that_fit
from rasr.server.engines import (
    PropertyTable,
    make_scheduler,
    plan,
    property_table,
    start_scheduler,
)
from rasr.server.errors import StartError
from rasr.server.jobs.desk import BEAT_S, Jobs
from rasr.server.jobs.needs import Needs
from rasr.server.jobs.uploads import Uploads
from rasr.server.listener import addresses_of_others, is_loopback, listen, url_of
from rasr.server.metering.meter import make_meter
from rasr.server.neighbours import Neighbours
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
from rasr.server.ws.resuming import HeldRounds
from rasr.settings import Settings, VadSettings
from rasr.store.on_demand import StoreOnDemand
from rasr.tasks import awaited, given_up, notice_faults
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
        *,
        has_socket: bool = True,
        job_beat_s: float = BEAT_S,
    ) -> None:
        """
        Args:
            directory: the accounts, closed at the end; None: there are none.
            store: where hot words, usage and jobs are kept, closed at the end; None: nowhere.
            has_socket: False: another server carries `application`, and what the settings say of
                the socket, of TLS and of proxies is for that one to do.
            job_beat_s: so often it looks after jobs.
        """
        self.settings = settings
        self._directory = directory
        self._store = store
        self._has_socket = has_socket
        self._meter = make_meter(store)
        self._job_beat_s = job_beat_s
        self._listener: socket.socket | None = None
        self._schedulers: dict[str, Scheduler] = {}
        self._calibrations = Calibrations(memory_folder(os.environ))
        self._aligners: Aligners | None = None
        self._recognizer: Recognizer | None = None
        self._state: ServerState | None = None
        self._stack = AsyncExitStack()
        self._recordings: Recordings | None = None
        self.application: ASGIApp | None = None
        """While it serves: what answers all calls, for another server to carry."""
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
        """No new sessions; open ones end by themselves, or go to other servers, within
        `replicas.finish_s`; finals and END for the others, within `server.drain_s`; then the rest.
        """
        if self.application is None or self._state is None:
            return
        self.application = None
        # Said before the listeners close, so that a balancer sees it and nothing slips in between.
        connections = self._state.connections
        connections.closing = True
        if self._http is not None:
            self._http.stop_accepting()
        # They lose nothing by it, and live speech has the machine.
        await self._state.jobs.stop()
        if self.settings.replicas.finish_s:
            await connections.retire(self.settings.replicas.finish_s)
        await connections.close(self.settings.server.drain_s)
        # Viewers come after the speakers: they get the last finals too.
        await self._state.captions.close(_FAREWELL_S)
        if self._http is not None:
            await self._http.stop(_GRACE_S)
            self._http = None
        await self._release()

    async def _start(self) -> None:
        settings = self.settings = _within_descriptors(self.settings)
        plans = plan(settings)
        _check_classifier(settings.vad)
        if self._has_socket:
            self._listener = listen(settings.server.host, settings.server.port)
            self._url = url_of(self._listener, is_secure=bool(settings.server.tls_cert))
        tls, proxies = tls_context(settings.server), _proxies(settings.server.trusted_proxies)
        authenticator = Authenticator(settings, self._directory, time.time)
        self._recordings = await self._stack.enter_async_context(
            open_recordings(settings.recordings, self._store)
        )
        self._asks = await check_reach(authenticator, settings.server.host, is_local=self._is_local)
        await self._meter.start()
        self._schedulers = {
            name: make_scheduler(one, settings.decoding) for name, one in plans.items()
        }
        texts = await _loaded(self.settings, self._schedulers)
        await self._calibrations.begin(plans, settings, self._schedulers)
        known = {name: one.capabilities for name, one in self._schedulers.items()}
        properties = property_table(settings, known)
        self._aligners = await start_aligners(properties, texts.tools.spellers)
        capacities = Capacities(plans, self._schedulers)
        self._state = self._assemble(capacities, properties, texts, authenticator)
        self.background = await Background.start(self._state)
        self.application = self.background.around(_door(self._state))
        if self._listener is not None:
            refused = self._state.statistics.requests_refused
            self._http = rasr.asgi.Server(
                self.application, _limits(settings), refused, proxies=proxies, tls=tls
            )
            await self._http.start(self._listener)
        self._audio_files.warm()
        self._speech.begin()
        self._state.jobs.start()

    @property
    def _is_local(self) -> bool:
        """Only this machine can reach it. Who reaches a server that carries it is not known."""
        return self._listener is not None and is_loopback(self._listener)

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
        rounds = HeldRounds(settings.session.resume_s)
        channels = channel_directory(settings, captions, self._store, rounds)
        authoriser = Authoriser(properties, admission, captions, channels, vocabularies, at_hand)
        reader = RecordingReader(self._audio_files, recognizer)
        needs = Needs(
            settings, self._store, authoriser, recognizer, self._recordings, reader, self._meter
        )
        return ServerState(
            settings=settings,
            schedulers=self._schedulers,
            properties=properties,
            at_hand=at_hand,
            admission=admission,
            captions=captions,
            channels=channels,
            aligners=self._aligners,
            capacities=capacities,
            statistics=statistics,
            interfaces=interfaces,
            history=History(interfaces, self._store),
            meter=self._meter,
            connections=Connections(
                settings, recognizer, authoriser, statistics, self._meter, rounds
            ),
            neighbours=Neighbours(),
            recognizer=recognizer,
            authoriser=authoriser,
            audio_files=self._audio_files,
            recordings=self._recordings,
            reader=reader,
            jobs=Jobs(needs, os.environ, self._job_beat_s),
            uploads=Uploads(needs),
            authenticator=authenticator,
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


async def _loaded(settings: Settings, schedulers: Mapping[str, Scheduler]) -> Texts:
    """Load the engines, and the text tools beside them."""
    texts = awaited(asyncio.to_thread(load_texts, settings), name="load-texts")
    try:
        for name, scheduler in schedulers.items():
            await start_scheduler(name, scheduler)
    except BaseException:
        # The thread ends by itself; what comes of it is of no interest.
        await given_up(texts)
        raise
    return await texts


def _limits(settings: Settings) -> rasr.asgi.Limits:
    return rasr.asgi.Limits(
        connections=settings.server.max_connections + _SPARE_CONNECTIONS,
        connections_per_address=settings.server.connections_per_address,
        send_timeout_s=settings.server.send_timeout_s,
        body_bytes=MOST_BYTES,
        message_bytes=max(_LEAST_FRAME_BYTES, 2 * settings.session.max_message_bytes),
    )


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
    application = make_application(state)
    return Door(application, state.authenticator, state.origins, turned_away, count_call)


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


def _check_classifier(vad: VadSettings) -> None:
    try:
        _classifier(vad)
    except VadError as error:
        raise StartError(f"vad.{error}") from error


def _classifier(vad: VadSettings) -> Classifier:
    return make_classifier(
        vad.kind,
        aggressiveness=vad.aggressiveness,
        frame_ms=vad.frame_ms,
        threshold=vad.threshold,
    )
