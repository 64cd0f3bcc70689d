"""Every sequence of a few commands in a small world: `small_world.py` says which, and why those."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from coulisse._core import Engine
from tests.model.differential import Difference
from tests.model.small_world import CopiedCore, SmallWorld

LIBRARY = Path(sys.prefix) / "planted" / "_core.abi3.so"
# Those that three commands can show, without client order ids.
FAULTS = (
    *("lifo_level", "skip_best_level", "taker_price", "ioc_keeps_hold", "cancel_keeps_hold"),
    *("fee_per_fill", "maker_pays_taker_rate", "sell_without_fee", "post_only_ignored"),
    *("amend_loses_priority", "fok_partial", "past_limit"),
)


def faulty_core() -> ModuleType:
    spec = importlib.util.spec_from_file_location("_core", LIBRARY)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FAULTY = faulty_core()


@pytest.mark.begins_first
@pytest.mark.timeout(900)
def test_every_sequence_of_three_commands_is_said_alike() -> None:
    visited = SmallWorld(Engine, length=3).explore()
    assert visited.sequences == {1: 137, 2: 19_153, 3: 1_365_573}
    assert visited.states == {1: 67, 2: 1_518}


@pytest.mark.torture
@pytest.mark.timeout(7_200)
def test_torture_every_sequence_of_four_commands_is_said_alike() -> None:
    visited = SmallWorld(Engine, length=4, merges=True).explore()
    assert visited.sequences[4] > 1_000_000


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str) -> None:
    def make() -> CopiedCore:
        engine: CopiedCore = FAULTY.Engine()
        FAULTY.Engine.plant(engine, fault)
        return engine

    with pytest.raises(Difference, match="differ"):
        SmallWorld(make, length=3).explore()
