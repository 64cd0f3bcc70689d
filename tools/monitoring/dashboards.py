"""Writes the boards as Grafana reads them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

with warnings.catch_warnings():
    # The form before the one that Grafana calls version 2: every Grafana reads it from a file.
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.builders import dashboard, prometheus, stat, timeseries
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models.common import DataSourceRef
    from grafana_foundation_sdk.models.dashboard import DashboardLinkType, VariableRefresh

from tools.monitoring.boards import Board, Panel, read_boards

FOLDER = "deploy/grafana/dashboards"
SOURCE = DataSourceRef(type_val="prometheus", uid="${source}")
PANEL_WIDTH, PANEL_HEIGHT = 8, 8
NUMBER_WIDTH, NUMBER_HEIGHT = 6, 5


def dashboards() -> Iterator[tuple[str, str]]:
    """Return the files of all dashboards, and what they hold."""
    encoder = JSONEncoder(sort_keys=True, indent=1, ensure_ascii=False)
    for board in read_boards():
        yield f"{FOLDER}/{board.name}.json", encoder.encode(_made(board).build()) + "\n"


def _made(board: Board) -> dashboard.Dashboard:
    made = (
        dashboard.Dashboard(board.title)
        .uid(f"coulisse-{board.name}")
        .tags(["coulisse"])
        .refresh("30s")
        .time("now-1h", "now")
        .timezone("browser")
        .with_variable(
            dashboard.DatasourceVariable("source").label("Prometheus").type("prometheus")
        )
        .with_variable(
            dashboard.QueryVariable("instance")
            .label("Node")
            .datasource(SOURCE)
            .query("label_values(coulisse_node_info, instance)")
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .multi(True)
            .include_all(True)
            .all_value(".*")
        )
        .link(
            dashboard.DashboardLink("Coulisse")
            .type(DashboardLinkType.DASHBOARDS)
            .tags(["coulisse"])
        )
    )
    for row in board.rows:
        made = made.with_row(dashboard.Row(row.title))
        for panel in row.panels:
            made = made.with_panel(_number(panel) if panel.is_number else _graph(panel))
    return made


def _queries(panel: Panel) -> list[prometheus.Dataquery]:
    letters = "ABCDEFGH"
    return [
        prometheus.Dataquery().expr(one.expr).legend_format(one.legend).ref_id(letter)
        for letter, one in zip(letters, panel.queries, strict=False)
    ]


def _graph(panel: Panel) -> timeseries.Panel:
    made = timeseries.Panel().title(panel.title).description(panel.about).unit(panel.unit)
    made = made.datasource(SOURCE).min(0).span(PANEL_WIDTH).height(PANEL_HEIGHT)
    return made.targets([*_queries(panel)])


def _number(panel: Panel) -> stat.Panel:
    made = stat.Panel().title(panel.title).description(panel.about).unit(panel.unit)
    made = made.datasource(SOURCE).span(NUMBER_WIDTH).height(NUMBER_HEIGHT)
    return made.targets([*(query.instant() for query in _queries(panel))])
