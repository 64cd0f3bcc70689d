"""Metrics: what the core and the parts beside it count, as Prometheus reads it.

The core counts; nothing is counted twice, and nothing is made before it is asked for. Names, kinds
and meanings stand in `catalogue.toml`. The text is written here: prometheus-client takes 3.3 ms
for it, in which no order is read (docs/decisions/0022).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import accumulate
from typing import Any, Final, Self

from coulisse import _core
from coulisse.telemetry.catalogue import ENTRIES, Entry

CONTENT_TYPE = "text/plain; version=0.0.4"
"""Without the character set, which the server adds."""
BETWEEN: Final = "|"
"""Between the labels of a row, as the core writes them."""
CORE_PROCESS: Final = "0"
"""What the core process is called among workers."""

Value = int | float | Mapping[str, int | float] | Sequence[int]
Values = Mapping[str, Value]
_BOUNDS: Final = [*(str(us / 1e6) for us in _core.TIME_BOUNDS_US), "+Inf"]


@dataclass(frozen=True, slots=True)
class Reading:
    """All that a node counts at one time."""

    node: Values = field(default_factory=dict)
    workers: Mapping[str, Values] = field(default_factory=dict)
    """What each process with sessions counts for itself, by its number; 0 is the core process."""

    def to_wire(self) -> Mapping[str, Any]:
        """Return it as a process tells it to another."""
        return asdict(self)

    @classmethod
    def from_wire(cls, said: Mapping[str, Any]) -> Self:
        """Read that."""
        return cls(**said)


def of_workers(values: Values) -> Values:
    """Return what of `values` each process with sessions counts for itself."""
    return {name: value for name, value in values.items() if _is_of_workers(name)}


def of_node(values: Values) -> Values:
    """Return the rest: what there is once in a node."""
    return {name: value for name, value in values.items() if not _is_of_workers(name)}


def _is_of_workers(name: str) -> bool:
    return name in ENTRIES and ENTRIES[name].is_of_workers


class Metrics:
    """What a node shows."""

    def __init__(self, read: Callable[[], Reading]) -> None:
        """Show what `read` gives."""
        self._read = read

    def text(self) -> bytes:
        """Return the exposition text. Cost: some 0.5 ms, on the loop that orders are on."""
        reading = self._read()
        out: list[str] = []
        for entry in ENTRIES.values():
            found = list(_found(entry, reading))
            if found:
                out.append(f"# HELP {entry.shown} {entry.doc}\n# TYPE {entry.shown} {entry.kind}\n")
                write = _write_times if entry.kind == "histogram" else _write_rows
                for before, value in found:
                    write(out, entry, before, value)
        return "".join(out).encode()


def _found(entry: Entry, reading: Reading) -> Iterator[tuple[tuple[str, ...], Value]]:
    """Yield what there is of one metric, with the labels that are known before its rows."""
    if not entry.is_of_workers:
        if entry.name in reading.node:
            yield (), reading.node[entry.name]
        return
    for number, values in reading.workers.items():
        if entry.name in values:
            yield (number,), values[entry.name]


def _write_times(out: list[str], entry: Entry, before: Sequence[str], value: Value) -> None:
    assert isinstance(value, Sequence), f"{entry.name} is counts of times"
    labels, name = _pairs(entry.labels, before), entry.shown
    more = f"{labels}," if labels else ""
    counts = list(accumulate(value[:-1]))
    for bound, count in zip(_BOUNDS, counts, strict=True):
        out.append(f'{name}_bucket{{{more}le="{bound}"}} {count}\n')
    end = f"{{{labels}}}" if labels else ""
    out.append(f"{name}_sum{end} {value[-1] / 1e6}\n{name}_count{end} {counts[-1]}\n")


def _write_rows(out: list[str], entry: Entry, before: Sequence[str], value: Value) -> None:
    assert not isinstance(value, Sequence), f"{entry.name} is no counts of times"
    rows = value.items() if isinstance(value, Mapping) else [("", value)]
    behind = len(entry.labels) - len(before)
    is_time = entry.name.endswith("_us")
    for after, number in rows:
        # Nothing of it but a label is text: no name has what stands between them.
        names = (*before, *after.split(BETWEEN, behind - 1)) if behind else before
        labels = _pairs(entry.labels, names)
        end = f"{{{labels}}}" if labels else ""
        out.append(f"{entry.shown}{end} {number / 1e6 if is_time else number}\n")


def _pairs(labels: Sequence[str], values: Sequence[str]) -> str:
    return ",".join(
        f'{label}="{_escaped(value)}"' for label, value in zip(labels, values, strict=False)
    )


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def info(**labels: str) -> Values:
    """Return what says what a node is; `labels` in the order of the catalogue."""
    names = ENTRIES["node_info"].labels
    return {"node_info": {BETWEEN.join(labels[name] for name in names): 1}}


def lags(values: Values, durable_seq: int) -> Values:
    """Return how far behind `durable_seq` all is that follows the log and says where it is."""
    parts = ("projector", "store", "series", "redis")
    seqs = {part: values.get(f"{part}_seq") for part in parts}
    return {
        f"{part}_lag_records": max(0, durable_seq - seq)
        for part, seq in seqs.items()
        if isinstance(seq, int)
    }
