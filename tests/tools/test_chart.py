"""The Helm chart: pods that start, drain in time, may do no more than they need, and are scaled by
a number that the server exports.

Helm's own library renders it, in the environment of `make check`. That check holds the objects
against the schema of Kubernetes' API; here they are held against the server.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import rasr
from rasr.configuration import load
from rasr.configuration.schema import leaves
from rasr.configuration.variables import variable
from rasr.server.ops import readings
from rasr.server.serve import FORCE_S
from rasr.settings import CapacitySettings, Settings
from tests.docs.commands import check
from tools.dockerfile import Stage, stages
from tools.vendor import ROOT

CHART = ROOT / "deploy/helm/rasr"
TOOLS = ROOT / ".venv-deploy"
SECRETS = {
    "RASR_STORE__URL": "postgresql://rasr@db.example/rasr",
    "RASR_STORE__ENCRYPTION_KEYS": '["key"]',
    "RASR_METRICS__TOKEN": "token",
}
MANY = {"file": "values-many.yaml"}
PULLED = {"models": {"pull": ["x-asr-480ms", "whisper-base"]}}
SLOW = {"drainSeconds": 600, "preStopSeconds": 20}

Object = Mapping[str, Any]
Render = Callable[..., "Objects"]


class Refused(Exception):
    """The chart makes nothing of the values, and says why."""


class Objects:
    """What the chart makes of some values."""

    def __init__(self, found: list[Object]) -> None:
        self.kinds = [one["kind"] for one in found]
        self._found = found

    def __getitem__(self, kind: str) -> Object:
        return next(one for one in self._found if one["kind"] == kind)

    @property
    def pod(self) -> Object:
        """What the Deployment makes pods from."""
        found: Object = self["Deployment"]["spec"]["template"]["spec"]
        return found

    @property
    def server(self) -> Object:
        """The container of the server."""
        (found,) = self.pod["containers"]
        return dict(found)

    @property
    def variables(self) -> dict[str, str]:
        """What its ConfigMap sets."""
        found: dict[str, str] = self["ConfigMap"]["data"]
        return found

    @property
    def file(self) -> str:
        """The settings file."""
        maps = [one for one in self._found if one["kind"] == "ConfigMap"]
        found: str = maps[1]["data"]["rasr.toml"]
        return found


@pytest.fixture(scope="module")
def render() -> Iterator[Render]:
    """Renders the chart with a file of its values, or others; Helm is started once for all."""
    ready, lock = TOOLS / ".ready", ROOT / "deploy/requirements.lock"
    if not ready.exists() or ready.stat().st_mtime < lock.stat().st_mtime:
        pytest.skip(f"needs {TOOLS.name} as it is locked: make check makes it")
    with subprocess.Popen(
        [TOOLS / "bin/python", "-m", "tools.chart"], cwd=ROOT, stdin=-1, stdout=-1, text=True
    ) as helm:
        assert helm.stdin is not None
        assert helm.stdout is not None
        questions, answers = helm.stdin, helm.stdout

        def ask(file: str | None = None, release: str = "talk", **values: object) -> Objects:
            question = {"file": file, "release": release, "values": values}
            questions.write(json.dumps(question) + "\n")
            questions.flush()
            answer = json.loads(answers.readline())
            if "refused" in answer:
                raise Refused(answer["refused"])
            return Objects(answer["objects"])

        yield ask
        questions.close()


def settings(objects: Objects, folder: Path) -> Settings:
    """What a server in such a pod would read, with the secrets beside."""
    file = folder / "rasr.toml"
    file.write_text(objects.file, "utf-8")
    own = {**objects.variables, **SECRETS, "RASR_CONFIG": str(file)}
    return load(None, own, {}).settings


def image() -> Stage:
    """The image that the pods run."""
    return stages((ROOT / "Dockerfile").read_text("utf-8"), {})[-1]


def test_a_node_gets_what_it_needs_and_no_more(render: Render) -> None:
    assert sorted(render().kinds) == [
        *("ConfigMap", "ConfigMap", "Deployment", "NetworkPolicy", "PersistentVolumeClaim"),
        *("Service", "ServiceAccount"),
    ]


def test_many_nodes_get_replicas_that_come_and_go(render: Render) -> None:
    objects = render(**MANY)
    assert {"HorizontalPodAutoscaler", "PodDisruptionBudget", "ServiceMonitor"} <= {*objects.kinds}
    assert "PersistentVolumeClaim" not in objects.kinds
    # Nobody but the autoscaler says how many there are.
    assert "replicas" not in objects["Deployment"]["spec"]


@pytest.mark.parametrize("values", [{}, MANY, SLOW], ids=["one node", "many nodes", "slow"])
def test_the_server_takes_the_settings(
    render: Render, tmp_path: Path, values: dict[str, Any]
) -> None:
    objects = render(**values)
    read = settings(objects, tmp_path)
    assert read.server.host == "0.0.0.0"
    assert read.server.drain_s == values.get("drainSeconds", 30)
    assert read.auth.kind == "accounts"
    ports = {one["name"]: one["containerPort"] for one in objects.server["ports"]}
    assert ports == {"http": read.server.port} | (
        {"metrics": read.metrics.port} if read.metrics.port else {}
    )


def test_a_settings_file_reaches_the_server_as_it_is(render: Render, tmp_path: Path) -> None:
    text = '[session]\nidle_s = 7.5\n\n[vocabularies]\nnames = ["{{ x }}", "a \\"b\\""]\n'
    objects = render(settings=text)
    assert objects.file == text
    assert settings(objects, tmp_path).session.idle_s == 7.5


@pytest.mark.parametrize("values", [{}, MANY, SLOW], ids=["one node", "many nodes", "slow"])
def test_a_pod_is_given_the_time_to_drain(render: Render, values: dict[str, Any]) -> None:
    objects = render(**values)
    wait_s = objects.server["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain_s = float(objects.variables["RASR_SERVER__DRAIN_S"])
    finish_s = float(objects.variables["RASR_REPLICAS__FINISH_S"])
    assert (finish_s > 0) == (values is MANY), "where there is another one"
    grace_s = objects.pod["terminationGracePeriodSeconds"]
    assert grace_s > wait_s + finish_s + drain_s + FORCE_S + 1


def test_replicas_reach_one_another_where_they_share_a_database(
    render: Render, tmp_path: Path
) -> None:
    office = [{"ipBlock": {"cidr": "10.9.0.0/16"}}]
    objects = render(**MANY, networkPolicy={"from": office}, env=[{"name": "A", "value": "b"}])
    read = settings(objects, tmp_path)
    assert read.replicas.finish_s == 120
    pod_ip, address, others = objects.server["env"]
    assert pod_ip == {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    assert address == {"name": variable(("replicas", "address")), "value": "ws://$(POD_IP):8765"}
    assert others == {"name": "A", "value": "b"}
    assert ":8765" in address["value"]
    assert read.server.port == 8765
    own = {"podSelector": {"matchLabels": objects["Deployment"]["spec"]["selector"]["matchLabels"]}}
    rules = objects["NetworkPolicy"]["spec"]
    assert rules["ingress"][0]["from"] == [*office, own]
    assert {"ports": [{"port": "http", "protocol": "TCP"}], "to": [own]} in rules["egress"]


@pytest.mark.parametrize("values", [{}, {**MANY, "replicaAddress": ""}], ids=["one", "nowhere"])
def test_who_has_no_address_is_reached_by_no_other(render: Render, values: dict[str, Any]) -> None:
    objects = render(**values)
    assert "env" not in objects.server
    assert not any("to" in one for one in objects["NetworkPolicy"]["spec"]["egress"])


@pytest.mark.parametrize("values", [{}, {**MANY, **PULLED}], ids=["one node", "many nodes"])
def test_nothing_in_a_pod_may_do_more_than_it_needs(render: Render, values: dict[str, Any]) -> None:
    pod = render(**values).pod
    user = int(image().user.partition(":")[0])
    assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["fsGroup"] == user
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for container in (*pod["containers"], *pod.get("initContainers", ())):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@pytest.mark.parametrize("values", [{}, MANY, PULLED], ids=["one node", "many nodes", "pulled"])
def test_it_can_write_where_the_image_says_that_it_writes(
    render: Render, values: dict[str, Any]
) -> None:
    pod = render(**values).pod
    # The models of the image would be hidden behind a volume that has none.
    wanted = {*image().volumes, "/tmp"} - (set() if values is PULLED else {"/models"})
    for container in (*pod["containers"], *pod.get("initContainers", ())):
        mounts = {one["mountPath"]: one["name"] for one in container["volumeMounts"]}
        assert mounts.keys() - {"/etc/rasr", "/dev/shm"} == wanted
        assert {*mounts.values()} == {one["name"] for one in pod["volumes"]}


def test_every_command_is_one_of_the_program(render: Render) -> None:
    pod = render(**MANY, **PULLED).pod
    commands = [tuple(one["args"]) for one in (*pod["initContainers"], *pod["containers"])]
    assert commands == [
        *(("store", "migrate"), ("models", "pull", "x-asr-480ms")),
        *(("models", "pull", "whisper-base"), ("serve",)),
    ]
    for command in commands:
        check(("rasr", *command))


def test_a_replica_that_is_full_gets_no_more_people(render: Render) -> None:
    paths = {"one": render(), "many": render(**MANY)}
    ready = {
        name: objects.server["readinessProbe"]["httpGet"]["path"] for name, objects in paths.items()
    }
    # Where there is no other one, its refusal says more than a balancer without a server.
    assert ready == {"one": "/healthz", "many": "/readyz"}
    for objects in paths.values():
        assert objects.server["livenessProbe"]["httpGet"]["path"] == "/healthz"


def test_loading_may_take_as_long_as_it_is_told(render: Render) -> None:
    probe = render(startSeconds=601).server["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 601


def test_a_full_pod_is_not_taken_away_while_others_are_missing(render: Render) -> None:
    budget = render(**MANY)["PodDisruptionBudget"]["spec"]
    assert budget["maxUnavailable"] == 1
    # It is not ready, and to Kubernetes what is not ready may be broken.
    assert budget["unhealthyPodEvictionPolicy"] == "IfHealthyBudget"


def test_replicas_are_scaled_by_the_load_that_the_server_exports(render: Render) -> None:
    load, processors = render(**MANY)["HorizontalPodAutoscaler"]["spec"]["metrics"]
    assert load["pods"]["metric"]["name"] in {one.name for one in readings.OCCUPANCY}
    # Past that a server refuses: new ones have to come before.
    assert float(load["pods"]["target"]["averageValue"]) < CapacitySettings().max_load
    assert processors["resource"]["name"] == "cpu"


def test_without_numbers_they_are_scaled_by_their_processors(render: Render) -> None:
    numbers = {"enabled": False, "serviceMonitor": {"enabled": False}}
    (only,) = render(**MANY, metrics=numbers)["HorizontalPodAutoscaler"]["spec"]["metrics"]
    assert only["resource"]["name"] == "cpu"


def test_prometheus_shows_the_token_that_the_server_wants(render: Render) -> None:
    objects = render(**MANY)
    (endpoint,) = objects["ServiceMonitor"]["spec"]["endpoints"]
    credentials = endpoint["authorization"]["credentials"]
    assert credentials == {"name": "rasr", "key": variable(("metrics", "token"))}
    assert {"secretRef": {"name": "rasr"}} in objects.server["envFrom"]
    assert endpoint["port"] in {one["name"] for one in objects["Service"]["spec"]["ports"]}


def test_the_secrets_that_are_asked_for_are_settings_that_are_never_shown() -> None:
    secret = {variable(path) for path, leaf, _ in leaves(Settings()) if leaf.is_secret}
    assert SECRETS.keys() <= secret


def test_secrets_are_in_a_secret_alone(render: Render) -> None:
    objects = render(**MANY, existingSecret="", secrets=SECRETS)
    assert objects["Secret"]["stringData"] == SECRETS
    assert not SECRETS.keys() & objects.variables.keys()
    assert {"secretRef": {"name": "talk-rasr"}} in objects.server["envFrom"]


def test_only_whom_the_values_name_reaches_the_numbers(render: Render) -> None:
    assert len(render()["NetworkPolicy"]["spec"]["ingress"]) == 1
    rules = render(**MANY)["NetworkPolicy"]["spec"]["ingress"]
    assert [one["ports"][0]["port"] for one in rules] == ["http", "metrics"]
    assert rules[1]["from"]
    nobody: dict[str, list[object]] = {"metricsFrom": []}
    assert len(render(**MANY, networkPolicy=nobody)["NetworkPolicy"]["spec"]["ingress"]) == 1


def test_who_changes_settings_gets_new_pods(render: Render) -> None:
    def notes(**values: object) -> dict[str, str]:
        found: dict[str, str] = render(**values)["Deployment"]["spec"]["template"]["metadata"][
            "annotations"
        ]
        return found

    before = notes()
    assert notes() == before
    assert notes(settings="[session]\nidle_s = 30.0") != before
    assert notes(secrets={"RASR_METRICS__TOKEN": "x"}) != before


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"replicas": 2}, "several replicas cannot share a file"),
        ({"autoscaling": {"enabled": True}}, "several replicas cannot share a file"),
        ({"store": {"kind": "postgresql"}}, "needs RASR_STORE__URL in secrets"),
        ({"metrics": {"enabled": True}}, "needs RASR_METRICS__TOKEN in secrets"),
        ({"metrics": {"serviceMonitor": {"enabled": True}}}, "needs metrics.enabled"),
        ({"secrets": SECRETS, "existingSecret": "rasr"}, "give one of them"),
        ({"ingress": {"enabled": True}}, "ingress.enabled needs ingress.host"),
        (
            {**MANY, "autoscaling": {"load": "", "cpu": 0}},
            "autoscaling: give cpu, or load with metrics.enabled",
        ),
        (
            {
                **MANY,
                "autoscaling": {"cpu": 0},
                "metrics": {"enabled": False, "serviceMonitor": {"enabled": False}},
            },
            "autoscaling: give cpu, or load with metrics.enabled",
        ),
        ({**MANY, "autoscaling": {"minReplicas": 31}}, "minReplicas is more than maxReplicas"),
        ({"auth": "everybody"}, "value must be one of 'accounts', 'none'"),
        ({"replica": 1}, "additional properties 'replica' not allowed"),
        ({"secrets": {"TOKEN": "x"}}, "'TOKEN' does not match pattern"),
        ({"drainSeconds": 0.5}, "got number, want integer"),
        ({"podLabels": {"app.kubernetes.io/name": "x"}}, "app.kubernetes.io/name is the chart's"),
        ({**MANY, "finishSeconds": 86_401}, "want 86,400"),
        ({**MANY, "service": {"port": 9464}}, "metrics.port and service.port are the same"),
        ({"release": "2talk"}, "a letter first"),
        ({"release": "talk.two"}, "a letter first"),
        ({"finishSeconds": 60}, "there is no other replica to go to"),
        ({**MANY, "replicaAddress": "10.0.0.1:8765"}, "does not match pattern"),
    ],
)
def test_what_would_not_work_is_refused(render: Render, values: dict[str, Any], told: str) -> None:
    with pytest.raises(Refused) as refused:
        render(**values)
    assert told in str(refused.value)


def test_the_document_tells_all_values_and_no_others() -> None:
    document = (ROOT / "docs/kubernetes.md").read_text("utf-8")
    table = document.split("\n## Values\n")[1].split("\n## ")[0]
    cells = " ".join(re.findall(r"^\| ([^|]*) \|", table, re.MULTILINE))
    told = {one.split(".")[0] for one in re.findall(r"`([^`]+)`", cells)}
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    # A chart that has this one as a part may have values for all.
    assert told == schema["properties"].keys() - {"global"}


def test_the_chart_is_of_this_version() -> None:
    text = (CHART / "Chart.yaml").read_text("utf-8")
    assert f"\nversion: {rasr.__version__}\n" in text
    assert f'\nappVersion: "{rasr.__version__}"\n' in text
