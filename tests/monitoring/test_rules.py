"""Rules, dashboards and examples of deploy/, as their own tools see them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import promql_parser
import pytest
import yaml

from coulisse.telemetry.catalogue import ENTRIES
from tools.monitoring.boards import INTERVAL, read_boards

from .prometheus_server import is_installed
from .rules import CASES, FOLDER, ROOT, alerts, groups, promtool_tests

METRIC = re.compile(r"\bcoulisse_[a-z_]+")
SHOWN = {entry.shown: entry for entry in ENTRIES.values()}


def expressions() -> list[str]:
    rules = [rule["expr"] for group in groups() for rule in group["rules"]]
    panels = [panel for board in read_boards() for row in board.rows for panel in row.panels]
    asked = [query.expr for panel in panels for query in panel.queries]
    return [*rules, *(expr.replace(INTERVAL, "1m") for expr in asked)]


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_expression_is_promql_of_metrics_that_a_node_shows() -> None:
    for expr in expressions():
        promql_parser.parse(expr)
        for name in METRIC.findall(expr):
            entry = SHOWN.get(name) or SHOWN.get(re.sub(r"_(bucket|count|sum)$", "", name))
            assert entry is not None, f"no node shows {name}: {expr}"
            assert (entry.kind == "histogram") == (name != entry.shown), f"{name}: {expr}"
    with pytest.raises(ValueError):
        promql_parser.parse("sum by (le) (rate(coulisse_log_seq[5m])")


def test_what_else_is_deployed_names_no_metric_that_is_none() -> None:
    for file in (ROOT / "deploy" / "helm").rglob("*.y*ml"):
        for name in METRIC.findall(file.read_text()):
            assert name in SHOWN, f"no node shows {name}: {file.name}"


def test_counters_are_asked_for_rates_and_gauges_are_not() -> None:
    for expr in expressions():
        for asked in re.findall(r"\b(?:rate|increase)\((coulisse_[a-z_]+)", expr):
            assert asked.endswith(("_total", "_bucket", "_count")), f"{asked}: {expr}"


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    pages = {file.stem for file in (ROOT / "docs/operating/runbooks").glob("Coulisse*.md")}
    assert pages == {rule["alert"] for rule in alerts()} == set(CASES)
    index = (ROOT / "docs/operating/runbooks/README.md").read_text()
    for rule in alerts():
        page = ROOT / rule["annotations"]["runbook"]
        assert page.stem == rule["alert"] and f"({page.name})" in index
        assert rule["labels"]["severity"] in ("page", "ticket")
        headings = re.findall(r"^## (.+)$", page.read_text(), re.MULTILINE)
        assert headings == ["What it means", "What to look at", "What to do"]


def test_dashboards_are_provisioned_and_of_the_newest_form() -> None:
    for board in read_boards():
        made = json.loads((ROOT / f"deploy/grafana/dashboards/{board.name}.json").read_text())
        assert made["uid"] == f"coulisse-{board.name}" and made["title"] == board.title
        kinds = [panel["type"] for panel in made["panels"]]
        assert kinds.count("row") == len(board.rows)
        assert len(kinds) - len(board.rows) == sum(len(row.panels) for row in board.rows)
    for file in (ROOT / "deploy/grafana/provisioning").rglob("*.yml"):
        assert yaml.safe_load(file.read_text())["apiVersion"] == 1


needs_prometheus = pytest.mark.skipif(
    not is_installed(), reason="no prometheus is installed (Debian: prometheus)"
)


@needs_prometheus
def test_promtool_finds_nothing_and_sees_each_alert_fire_and_stay_quiet(tmp_path: Path) -> None:
    run("promtool", "check", "config", str(FOLDER / "prometheus.yml"))
    run("promtool", "check", "rules", *map(str, sorted((FOLDER / "rules").glob("*.yml"))))
    tests = tmp_path / "alerts.yml"
    tests.write_text(yaml.safe_dump(promtool_tests()))
    run("promtool", "test", "rules", str(tests))


@pytest.mark.skipif(
    shutil.which("amtool") is None,
    reason="no amtool is installed (Debian: prometheus-alertmanager)",
)
def test_the_example_for_alertmanager_is_sound_and_sends_pages_to_who_is_on_call() -> None:
    example = str(FOLDER / "alertmanager.yml")
    run("amtool", "check-config", example)
    for severity, receiver in (("page", "on-call"), ("ticket", "tickets")):
        route = ["amtool", "config", "routes", "test", f"--config.file={example}"]
        assert run(*route, f"severity={severity}").split() == [receiver]
