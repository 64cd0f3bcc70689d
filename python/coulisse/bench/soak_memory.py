"""What a node holds over the laps of a soak: medians, slopes, and where the warm-up ends."""

from __future__ import annotations

import statistics
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from coulisse.bench import soak_trend
from coulisse.bench.soak_watch import Held, Sample

RSS_MB_PER_H_MAX: Final = 1.0
FDS_GROWN_MAX: Final = 1
"""A look may meet a scrape of ours that is just answered."""
COMING_AND_GOING: Final = frozenset({"snapshot", "store_check", "other"})
ANSWER_TIMEOUT_S: Final = 10.0
SYNC_BUCKET: Final = 'coulisse_journal_sync_seconds_bucket{le="'
WINDOWS: Final = {
    "client_order_ids": 'coulisse_engine_table_rows{table="client_order_ids"}',
    "request_ids": 'coulisse_engine_table_rows{table="request_ids"}',
    "feed_ring_records": 'coulisse_feed_ring_records{worker="0"}',
}
"""What fills by design, up to a bound, and the metric that says how full it is."""
FULL: Final = 0.9
"""Of the most that it ever has: a window that is as full is full, for what is in it differs."""


@dataclass(frozen=True, slots=True)
class Restart:
    """What was done to the node, and how long it took to end and to be ready again."""

    kind: str
    at_s: float
    end_s: float
    ready_s: float


@dataclass(frozen=True, slots=True)
class Lap:
    """One round of the workload."""

    began_s: float
    ended_s: float
    life: int | None
    """The life of the node in which it lay as a whole; None where a restart was in it."""
    figures: dict[str, Any]
    """As the generator told them."""
    metrics: dict[str, float] = field(default_factory=dict)
    """Of the node at its end; empty where a restart was in it."""


