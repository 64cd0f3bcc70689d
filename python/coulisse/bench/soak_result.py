"""What a soak came to: laps, slopes, drifts, and for each thing that must hold whether it does.

Memory is judged over the longest life of the node, of each of its processes and of all together,
behind the warm-up. That ends where the figures themselves settle (`soak_trend.settled_at`), and not
before the windows that fill by design are full: the ids of closed orders and the ring from which
clients go on. What grows for good grows on the disk: log, store, time series.
"""

from __future__ import annotations

import itertools
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from coulisse.bench import servers, soak_trend
from coulisse.bench.soak_memory import (
    COMING_AND_GOING,
    SYNC_BUCKET,
    Lap,
    Restart,
    full_after,
    memory_of,
    samples_of,
    value_of,
    warm_laps_of,
)
from coulisse.bench.soak_watch import Held, Place, Watch

if TYPE_CHECKING:
    from coulisse.bench.soak import SoakRun

P99_DRIFT_PERCENT_MAX: Final = 10.0
EXPECTED_CODES: Final = frozenset({"ORDER_NOT_FOUND"})
"""A cancel may come when its order was filled by another account a moment before."""


def figures(
    run: SoakRun,
    laps: Sequence[Lap],
    watch: Watch,
    restarts: Sequence[Restart],
    checks: Mapping[str, Any],
) -> dict[str, Any]:
    """Return all figures of a run."""
    judged = _judged(laps)
    life = judged[0].life if judged else None
    warm_laps = warm_laps_of(judged, watch.samples)
    warm = judged[warm_laps:]
    memory = memory_of(warm, [one for one in watch.samples if one.life == life])
    drifts = _drifts(warm)
    orders = _orders(laps)
    found = {
        "rss": _all_of(one["holds"] for one in memory.values()),
        "fds": _all_of(one["fds"]["holds"] for one in memory.values() if one["fds"]),
        "p99_drift": drifts["p99_us"]["holds"] if drifts else None,
        "nothing_lost": _nothing_lost(orders, checks),
        "sessions_back": _sessions_back(laps, restarts),
        "stores_equal": _stores_equal(run, checks),
        "no_errors": not orders["errors"] and watch.unanswered == 0,
    }
    return {
        "passed": all(holds is True for holds in found.values()),
        "holds": found,
        "minutes": run.minutes,
        "rate": run.rate,
        "connections": run.connections,
        "laps": len(laps),
        "lap_s": run.lap_s,
        "orders": orders,
        "orders_per_s": _middle(laps, lambda lap: lap.figures["orders_per_s"]),
        "deliveries_per_s": _middle(laps, lambda lap: lap.figures["deliveries"]["messages_per_s"]),
        "judged": {
            "life": life, "laps": len(judged), "warm_up_laps": warm_laps,
            "warm_up_s": round(warm[0].began_s - judged[0].began_s) if warm else None,
            "lasted_min": round((warm[-1].ended_s - warm[0].began_s) / 60, 1) if warm else None,
            "full_after_laps": full_after(judged),
        },
        "memory": memory,
        "drifts": drifts,
        "lag": _lag(watch.places, laps),
        "restarts": _restarts(laps, restarts),
        "unanswered": watch.unanswered,
        **checks,
        "disk_gb_per_h": _per_hour(checks.get("bytes", {}), laps),
        "page": [_line(number, lap, watch) for number, lap in enumerate(laps)],
        "durability": run.durability,
        "stores": {
            "database": run.database.partition(":")[0], "series": run.series.partition(":")[0],
            "redis": run.redis.partition(":")[0], "archive": run.archive,
        },
    }  # fmt: skip


def _judged(laps: Sequence[Lap]) -> list[Lap]:
    """Return the laps of the longest life that no restart disturbed."""
    lives = Counter(lap.life for lap in laps if lap.life is not None)
    if not lives:
        return []
    longest = lives.most_common(1)[0][0]
    return [lap for lap in laps if lap.life == longest]


