"""Renders and checks the Helm chart without a cluster.

`python -m tools.chart` reads lines of JSON from standard input, `{"file": "values-many.yaml",
"values": {…}}`, with the name of a `release` where it is another one, and writes for each what the
chart makes of it, `{"objects": […]}`, or why it refuses, `{"refused": "…"}`. Helm's own library
renders.

`faults` is a part of `make check`: Helm's linter; the schema of Kubernetes' API, in the oldest
version that the chart takes and in the newest one that is known, with no field that it does not
know; the model of Prometheus' operator for what is of that.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import helm_python
import kubernetes_validate
import yaml
from cloudcoil.models.prometheus_operator.v1 import ServiceMonitor
from pydantic import ValidationError

CHART = Path(__file__).parent.parent / "deploy/helm/rasr"
RELEASE, NAMESPACE = "talk", "speech"
_OLDEST = "1.30"
_BY_THEIR_OWN_MODEL = {"ServiceMonitor": ServiceMonitor}
_INFORMATION = 1
"""Of Helm's linter, which would have an icon."""

Values = Mapping[str, Any]


def values_of(name: str) -> Values:
    """The values of a file of the chart."""
    return dict(yaml.safe_load((CHART / name).read_text("utf-8")))


def everything() -> Values:
    """Values with which every template makes something and every list has something in it."""
    place = [{"podSelector": {"matchLabels": {"role": "balancer"}}}]
    return {
        **values_of("values-many.yaml"),
        "imagePullSecrets": [{"name": "registry"}],
        "existingSecret": "",
        "secrets": {
            "RASR_STORE__URL": "postgresql://rasr@db.example/rasr",
            "RASR_STORE__ENCRYPTION_KEYS": '["key"]',
            "RASR_METRICS__TOKEN": "token",
        },
        "env": [{"name": "HTTPS_PROXY", "value": "http://proxy.example:3128"}],
        "models": {
            "pull": ["x-asr-480ms"],
            "volume": {"persistentVolumeClaim": {"claimName": "models"}},
        },
        "ingress": {
            "enabled": True,
            "className": "nginx",
            "host": "talk.example",
            "tlsSecret": "talk",
            "annotations": {"nginx.ingress.kubernetes.io/proxy-read-timeout": "3600"},
        },
        "networkPolicy": {"from": place, "metricsFrom": place},
        "service": {"annotations": {"a": "b"}},
        "podAnnotations": {"a": "b"},
        "podLabels": {"a": "b"},
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "tolerations": [{"key": "speech", "operator": "Exists"}],
        "affinity": {
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    {"topologyKey": "kubernetes.io/hostname", "labelSelector": {}}
                ]
            }
        },
        "priorityClassName": "high",
    }


def rendered(values: Values, release: str = RELEASE) -> list[dict[str, Any]]:
    """The objects that the chart makes of `values`.

    Args:
        release: how the release is called.

    Raises:
        helm_python.HelmError: it refuses them.
    """
    with helm_python.Chart.load(str(CHART)) as chart:
        texts = chart.render(dict(values), name=release, namespace=NAMESPACE)
    found: list[dict[str, Any]] = []
    for name, text in sorted(texts.items()):
        if name.endswith(".yaml"):
            found += [one for one in yaml.safe_load_all(text) if one is not None]
    return found


def faults() -> Iterator[str]:
    """Everything that is wrong with the chart, a line each."""
    known = {
        "values.yaml": {},
        "values-many.yaml": values_of("values-many.yaml"),
        "all there is": everything(),
    }
    for name, values in known.items():
        told = helm_python.lint(str(CHART), dict(values), namespace=NAMESPACE)
        messages = [one for one in told["messages"] if one["severity"] > _INFORMATION]
        yield from (f"chart, {name}: {one['path']}: {one['error']}" for one in messages)
        yield from (f"chart, {name}: {one}" for one in told["errors"])
        try:
            objects = rendered(values)
        except helm_python.HelmError as error:
            yield f"chart, {name}: {error}"
            continue
        for one in objects:
            yield from (f"chart, {name}: {fault}" for fault in _faults_of(one))


def _faults_of(one: dict[str, Any]) -> Iterator[str]:
    kind = one["kind"]
    model = _BY_THEIR_OWN_MODEL.get(kind)
    try:
        if model is None:
            for version in (_OLDEST, kubernetes_validate.latest_version()):
                kubernetes_validate.validate(one, version, strict=True)
        else:
            read = model.model_validate(one).model_dump(
                mode="json", by_alias=True, exclude_unset=True
            )
            # The model passes over what it does not know.
            if read != one:
                yield f"{kind} has a field that does not exist: {one}, read as {read}"
    except (kubernetes_validate.ValidationError, ValidationError) as error:
        yield f"{kind}: {error}"


def main() -> None:
    """Render what standard input asks for."""
    for line in sys.stdin:
        question = json.loads(line)
        own = values_of(question["file"]) if question["file"] else {}
        try:
            values, release = _merged(own, question["values"]), question.get("release", RELEASE)
            answer: dict[str, Any] = {"objects": rendered(values, release)}
        except helm_python.HelmError as error:
            answer = {"refused": str(error)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _merged(one: Values, stronger: Values) -> Values:
    """As Helm merges files of values: tables key by key, all else as a whole."""
    return {
        **one,
        **{
            key: _merged(one.get(key, {}), value) if isinstance(value, dict) else value
            for key, value in stronger.items()
        },
    }


if __name__ == "__main__":
    main()