def read_metrics(url: str) -> dict[str, float]:
    """Return those metrics of a node that say what fills by design, and how long syncs took."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=ANSWER_TIMEOUT_S) as answer:
        lines = answer.read().decode().splitlines()
    wanted = (SYNC_BUCKET, *WINDOWS.values())
    split = (line.rsplit(" ", 1) for line in lines if line.startswith(wanted))
    return {name: float(value) for name, value in split}


def samples_of(samples: Sequence[Sample], lap: Lap) -> list[Sample]:
    """Return the looks of a lap."""
    return [one for one in samples if lap.began_s <= one.at_s < lap.ended_s]


def per_lap(
    laps: Sequence[Lap], samples: Sequence[Sample], of: Callable[[Sample], float | None]
) -> tuple[list[float], list[float]]:
    """Return the middle of each lap and the median of a figure in it, where it has one."""
    times_s: list[float] = []
    values: list[float] = []
    for lap in laps:
        found = [value for one in samples_of(samples, lap) if (value := of(one)) is not None]
        if found:
            times_s.append((lap.began_s + lap.ended_s) / 2)
            values.append(statistics.median(found))
    return times_s, values


def _names(samples: Sequence[Sample]) -> list[str]:
    """Return the processes that are there to stay."""
    seen = Counter(name for one in samples for name in one.held)
    return [name for name in sorted(seen) if name not in COMING_AND_GOING]


def value_of(name: str, read: Callable[[Held], float | None]) -> Callable[[Sample], float | None]:
    """Return what reads a figure of one process; None while it is not there."""

    def value(sample: Sample) -> float | None:
        held = sample.held.get(name)
        return None if held is None else read(held)

    return value


def _sum_of(names: Sequence[str]) -> Callable[[Sample], float | None]:
    """Return what reads the resident memory of all of them; None while one is not there."""

    def value(sample: Sample) -> float | None:
        held = [sample.held[name].rss for name in names if name in sample.held]
        return sum(held) if len(held) == len(names) else None

    return value


def warm_laps_of(judged: Sequence[Lap], samples: Sequence[Sample]) -> int:
    """Return how many laps the warm-up takes: until the slowest process has settled."""
    ends = list(full_after(judged).values())
    for name in _names(samples):
        _, values = per_lap(judged, samples, value_of(name, lambda held: held.rss))
        ends.append(soak_trend.settled_at(values))
    return min(max(ends, default=0), len(judged) // 2)


def full_after(judged: Sequence[Lap]) -> dict[str, int]:
    """Return after how many laps each window that fills by design grew no more."""
    ends: dict[str, int] = {}
    for name, metric in WINDOWS.items():
        values = [lap.metrics.get(metric, 0.0) for lap in judged]
        most = max(values, default=0.0)
        if most > 0:
            ends[name] = next(at for at, value in enumerate(values) if value >= FULL * most)
    return ends


def memory_of(warm: Sequence[Lap], samples: Sequence[Sample]) -> dict[str, Any]:
    """Return what each process held and by how much that grew, and the same of all together."""
    names = _names(samples)
    found: dict[str, Any] = {}
    for name in names:
        rss = value_of(name, lambda held: held.rss)
        found[name] = {
            **_grown(warm, samples, rss),
            "anon": _slope(warm, samples, value_of(name, lambda held: held.anon)),
            "file": _slope(warm, samples, value_of(name, lambda held: held.file)),
            "pss": _slope(warm, samples, value_of(name, lambda held: held.pss)),
            "uss": _slope(warm, samples, value_of(name, lambda held: held.uss)),
            "fds": _fds(warm, samples, name),
            "threads": _last(warm, samples, value_of(name, lambda held: float(held.threads))),
            "processors": _processors(warm, samples, name),
        }
    if names:
        found["all"] = {**_grown(warm, samples, _sum_of(names)), "fds": None}
    return found


def _grown(
    warm: Sequence[Lap], samples: Sequence[Sample], of: Callable[[Sample], float | None]
) -> dict[str, Any]:
    times_s, values = per_lap(warm, samples, of)
    slope = soak_trend.slope_of(times_s, values)
    return {
        "rss_mb_first": round(values[0], 1) if values else None,
        "rss_mb_last": round(values[-1], 1) if values else None,
        "rss_mb_per_h": slope.shown() if slope else None,
        "holds": slope.holds(RSS_MB_PER_H_MAX) if slope else None,
    }


def _slope(
    warm: Sequence[Lap], samples: Sequence[Sample], of: Callable[[Sample], float | None]
) -> dict[str, float] | None:
    slope = soak_trend.slope_of(*per_lap(warm, samples, of))
    return slope.shown() if slope else None


def _last(
    warm: Sequence[Lap], samples: Sequence[Sample], of: Callable[[Sample], float | None]
) -> float | None:
    _, values = per_lap(warm, samples, of)
    return values[-1] if values else None


def _fds(warm: Sequence[Lap], samples: Sequence[Sample], name: str) -> dict[str, Any] | None:
    """Compare the descriptors of the last third with those of the first."""
    if not warm:
        return None
    read = value_of(name, lambda held: held.fds)
    begin_s, end_s = warm[0].began_s, warm[-1].ended_s
    third_s = (end_s - begin_s) / 3

    def between(from_s: float, to_s: float) -> list[float]:
        within = (one for one in samples if from_s <= one.at_s < to_s)
        return [value for one in within if (value := read(one)) is not None]

    first, last = between(begin_s, begin_s + third_s), between(end_s - third_s, end_s)
    if not first or not last:
        return None
    grown = statistics.median(last) - statistics.median(first)
    return {
        "first": statistics.median(first),
        "last": statistics.median(last),
        "most": max(first + last),
        "holds": grown <= FDS_GROWN_MAX,
    }


def _processors(warm: Sequence[Lap], samples: Sequence[Sample], name: str) -> float | None:
    """Return how many processors a process took."""
    within = [one for lap in warm for one in samples_of(samples, lap) if name in one.held]
    if len(within) < 2:
        return None
    used_s = within[-1].held[name].cpu_s - within[0].held[name].cpu_s
    return round(used_s / max(within[-1].at_s - within[0].at_s, 1e-9), 3)
