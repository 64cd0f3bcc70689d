"""The core and the reference exchange say the same, event for event.

A failure names its seed: `make torture SUITE=torture SEED=n` sends that seed again, and the JSON
it prints goes into `regressions/`, in a file named after what it found.
"""

import os
from pathlib import Path

import pytest

from coulisse._core import Engine
from tests.model.codec import ENUMS, EVENT_TABLE, REJECTS
from tests.model.differential import Coverage, from_json, replay, run_world

WORLDS, COMMANDS_EACH = 80, 2_500
CHECKED_CLOSELY = range(0, WORLDS, 10)
TIMES_EACH_AT_LEAST = 20
# What needs a thousand orders: a scenario has it (`test_orders_conditional.py`).
ONLY_IN_SCENARIOS = frozenset({"TOO_MANY_FOLLOWERS"})
REGRESSIONS = sorted((Path(__file__).parent / "regressions").glob("*.json"))


@pytest.mark.begins_first
@pytest.mark.timeout(900)
def test_200_000_commands_have_the_same_events_and_hashes() -> None:
    seen = Coverage()
    for seed in range(WORLDS):
        every = 1 if seed in CHECKED_CLOSELY else 100
        run_world(Engine, seed, COMMANDS_EACH, invariants_every=every, seen=seen)
    assert seen.commands == 200_000
    require_coverage(seen)


def require_coverage(seen: Coverage) -> None:
    """Each code, kind and reason was seen often enough, and not all was refused."""
    assert seen.accepted * 100 >= seen.commands * 40, f"only {seen.accepted} were accepted"
    assert seen.trading * 100 >= seen.commands * 10, f"only {seen.trading} traded"
    kinds = [kind for kind, _ in EVENT_TABLE.values()]
    all_names = {*kinds, *REJECTS.values(), *ENUMS["close_reason"].values()}
    expected = sorted(all_names - ONLY_IN_SCENARIOS)
    rare = {name: seen.seen[name] for name in expected if seen.seen[name] < TIMES_EACH_AT_LEAST}
    assert not rare, f"seen fewer than {TIMES_EACH_AT_LEAST} times: {rare}"


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: path.stem)
def test_what_failed_once_is_the_same_now(path: Path) -> None:
    assert replay(Engine, from_json(path)) == ""


def test_there_are_regressions_to_replay() -> None:
    assert REGRESSIONS


@pytest.mark.torture
@pytest.mark.timeout(7_200)
def test_torture_of_the_core_by_the_reference() -> None:
    chosen = os.environ.get("COULISSE_SEED")
    seeds = [int(chosen)] if chosen else range(1_000, 1_800)
    seen = Coverage()
    for seed in seeds:
        run_world(Engine, seed, COMMANDS_EACH, invariants_every=10, seen=seen)
    if not chosen:
        assert seen.commands == 2_000_000
        require_coverage(seen)
