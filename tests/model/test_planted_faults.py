"""Each fault that can be planted in the core is found by the comparison with the reference.

The faulty core is a build of its own, beside the packages of the environment, that nothing can
import by name; set-up for tests makes it.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.model.codec import encode_record
from tests.model.differential import Core, first_difference
from tests.model.exchange import ReferenceExchange
from tests.model.traffic import traffic

LIBRARY = Path(sys.prefix) / "planted" / "_core.abi3.so"
# A fault is found by the first seeds, or by those that follow, of which most need none.
SEEDS, SOUND_SEEDS, COMMANDS = range(120), range(12), 1_000
# Part 1 asks for 10, part 2 for 20 more in book, risk and ledger: 7 are of orders with terms, 4 of
# matching and auctions, 19 of risk, 9 of fees, the ledger and positions.
FAULTS_AT_LEAST = 50


def faulty_core() -> ModuleType:
    spec = importlib.util.spec_from_file_location("_core", LIBRARY)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FAULTY = faulty_core()
FAULTS: list[str] = FAULTY.planted_faults()


def test_there_are_faults_to_plant() -> None:
    assert len(set(FAULTS)) >= FAULTS_AT_LEAST


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str) -> None:
    def make() -> Core:
        engine: Core = FAULTY.Engine()
        FAULTY.Engine.plant(engine, fault)
        return engine

    assert first_difference(make, SEEDS, COMMANDS)


@pytest.mark.parametrize("fault", ["skip_best_level", "ioc_keeps_hold", "cancel_keeps_hold"])
def test_the_invariants_alone_find_a_broken_book_or_hold(fault: str) -> None:
    core, source, exchange = FAULTY.Engine(), traffic(0), ReferenceExchange()
    core.plant(fault)
    with pytest.raises(FAULTY.CoreError, match="BROKEN_INVARIANT"):
        for _ in range(COMMANDS):
            header, command = source.next(exchange)
            exchange.apply(header, command)
            core.apply(encode_record(header, command))
            core.check_invariants()


def test_the_same_build_without_a_fault_agrees() -> None:
    assert first_difference(FAULTY.Engine, SOUND_SEEDS, COMMANDS) == ""
