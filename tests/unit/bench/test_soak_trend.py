"""The trend of a soak: a leak that is planted is found, and noise is none."""

from __future__ import annotations

import math
import random
import subprocess
import sys
import time

import pytest

from coulisse.bench.soak_memory import Lap, memory_of
from coulisse.bench.soak_trend import drift_of, settled_at, slope_of
from coulisse.bench.soak_watch import Sample, family

LAPS = 48
LAP_S = 30.0
TIMES_S = [LAP_S * lap for lap in range(LAPS)]
LEAKS = """
import time
held = []
while True:
    held.append(b"x" * 500_000)
    time.sleep(0.05)
"""


def a_run(mb_per_h: float, *, noise_mb: float = 0.1, warm_up_mb: float = 0.0) -> list[float]:
    """Medians of a process that leaks so much, and first grows by `warm_up_mb`."""
    dice = random.Random(7)
    return [
        120
        + mb_per_h * at_s / 3_600
        + dice.gauss(0, noise_mb)
        - warm_up_mb * math.exp(-at_s / (3 * LAP_S))
        for at_s in TIMES_S
    ]


@pytest.mark.parametrize(("leak", "holds"), [(0.0, True), (0.3, True), (1.8, False), (5.0, False)])
def test_a_leak_is_told_from_noise_in_a_run_of_24_minutes(leak: float, holds: bool) -> None:
    slope = slope_of(TIMES_S, a_run(leak))
    assert slope is not None
    assert slope.low < leak < slope.high
    assert slope.holds(1.0) is holds


def test_what_cannot_be_told_is_not_said_to_hold() -> None:
    slope = slope_of(TIMES_S[:6], a_run(0.5, noise_mb=1.0)[:6])
    assert slope is not None and slope.holds(1.0) is None
    assert slope_of(TIMES_S[:3], [1.0, 2.0, 3.0]) is None


def test_a_warm_up_is_cut_off_and_a_leak_is_not() -> None:
    values = a_run(0.0, warm_up_mb=30.0)
    cut = settled_at(values)
    assert 8 <= cut <= LAPS // 2
    slope = slope_of(TIMES_S[cut:], values[cut:])
    assert slope is not None and slope.holds(1.0) is True
    leaking = a_run(20.0)
    cut = settled_at(leaking)
    slope = slope_of(TIMES_S[cut:], leaking[cut:])
    assert slope is not None and slope.per_h == pytest.approx(20.0, rel=0.1)


def test_laps_that_stand_out_move_no_slope() -> None:
    values = a_run(0.0)
    values[11] = values[30] = 400.0
    slope = slope_of(TIMES_S, values)
    assert slope is not None and slope.holds(1.0) is True


def test_a_drift_of_latencies_is_found_with_its_interval() -> None:
    dice = random.Random(3)
    steady = [5_000 * dice.lognormvariate(0, 0.1) for _ in range(LAPS)]
    drift = drift_of(steady)
    assert drift is not None and drift.holds(10.0) is True
    assert drift.low <= drift.percent <= drift.high
    slower = [value * (1 + 0.5 * lap / LAPS) for lap, value in enumerate(steady)]
    found = drift_of(slower)
    assert found is not None and found.holds(10.0) is False
    assert drift_of(steady[:5]) is None


def test_a_process_that_leaks_is_seen_to() -> None:
    process = subprocess.Popen([sys.executable, "-c", LEAKS])
    try:
        began_s = time.monotonic()
        samples: list[Sample] = []
        while len(samples) < 40:
            samples.append(Sample(time.monotonic() - began_s, 1, family(process.pid, is_wide=True)))
            process.poll()
            # It leaks by its clock, which is to go on between two looks.
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.02)
    finally:
        process.kill()
        process.wait()
    step_s = samples[-1].at_s / 5
    laps = [Lap(step_s * lap, step_s * (lap + 1), 1, {}) for lap in range(5)]
    found = memory_of(laps, samples)
    assert found["core"]["holds"] is False, "it grows by megabytes a second"
    assert found["all"]["holds"] is False
    assert found["core"]["rss_mb_per_h"]["low"] > 100
    assert found["core"]["fds"]["holds"] is True
