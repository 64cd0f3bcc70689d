"""The Helm chart: what it renders is valid, holds no secret and starts what this version has."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import helm_python as helm
import kubernetes_validate
import pytest
import yaml

import coulisse
from coulisse.config import load_config

ROOT = Path(__file__).resolve().parent.parent.parent
CHART = ROOT / "deploy" / "helm" / "coulisse"
KUBERNETES = ("1.30", "1.37")
"""The oldest and the newest for which the chart is."""
NO_SCHEMA = {"ServiceMonitor"}
"""Kinds that a cluster gets from an operator."""
Values = Mapping[str, Any]
Document = dict[str, Any]
EVERYTHING: Values = {
    "replicas": 3,
    "cluster": {"enabled": True},
    "autoscaling": {"enabled": True},
    "persistence": {"storageClass": "fast"},
    "imagePullSecrets": [{"name": "registry"}],
    "nodeSelector": {"disk": "fast"},
    "tolerations": [{"key": "trading", "operator": "Exists"}],
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "coulisse"}},
        }
    ],
    "extraEnv": [{"name": "COULISSE_NODE__CPU", "value": "1"}],
    "settings": '[people]\naudience = "a-venue"',
}


def file_of(name: str) -> Values:
    values: Values = yaml.safe_load((CHART / name).read_text(encoding="utf-8"))
    return values


SETS: Mapping[str, Values] = {
    "default": {},
    "dev": file_of("values-dev.yaml"),
    "production": file_of("values-production.yaml"),
    "everything": {**file_of("values-production.yaml"), **EVERYTHING},
}


def rendered(values: Values) -> list[Document]:
    with helm.Chart.load(CHART) as chart:
        files = chart.render(dict(values), name="coulisse", namespace="trading")
    found = [
        document
        for name, text in files.items()
        if name.endswith(".yaml")
        for document in yaml.safe_load_all(text)
    ]
    return [document for document in found if document is not None]


def one(documents: list[Document], kind: str) -> Document:
    (found,) = [document for document in documents if document["kind"] == kind]
    return found


def pods(documents: list[Document]) -> Iterator[Document]:
    yield one(documents, "StatefulSet")["spec"]["template"]["spec"]
    yield one(documents, "Pod")["spec"]


def variables(documents: list[Document]) -> dict[str, Document]:
    (node,) = one(documents, "StatefulSet")["spec"]["template"]["spec"]["containers"]
    return {variable["name"]: variable for variable in node["env"]}


@pytest.mark.parametrize("name", SETS)
def test_lint_finds_nothing(name: str) -> None:
    report = helm.lint(CHART, dict(SETS[name]), strict=True)
    assert report["total_charts_linted"] == 1
    said = [message["error"] for message in report["messages"]]
    assert set(said) <= {"icon is recommended"} and not report["errors"]


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("name", SETS)
def test_kubernetes_takes_every_document(name: str, version: str) -> None:
    documents = rendered(SETS[name])
    assert len(documents) >= 6
    for document in documents:
        if document["kind"] in NO_SCHEMA:
            with pytest.raises(kubernetes_validate.SchemaNotFoundError):
                kubernetes_validate.validate(document, version, strict=True)
            continue
        kubernetes_validate.validate(document, version, strict=True)


def test_a_field_that_does_not_exist_is_not_taken() -> None:
    service = {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"},
        "spec": {"ports": [{"port": 1}], "sticky": True},
    }  # fmt: skip
    with pytest.raises(kubernetes_validate.ValidationError, match="sticky"):
        kubernetes_validate.validate(service, KUBERNETES[-1], strict=True)


@pytest.mark.parametrize("name", SETS)
def test_no_container_may_more_than_it_needs(name: str) -> None:
    for pod in pods(rendered(SETS[name])):
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_secrets_are_named_and_never_rendered() -> None:
    documents = rendered(SETS["production"])
    assert all(document["kind"] != "Secret" for document in documents)
    kept = variables(documents)
    for name, key in {
        "COULISSE_SECRETS__MASTER_KEY": "master-key",
        "COULISSE_STORE__DATABASE": "store-url",
        "COULISSE_SERIES__DATABASE": "series-url",
        "COULISSE_REDIS__URL": "redis-url",
    }.items():
        assert kept[name]["valueFrom"] == {"secretKeyRef": {"name": "coulisse", "key": key}}
        assert "value" not in kept[name]


@pytest.mark.parametrize("name", SETS)
def test_a_node_takes_the_settings_of_its_pod(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = rendered(SETS[name])
    said = {
        "COULISSE_SECRETS__MASTER_KEY": "ab" * 32,
        "COULISSE_STORE__DATABASE": "postgresql://u:p@db/coulisse",
        "COULISSE_SERIES__DATABASE": "questdb://u:p@db:9000?pg=8812",
        "COULISSE_REDIS__URL": "redis://db:6379/0",
    }
    for variable, of in variables(documents).items():
        if variable.startswith("COULISSE_") and "value" in of:
            said[variable] = of["value"].replace("$(POD_IP)", "10.1.2.3")
    file = tmp_path / "coulisse.toml"
    file.write_text(one(documents, "ConfigMap")["data"]["coulisse.toml"], encoding="utf-8")
    for variable, value in said.items():
        monkeypatch.setenv(variable, value)
    config = load_config(file)
    assert config.gateway.host == "0.0.0.0"
    assert {"localhost", "10.1.2.3", "coulisse.trading.svc"} <= set(config.gateway.names)
    assert str(config.log.dir) == "/var/lib/coulisse"
    if name in ("production", "everything"):
        assert "trade.example" in config.gateway.names
    if name == "everything":
        assert config.people.audience == "a-venue" and config.node.cpu == 1


def test_the_command_line_takes_what_the_pod_starts() -> None:
    (node,) = one(rendered({}), "StatefulSet")["spec"]["template"]["spec"]["containers"]
    command = [str(ROOT / ".venv/bin/coulisse"), *node["args"], "--help"]
    assert subprocess.run(command, capture_output=True).returncode == 0


def test_sessions_are_told_before_a_pod_is_killed() -> None:
    spec = one(rendered({}), "StatefulSet")["spec"]["template"]["spec"]
    (node,) = spec["containers"]
    *shell, script = node["lifecycle"]["preStop"]["exec"]["command"]
    wait, drain = script.split("; exec ")
    assert (shell, wait) == (["sh", "-c"], "sleep 5")
    command, *arguments = drain.split()
    assert command == "coulisse" and arguments[:3] == ["drain", "--wait", "30"]
    assert spec["terminationGracePeriodSeconds"] > 5 + 30
    asked = [str(ROOT / ".venv/bin/coulisse"), *arguments, "--help"]
    assert subprocess.run(asked, capture_output=True).returncode == 0
    assert node["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert node["livenessProbe"]["httpGet"]["path"] == "/healthz"


def test_services_send_to_nodes_and_to_nothing_else() -> None:
    documents = rendered(SETS["production"])
    labels = one(documents, "StatefulSet")["spec"]["template"]["metadata"]["labels"]
    other = one(documents, "Pod")["metadata"]["labels"]
    services = [document for document in documents if document["kind"] == "Service"]
    assert len(services) == 2
    for service in services:
        wanted = service["spec"]["selector"].items()
        assert wanted <= labels.items() and not wanted <= other.items()
    monitored = one(documents, "ServiceMonitor")["spec"]["selector"]
    (expression,) = monitored["matchExpressions"]
    seen = [
        service["metadata"]["name"]
        for service in services
        if expression["key"] in service["metadata"]["labels"]
    ]
    assert seen == ["coulisse-nodes"]


def test_metrics_are_not_for_the_ingress() -> None:
    (rule,) = one(rendered(SETS["production"]), "Ingress")["spec"]["rules"]
    paths = [path["path"] for path in rule["http"]["paths"]]
    assert paths == ["/ws", "/v1", "/docs"]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"replicas": 2}, id="nodes that do not know each other"),
        pytest.param({"autoscaling": {"enabled": True}}, id="more of them at will"),
        pytest.param({"replicsa": 1}, id="an unknown value"),
        pytest.param({"store": {"kind": "postgresql://u:p@db/x"}}, id="a secret among the values"),
        pytest.param({"persistence": {"size": "many"}}, id="no size"),
        pytest.param({"image": {"digest": "sha256:12"}}, id="half a digest"),
    ],
)
def test_what_cannot_work_is_refused(values: Values) -> None:
    with pytest.raises(helm.HelmError):
        rendered(values)


def test_the_chart_is_of_this_version() -> None:
    with helm.Chart.load(CHART) as chart:
        assert chart.metadata["appVersion"] == coulisse.__version__
