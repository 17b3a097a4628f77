"""The server as an application of Ray Serve: replicas that come and go with the open rounds.

    serve run rasr.deploy.ray:application config=/etc/rasr/rasr.toml max_replicas=8

Each replica is a whole server without a socket; Ray's proxy carries its application. docs/ray.md
says what that changes.
"""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ray import serve
from ray.serve import Application
from ray.serve.config import AutoscalingConfig, AutoscalingContext, AutoscalingPolicy
from starlette.types import ASGIApp

from rasr import logs
from rasr.configuration import ConfigurationError, load
from rasr.deploy.arguments import INTERVAL_S, Arguments, replicas_wanted
from rasr.models.errors import ModelError
from rasr.models.serving import with_models
from rasr.models.store import open_store
from rasr.server.errors import StartError
from rasr.server.service import Service
from rasr.settings import Settings
from rasr.store.on_demand import DirectoryOnDemand, StoreOnDemand

_ROUNDS = "rounds"
"""The name under which a replica tells how many are open."""
_SPARE_CONNECTIONS = 128
"""Beside the websockets, for requests over HTTP."""
_FAREWELL_S = 10.0
"""For a replica to stop once its calls are over."""


def application(arguments: dict[str, Any]) -> Application:
    """The application, for `serve run rasr.deploy.ray:application`.

    Raises:
        StartError: an argument or a setting cannot be used.
    """
    try:
        told = Arguments.model_validate(arguments)
    except ValidationError as error:
        mistakes = "; ".join(
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()
        )
        raise StartError(f"the arguments cannot be used: {mistakes}") from error
    # A mistake is told here, and not by each replica in turn.
    settings = _settings(told.config)
    deployment = serve.deployment(
        serve.ingress()(Replica),
        name="rasr",
        max_ongoing_requests=settings.server.max_connections + _SPARE_CONNECTIONS,
        ray_actor_options={"num_cpus": told.cores},
        graceful_shutdown_timeout_s=told.drain_s + _FAREWELL_S,
        graceful_shutdown_wait_loop_s=0.5,
        # A replica of a new version is ready before one of the old version goes.
        max_surge_percent=25,
        autoscaling_config=AutoscalingConfig(
            min_replicas=told.min_replicas,
            max_replicas=told.max_replicas,
            target_ongoing_requests=told.rounds,
            upscale_delay_s=told.upscale_delay_s,
            downscale_delay_s=told.downscale_delay_s,
            look_back_period_s=told.look_back_s,
            metrics_interval_s=INTERVAL_S,
            policy=AutoscalingPolicy(policy_function=replicas_by_rounds),
        ),
    )
    return deployment.bind(told.config, math.ceil(told.cores))


def replicas_by_rounds(context: AutoscalingContext) -> tuple[int, dict[str, Any]]:
    """How many replicas there are to be: as many as the open rounds want.

    Connections that say nothing, pages and calls over HTTP are requests to Ray too, and no reason
    for another replica.
    """
    rounds = sum((context.aggregated_metrics or {}).get(_ROUNDS, {}).values())
    wanted = replicas_wanted(rounds, context.config.target_ongoing_requests)
    least, most = context.capacity_adjusted_min_replicas, context.capacity_adjusted_max_replicas
    return max(least, min(most, wanted)), {}


class Replica:
    """One server, as Ray makes and ends it."""

    def __init__(self, config: str, cores: int) -> None:
        """
        Args:
            config: the settings file; empty: as of `rasr serve`.
            cores: what Ray has set aside for it.
        """
        settings = _settings(config)
        if not settings.decoding.workers:
            # The node has more, and other replicas have them.
            decoding = settings.decoding.model_copy(update={"workers": cores})
            settings = settings.model_copy(update={"decoding": decoding})
        logs.set_up(settings.server.log_level, sys.stderr, settings.server.log_format)
        store = StoreOnDemand(settings.store, os.environ)
        self._service = Service(settings, DirectoryOnDemand(store), store, has_socket=False)

    async def __serve_build_asgi_app__(self) -> ASGIApp:
        """What Ray's proxy carries, once the server can recognise."""
        await self._service.__aenter__()
        assert self._service.application is not None, "it serves"
        return self._service.application

    async def record_autoscaling_stats(self) -> dict[str, float]:
        """What `replicas_by_rounds` goes by."""
        return {_ROUNDS: self._service.state.admission.recognitions}

    async def check_health(self) -> None:
        """The event loop answers: all that Ray has to know."""

    async def __del__(self) -> None:
        """Ray waits for it, once the calls of the replica are over."""
        # Also where `__init__` has failed.
        service: Service | None = getattr(self, "_service", None)
        if service is not None:
            await service.stop()


def _settings(config: str) -> Settings:
    """The settings of a replica, with the models that serve in it.

    Raises:
        StartError: they cannot be used, or ask for what is the proxy's to do.
    """
    try:
        loaded = load(Path(config) if config else None, os.environ, {})
        store = open_store(loaded.settings.models.folder, os.environ)
        settings = with_models(loaded, (), store).settings
    except ConfigurationError as error:
        raise StartError(f"the settings cannot be used: {'; '.join(error.mistakes)}") from error
    except ModelError as error:
        raise StartError(str(error)) from error
    server = settings.server
    if server.tls_cert:
        raise StartError(
            "server.tls_cert: Ray's proxy speaks plain http; TLS is for what is before"
        )
    if server.connections_per_address:
        raise StartError(
            "server.connections_per_address: connections are counted by Ray's proxy, which has no "
            "such bound; let what is before it have one"
        )
    return settings
