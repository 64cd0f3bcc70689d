"""What the dashboards show, as `boards.toml` says it, without Grafana's own words."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).with_name("boards.toml")
INSTANCES: Final = 'instance=~"$instance"'
INTERVAL: Final = "$__rate_interval"
_METRIC: Final = re.compile(r"(coulisse_[a-z_]+)(\{[^}]*\})?")
_QUANTILE: Final = re.compile(r"\bquantile\(([0-9.]+), (coulisse_[a-z_]+)\)")
_USE: Final = re.compile(r"\buse\((coulisse_[a-z_]+)\)")


def written_out(expr: str) -> str:
    """Return an expression in PromQL, of the chosen instances alone."""
    expr = _QUANTILE.sub(r"histogram_quantile(\1, sum by (le) (rate(\2_bucket[@])))", expr)
    expr = _USE.sub(r"\1 / (\1_max > 0)", expr)
    return _METRIC.sub(_chosen, expr).replace("[@]", f"[{INTERVAL}]")


def _chosen(match: re.Match[str]) -> str:
    labels = (match[2] or "{}")[1:-1]
    return f"{match[1]}{{{', '.join(part for part in (INSTANCES, labels) if part)}}}"


@dataclass(frozen=True, slots=True)
class Query:
    """One expression of a panel, and how its lines are called."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel."""

    title: str
    unit: str
    """As Grafana calls it."""
    queries: tuple[Query, ...]
    about: str
    is_number: bool


@dataclass(frozen=True, slots=True)
class Row:
    """Panels of one subject."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard."""

    name: str
    title: str
    rows: tuple[Row, ...]


def _panel(said: Sequence[Any]) -> Panel:
    title, unit, queries, *about = said
    made = tuple(Query(written_out(expr), legend) for expr, legend in queries)
    text = " ".join(about)
    return Panel(title, unit.removeprefix("="), made, text, is_number=unit.startswith("="))


def read_boards() -> tuple[Board, ...]:
    """Return all dashboards."""
    said = tomllib.loads(FILE.read_text(encoding="utf-8"))["board"]
    return tuple(
        Board(
            board["name"],
            board["title"],
            tuple(Row(row["title"], tuple(map(_panel, row["panels"]))) for row in board["row"]),
        )
        for board in said
    )
