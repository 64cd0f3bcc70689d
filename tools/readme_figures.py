"""README's table of figures, written from the newest files in bench/results.

Nobody types a figure into README: `make bench` measures, leaves a dated JSON file and calls this.
`tests/test_tidy.py` writes the table again and compares, so a figure without a file behind it, or
an edited one, fails.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

BEGIN = "<!-- figures: begin; written by tools/readme_figures.py from bench/results -->\n"
END = "<!-- figures: end -->"


class Row(NamedTuple):
    """One line of the table: what was measured, in which file, and how its cells are made."""

    label: str
    benchmark: str
    cells: str


# A cell names values by their place in the file's `result`: `{shapes.50x32.orders_per_s:count}`.
ROWS = (
    Row("bare book, 1,000,000 operations", "core", "{book_ops_per_s:count} operations/s"),
    Row(
        "engine: accounts, holds, fees, idempotency, events",
        "core",
        "{engine_ops_per_s:count} operations/s; p50 {p50_ns:count} ns, p99 {p99_ns:count} ns",
    ),
    Row(
        "engine: all order types, 200,000 orders resting, limits of every kind in force",
        "core-full",
        "{commands_per_s:count} commands/s; p99 {p99_us:count} µs, p99.9 {p999_us:count} µs; "
        "all risk checks {risk_check_ns:count} ns",
    ),
    Row(
        "bare book with 10,000, 1,000,000 and 10,000,000 orders",
        "core-sizes",
        "{sizes.10000.ops_per_s:count}, {sizes.1000000.ops_per_s:count} and "
        "{sizes.10000000.ops_per_s:count} operations/s; "
        "{sizes.10000000.bytes_per_order:count} bytes an order",
    ),
    Row(
        "the same with 10,000 orders over 10,000,000 ticks",
        "core-sizes",
        "{wide.ops_per_s:count} operations/s",
    ),
    Row(
        "orders over WebSocket, 50 connections × 32 in flight, fsync",
        "gateway",
        "{shapes.50x32.orders_per_s:count} orders/s; p50 {shapes.50x32.p50_us:count} µs, "
        "p99 {shapes.50x32.p99_us:count} µs",
    ),
    Row(
        "the same, 100 connections × 1",
        "gateway",
        "{shapes.100x1.orders_per_s:count} orders/s; p50 {shapes.100x1.p50_us:count} µs, "
        "p99 {shapes.100x1.p99_us:count} µs",
    ),
    Row(
        "open loop, 20,000 orders/s, from the scheduled send",
        "gateway",
        "p50 {shapes.open_20000.p50_us:count} µs, p99 {shapes.open_20000.p99_us:count} µs, "
        "p99.9 {shapes.open_20000.p999_us:count} µs",
    ),
    Row(
        "floor: a bare epoll server, no engine, no journal, 50 × 32",
        "gateway",
        "{floor.50x32.orders_per_s:count} orders/s",
    ),
    Row("memory at the peak, all our processes", "gateway", "{rss_mb:count} MB"),
)


class Figure:
    """A number that a row's format string can print: three significant digits, thousands apart."""

    def __init__(self, value: float) -> None:
        """Hold one measured value."""
        self.value = value

    def __format__(self, spec: str) -> str:
        """Print a count: rounded to three digits, as a benchmark's noise allows no more."""
        assert spec == "count", f"unknown format {spec}"
        digits = len(str(int(abs(self.value))))
        return f"{round(self.value, 3 - digits):,.{max(0, 3 - digits) if self.value < 10 else 0}f}"


def newest(root: Path, benchmark: str) -> Path | None:
    """Return the newest result file of a benchmark; their names begin with their dates."""
    return max((root / "bench" / "results").glob(f"*-{benchmark}.json"), default=None)


def at(result: dict[str, Any], place: str) -> Figure:
    """Return the figure at a dotted place in a result."""
    value: Any = result
    for key in place.split("."):
        value = value[key]
    return Figure(value)


def cell(template: str, result: dict[str, Any]) -> str:
    """Fill a row's template from a result."""
    parts = template.split("{")
    text = parts[0]
    for part in parts[1:]:
        expression, _, rest = part.partition("}")
        place, _, spec = expression.rpartition(":")
        text += format(at(result, place), spec) + rest
    return text


def table(root: Path) -> str:
    """Return the table, and under it the machine and the files that it comes from."""
    lines = ["| what | measured |", "| --- | --- |"]
    sources: dict[str, dict[str, Any]] = {}
    for row in ROWS:
        path = newest(root, row.benchmark)
        if path is None:
            continue
        recorded = json.loads(path.read_text(encoding="utf-8"))
        sources[path.relative_to(root).as_posix()] = recorded
        lines.append(f"| {row.label} | {cell(row.cells, recorded['result'])} |")
    if not sources:
        return "Nothing has been measured yet: `make bench` does it.\n"
    lines.append("")
    for name, recorded in sources.items():
        machine = recorded["machine"]
        lines.append(
            f"[{recorded['benchmark']}]({name}): {recorded['date']}, {machine['cores']} cores of "
            f"{machine['cpu']}, {machine['system']}."
        )
    return "\n".join(lines) + "\n"


def with_figures(root: Path) -> str:
    """Return README.md with its table written anew."""
    page = (root / "README.md").read_text(encoding="utf-8")
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError("README.md has lost the marks between which its figures stand")
    return f"{before}{BEGIN}\n{table(root)}\n{END}{after}"


def stale_figures(root: Path) -> Iterator[str]:
    """Say so where README.md does not show the newest results as they are."""
    page = root / "README.md"
    if page.exists() and page.read_text(encoding="utf-8") != with_figures(root):
        yield "README.md: its figures are not those of bench/results; run make generate"