def _all_of(held: Iterable[bool | None]) -> bool | None:
    """Return whether all hold; None where one cannot be told and none is false."""
    told = list(held)
    if not told or False in told:
        return False if told else None
    return None if None in told else True


def _drifts(warm: Sequence[Lap]) -> dict[str, Any]:
    """Compare latencies of the last third of the laps with those of the first third.

    That of the journal's syncs stands beside: what the disk does is not the node's doing.
    """
    found: dict[str, Any] = {}
    for name in ("p50_us", "p99_us"):
        drift = soak_trend.drift_of([lap.figures[name] for lap in warm])
        if drift is not None:
            found[name] = {**drift.shown(), "holds": drift.holds(P99_DRIFT_PERCENT_MAX)}
    beside = {
        "delivery_p99_us": [lap.figures["deliveries"]["p99_us"] for lap in warm],
        "sync_p99_us": _sync_p99s(warm),
    }
    for name, values in beside.items():
        drift = soak_trend.drift_of(values)
        if drift is not None:
            found[name] = drift.shown()
    return found


def _sync_p99s(laps: Sequence[Lap]) -> list[float]:
    """Return of each lap but the first what 99 of 100 syncs did not exceed, in µs."""
    found = []
    for before, lap in itertools.pairwise(laps):
        counts = sorted(
            (_bound_s(name), value - before.metrics.get(name, 0.0))
            for name, value in lap.metrics.items()
            if name.startswith(SYNC_BUCKET)
        )
        total = counts[-1][1] if counts else 0.0
        within = [bound for bound, count in counts if count >= 0.99 * total]
        if total > 0 and within[0] < float("inf"):
            found.append(within[0] * 1e6)
    return found


def _bound_s(name: str) -> float:
    return float(name.removeprefix(SYNC_BUCKET).removesuffix('"}').replace("+Inf", "inf"))


def _orders(laps: Sequence[Lap]) -> dict[str, Any]:
    """Return the sums of what the clients sent, were answered and were told."""
    sums: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    for lap in laps:
        sums.update(lap.figures["orders"])
        codes.update(lap.figures["rejects"])
        sums["requests"] += lap.figures["sent"]
    # Those are counted from the beginning by the generator.
    faults = laps[-1].figures["faults"] if laps else {}
    errors = {code: count for code, count in codes.items() if code not in EXPECTED_CODES}
    return {**sums, "codes": dict(codes), "errors": errors, "faults": faults}


def _nothing_lost(orders: Mapping[str, Any], checks: Mapping[str, Any]) -> bool | None:
    """Whether every order that was acknowledged is there once, wherever it was looked for.

    None where it could not be looked for somewhere.
    """
    looked = [checks[name] for name in ("log", "history") if name in checks]
    looked += [checks["store"].get("orders", {})] if "store" in checks else []
    return _all_of([not any(orders["faults"].values()), *(one.get("is_right") for one in looked)])


def _sessions_back(laps: Sequence[Lap], restarts: Sequence[Restart]) -> bool:
    """Whether every session came back behind each restart, and went on with its reports."""
    away = _away(laps)
    told = away["resumed"] + away["imaged"]
    return away["times"] == len(restarts) and told == servers.ACCOUNTS * len(restarts)


