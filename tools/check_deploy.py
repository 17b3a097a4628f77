"""Checks the container's files: `python -m tools.check_deploy`, as `make check` does.

Each by the tool that knows it: hadolint reads the Dockerfile, the schema of Compose its file, Caddy
its own, a parser of PromQL each expression of dashboard and alerts, Helm and the schema of
Kubernetes' API the chart. And what they cannot know: that the files name one another rightly, and
that nothing but Caddy is reached from outside.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import promql_parser
import yaml

from tools import chart

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent
_NAMES: tuple[dict[str, str], ...] = (
    {},
    {"RASR_DOMAIN": "talk.example.org", "RASR_TLS": "somebody@example.org"},
)
"""Environments in which a Caddyfile has to be valid."""
_CADDYFILES = ("deploy/Caddyfile", "deploy/proxy/Caddyfile")


def faults() -> Iterator[str]:
    """Everything that is wrong, a line each."""
    yield from _tool("hadolint", "Dockerfile")
    yield from _tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml")
    for file in _CADDYFILES:
        for names in _NAMES:
            words = ("--adapter", "caddyfile", "--config", file)
            yield from _tool("caddy", "validate", *words, environment=names)
        yield from _tool("caddy", "fmt", "--diff", file)
    services = _read(ROOT / "compose.yaml")["services"]
    for name, service in services.items():
        yield from _service_faults(name, service)
    yield from _prometheus_faults(services)
    yield from _grafana_faults(services)
    yield from chart.faults()


def _tool(name: str, *words: str, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    # Caddy makes a certificate authority in its folder as soon as it reads of one.
    with tempfile.TemporaryDirectory() as folder:
        own = {"XDG_DATA_HOME": folder, "XDG_CONFIG_HOME": folder}
        run = subprocess.run(
            [BIN / name, *words],
            cwd=ROOT,
            env={**os.environ, **own, **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
        )
    if run.returncode:
        yield f"{name} {' '.join(words)}:\n{run.stdout}{run.stderr}"


def _service_faults(name: str, service: Mapping[str, Any]) -> Iterator[str]:
    if not service.get("read_only"):
        yield f"compose.yaml: {name} may write to its image"
    if service.get("cap_drop") != ["ALL"]:
        yield f"compose.yaml: {name} keeps capabilities"
    for port in service.get("ports", []):
        if name != "caddy" and not port.startswith("127.0.0.1:"):
            yield f"compose.yaml: {name} is reached from outside at {port}"
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        if source.startswith("./") and not (ROOT / source).exists():
            yield f"compose.yaml: {name} mounts {source}, which is not there"


def _prometheus_faults(services: Mapping[str, Any]) -> Iterator[str]:
    settings = _read(DEPLOY / "prometheus/prometheus.yml")
    for job in settings["scrape_configs"]:
        for target in (one for group in job["static_configs"] for one in group["targets"]):
            if target.split(":")[0] not in services:
                yield f"prometheus.yml: {target} is no service of compose.yaml"
    for file in settings["rule_files"]:
        for group in _read(DEPLOY / "prometheus" / file)["groups"]:
            for rule in group["rules"]:
                yield from _expression_faults(file, rule["expr"])


def _grafana_faults(services: Mapping[str, Any]) -> Iterator[str]:
    (source,) = _read(DEPLOY / "grafana/provisioning/datasources/prometheus.yml")["datasources"]
    host = source["url"].removeprefix("http://").split(":")[0]
    if host not in services:
        yield f"the data source is at {host}, which is no service of compose.yaml"
    dashboard = json.loads((DEPLOY / "grafana/dashboards/rasr.json").read_text("utf-8"))
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield from _expression_faults(panel["title"], target["expr"])
            if target["datasource"]["uid"] != source["uid"]:
                yield f"{panel['title']}: there is no data source {target['datasource']['uid']}"


def _expression_faults(place: str, expression: str) -> Iterator[str]:
    try:
        promql_parser.parse(expression)
    except ValueError as error:
        yield f"{place}: {expression}: {error}"


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def main() -> None:
    """Say what is wrong; the exit code is 1 then."""
    found = list(faults())
    for fault in found:
        sys.stderr.write(f"{fault}\n")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
