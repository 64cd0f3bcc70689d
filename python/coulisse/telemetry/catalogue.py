"""Every metric of a node, as `catalogue.toml` lists them: name, kind, labels, meaning.

Invariant: a node shows nothing that is not listed, and labels are bounded: codes, tables, workers,
processes, the firm and its first groups; never accounts, orders or addresses.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final, Literal, cast

PREFIX: Final = "coulisse_"
WORKER: Final = "worker"
Kind = Literal["counter", "gauge", "histogram"]
Part = Literal["core", "projector", "store", "series", "redis", "workers", "traces"]
_NAME: Final = re.compile(r"([a-z][a-z_]+)(?:\{([a-z,]+)\})?")


@dataclass(frozen=True, slots=True)
class Entry:
    """One metric."""

    name: str
    """As the node counts it: without the prefix, times with `_us`."""
    kind: Kind
    doc: str
    labels: tuple[str, ...]
    """In order; `worker` comes first."""

    @property
    def shown(self) -> str:
        """The name in Prometheus; samples of a histogram end with `_bucket`, `_sum`, `_count`."""
        plain = self.name.removesuffix("_us")
        return PREFIX + plain + ("_seconds" if plain != self.name else "")

    @property
    def is_of_workers(self) -> bool:
        """Whether each process with sessions counts it for itself."""
        return WORKER in self.labels


@dataclass(frozen=True, slots=True)
class Group:
    """Metrics of one subject."""

    title: str
    about: str
    part: Part
    """What a node must have to show them."""
    entries: tuple[Entry, ...]


def _entry(row: tuple[str, Kind, str]) -> Entry:
    name, kind, doc = row
    match = _NAME.fullmatch(name)
    assert match is not None, f"no name of a metric: {name}"
    labels = tuple(match[2].split(",")) if match[2] else ()
    return Entry(match[1], kind, doc, labels)


def _group(said: Mapping[str, Any]) -> Group:
    entries = tuple(_entry(row) for row in said["metrics"])
    part = cast(Part, said.get("part", "core"))
    return Group(said["title"], said.get("about", ""), part, entries)


def _read() -> Iterator[Group]:
    text = files("coulisse.telemetry").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return map(_group, tomllib.loads(text)["group"])


GROUPS: Final = tuple(_read())
ENTRIES: Final[Mapping[str, Entry]] = {
    entry.name: entry for group in GROUPS for entry in group.entries
}


def page() -> str:
    """Return the page of all metrics for docs/operating."""
    lines = [
        "<!-- Generated from python/coulisse/telemetry/catalogue.toml by `make generate`. -->",
        "",
        "# Metrics",
        "",
        "`GET /metrics`, for Prometheus; any gateway worker answers for the whole node. Labels are",
        "bounded. Counting costs the hot path a few additions; the text is made when asked for.",
        "[Dashboards and alerts](monitoring.md) are made of them.",
    ]
    for group in GROUPS:
        lines += ["", f"## {group.title}", ""]
        if group.about:
            lines += [group.about, ""]
        lines += ["| metric | kind | meaning |", "| --- | --- | --- |"]
        for entry in group.entries:
            labels = "".join(f" `{label}`" for label in entry.labels)
            lines.append(f"| `{entry.shown}`{labels} | {entry.kind} | {entry.doc} |")
    return "\n".join(lines) + "\n"