def _away(laps: Sequence[Lap]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for lap in laps:
        sums.update(lap.figures["away"])
    return sums


def _stores_equal(run: SoakRun, checks: Mapping[str, Any]) -> bool | None:
    """Whether the store is what the log makes; None where it has not come to its end."""
    if run.database == "off":
        return None
    store = checks["store"]
    if "failed" in store:
        return None
    if store["differences"] or not store["fills_sum_equal"] or not store["orders"]["is_right"]:
        return False
    return True if store["is_whole"] else None


def _restarts(laps: Sequence[Lap], restarts: Sequence[Restart]) -> list[dict[str, Any]]:
    found = []
    for one in restarts:
        lap = next((lap for lap in laps if lap.began_s <= one.at_s < lap.ended_s), None)
        found.append({
            "kind": one.kind, "at_s": round(one.at_s, 1), "ended_after_s": round(one.end_s, 2),
            "ready_after_s": round(one.ready_s, 2),
            "clients": lap.figures["away"] if lap else None,
        })  # fmt: skip
    return found


def _lag(places: Sequence[Place], laps: Sequence[Lap]) -> dict[str, Any]:
    """Return how far store and time series were behind, in records and in seconds."""
    end_s = laps[-1].ended_s if laps else 0.0
    within = [place for place in places if place.at_s <= end_s]
    found: dict[str, Any] = {}
    for name in ("store", "series"):
        behind = [
            (place.log - seq, lag_s(within, place, seq))
            for place in within
            if (seq := getattr(place, name)) is not None
        ]
        if behind:
            lags_s = sorted(one for _, one in behind)
            found[name] = {
                "records_last": behind[-1][0], "records_most": max(one for one, _ in behind),
                "s_p50": round(lags_s[len(lags_s) // 2], 1), "s_last": round(behind[-1][1], 1),
                "s_most": round(lags_s[-1], 1),
            }  # fmt: skip
    return found


def lag_s(places: Sequence[Place], now: Place, seq: int) -> float:
    """Return how long ago the log was where a store is now, by the looks at both."""
    before = [place for place in places if place.log <= seq and place.at_s <= now.at_s]
    if not before:
        return now.at_s
    last = before[-1]
    later = next((place for place in places if place.log > seq), now)
    grown = max(later.log - last.log, 1)
    reached_s = last.at_s + (later.at_s - last.at_s) * (seq - last.log) / grown
    return max(now.at_s - reached_s, 0.0)


def _per_hour(sizes: Mapping[str, int], laps: Sequence[Lap]) -> dict[str, float]:
    hours = (laps[-1].ended_s if laps else 0.0) / 3_600
    return {kind: round(size / 1e9 / hours, 2) for kind, size in sizes.items()} if hours else {}


def _middle(laps: Sequence[Lap], of: Callable[[Lap], float]) -> float | None:
    return statistics.median(map(of, laps)) if laps else None


def _line(number: int, lap: Lap, watch: Watch) -> dict[str, Any]:
    """Return one lap in short."""
    samples = samples_of(watch.samples, lap)
    places = [place for place in watch.places if lap.began_s <= place.at_s < lap.ended_s]
    names = sorted({name for one in samples for name in one.held} - COMING_AND_GOING)

    def of(name: str, read: Callable[[Held], float | None]) -> float | None:
        found = [v for one in samples if (v := value_of(name, read)(one)) is not None]
        return round(statistics.median(found), 2) if found else None

    def behind(name: str) -> int | None:
        seq = getattr(places[-1], name) if places else None
        return None if seq is None else places[-1].log - seq

    figures = lap.figures
    return {
        "lap": number, "at_s": round(lap.began_s), "life": lap.life,
        "sent": figures["sent"], "accepted": figures["accepted"], "rejects": figures["rejects"],
        "p50_us": round(figures["p50_us"]), "p99_us": round(figures["p99_us"]),
        "delivery_p99_us": round(figures["deliveries"]["p99_us"]),
        "deliveries_per_s": figures["deliveries"]["messages_per_s"],
        "rss_mb": {name: of(name, lambda held: held.rss) for name in names},
        "pss_mb": {name: of(name, lambda held: held.pss) for name in names},
        "fds": {name: of(name, lambda held: held.fds) for name in names},
        "store_behind": behind("store"), "series_behind": behind("series"),
    }  # fmt: skip


def told(count: int, lap: Lap, watch: Watch) -> str:
    """Return how a lap was, for people who wait for the end."""
    line = _line(count, lap, watch)
    memory = ", ".join(f"{name} {mb} MB" for name, mb in line["rss_mb"].items())
    return (
        f"lap {count} at {line['at_s']} s: {lap.figures['orders_per_s']:,} orders/s, p50 "
        f"{line['p50_us']:,} µs, p99 {line['p99_us']:,} µs; {memory}; store "
        f"{line['store_behind']} records behind, series {line['series_behind']}"
    )
