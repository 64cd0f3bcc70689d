"""Compares a store with the core, at one seq: `coulisse store verify`, and the node once an hour.

    python -m coulisse.node.store_check '{"data_dir": …, "is_deep": …}'

does it in a process of its own, niced, and says what came of it as one line of JSON. The store's
address comes by the environment.

It works in bursts there, as what fills the store does. What is compared: the balances with the
core's, and with the sums of the ledger, whose totals of each asset have to cancel out; the orders
that have not closed with the core's live ones. With `is_deep` every row is, by the hash of all,
with what the reference fold makes of the whole journal.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from coulisse import _core
from coulisse.domain.errors import CoulisseError
from coulisse.domain.schema import schema
from coulisse.node.comparison import Comparison, Progress, no_progress
from coulisse.node.pace import RECORDS_PER_BURST, Rest
from coulisse.projections.content import ContentHash
from coulisse.projections.reference import Head, ReferenceFold
from coulisse.store.sql.address import Address, parse_address
from coulisse.store.sql.contents import at_one_moment, checkpoint, read_content
from coulisse.store.sql.schema import table
from coulisse.store.sql.words import EXTERNAL, FEES
from coulisse.store.sql.writer import Breathe, Checkpoint, go_on

RECORDS_PER_CALL: Final = 20_000
ROWS_AT_A_TIME: Final = 500
EXIT_DIFFERS: Final = 3


@dataclass(slots=True)
class Report(Comparison):
    """What a comparison found; `rows` are those whose hash was taken, where all were."""

    balances: int = 0
    orders: int = 0
    ledger: int = 0
    """Entries that were summed."""


def verify(
    address: Address,
    data_dir: str,
    *,
    is_deep: bool = False,
    progress: Progress = no_progress,
    breathe: Breathe = go_on,
) -> Report:
    """Compare a store with what the journal makes, where the store is. Raises `CoulisseError`.

    The journal's node may run or not, but must have run since the machine booted.
    """
    report = Report()
    try:
        with at_one_moment(address) as connection:
            place = checkpoint(connection)
            report.seq = place.seq
            replica = _replica_at(data_dir, place, breathe)
            _compare_balances(connection, replica, report, breathe)
            _compare_orders(connection, replica, report)
            del replica
        if is_deep:
            _compare_rows(address, data_dir, report, progress)
    except _core.CoreError as error:
        code, message = error.args
        if not str(code).startswith("STORE_"):
            raise CoulisseError(f"{code}: {message}") from None
        report.differ(f"{code}: {message}")
    return report


def _replica_at(data_dir: str, place: Checkpoint, breathe: Breathe) -> _core.Replica:
    """Return the core as it was where the store is. Raises `CoreError`."""
    replica = _core.Replica(data_dir=data_dir, newest_seq=place.seq, only_one=False)
    replica.follow(place.seq, place.chain)
    at_once = RECORDS_PER_CALL if breathe is go_on else RECORDS_PER_BURST
    while replica.seq < place.seq:
        breathe()
        applied = replica.catch_up(min(at_once, place.seq - replica.seq))
        if applied == 0:
            raise _core.CoreError("STORE_AHEAD", f"the log ends at seq {replica.seq}")
    return replica


def _compare_balances(
    connection: sa.Connection, replica: _core.Replica, report: Report, breathe: Breathe
) -> None:
    of = table("balances").c
    rows = connection.execute(sa.select(of.account, of.asset, of.available, of.held))
    stored = {(account, asset): (available, held) for account, asset, available, held in rows}
    core = {
        (account, asset): (int(available), int(held))
        for account, asset, available, held in replica.balances()
    }
    report.balances = len(stored)
    for key in sorted(stored.keys() | core.keys()):
        here, there = stored.get(key, (0, 0)), core.get(key, (0, 0))
        if here != there:
            where = f"balance of account {key[0]} in asset {key[1]}"
            report.differ(f"{where}: {here[0]} and {here[1]} held, the core has {there}")
    sums = _sums(connection, report, breathe)
    _compare_assets(core, sums, report)
    for key, total in sorted(sums.items()):
        if key[0] > 0 and total != sum(stored.get(key, (0, 0))):
            where = f"ledger of account {key[0]} in asset {key[1]}"
            report.differ(f"{where}: it sums to {total}, the balance is {stored.get(key)}")


Amounts = Mapping[tuple[int, int], tuple[int, int]]
"""Available and held, by account and asset."""


def _compare_assets(core: Amounts, sums: Counter[tuple[int, int]], report: Report) -> None:
    """See that of each asset what accounts and fees have is what came from outside."""
    held: Counter[int] = Counter()
    for (_, asset), amounts in core.items():
        held[asset] += sum(amounts)
    for asset in sorted(held.keys() | {asset for _, asset in sums}):
        elsewhere = sums[EXTERNAL, asset] + sums[FEES, asset]
        if held[asset] + elsewhere != 0:
            report.differ(f"asset {asset}: the core holds {held[asset]}, the ledger {-elsewhere}")


def _sums(connection: sa.Connection, report: Report, breathe: Breathe) -> Counter[tuple[int, int]]:
    """Return what each account got less what it gave, by asset."""
    sums: Counter[tuple[int, int]] = Counter()
    of = table("ledger").c
    entries = connection.execution_options(yield_per=ROWS_AT_A_TIME).execute(
        sa.select(of.asset, of.debit, of.credit, of.amount)
    )
    for asset, debit, credit, amount in entries:
        breathe()
        sums[debit, asset] -= amount
        sums[credit, asset] += amount
        report.ledger += 1
    return sums


def _compare_orders(connection: sa.Connection, replica: _core.Replica, report: Report) -> None:
    of = table("orders").c
    live = sa.select(
        of.order_id, of.account, of.instrument, of.qty, of.filled, of.remaining, of.state
    ).where(of.closed_seq == 0)
    stored = {row[0]: tuple(row) for row in connection.execute(live)}
    core = {row[0]: row for row in replica.open_orders()}
    report.orders = len(stored)
    for order_id in sorted(core):
        if stored.get(order_id) != core[order_id]:
            report.differ(f"order {order_id}: {stored.get(order_id)}, not {core[order_id]}")
    # What a kill switch has ended is dead to the core at once, and closes in its turn.
    dead = len(stored.keys() - core.keys())
    if dead != replica.dead_orders:
        report.differ(f"{dead} open orders that the core does not know, not {replica.dead_orders}")


def _compare_rows(address: Address, data_dir: str, report: Report, progress: Progress) -> None:
    place, content = read_content(address)
    report.rows = content.rows
    wanted = expected_content(data_dir, place.seq, progress)
    if content.hexdigest() != wanted.hexdigest():
        report.differ(
            f"at seq {place.seq} the hash of {content.rows} rows is {content.hexdigest()[:16]}…, "
            f"the journal makes {wanted.rows} rows and {wanted.hexdigest()[:16]}…"
        )


def expected_content(data_dir: str, seq: int, progress: Progress = no_progress) -> ContentHash:
    """Return the hash of what the whole journal makes up to `seq`, by the reference fold.

    Raises `CoreError`. Cost: some 20,000 events a second, and the memory of all orders.
    """
    replica = _core.Replica(data_dir=data_dir, newest_seq=0, only_one=False)
    return content_of(replica, seq, progress)


def content_of(replica: _core.Replica, seq: int, progress: Progress = no_progress) -> ContentHash:
    """Return the same of a replica that stands before the first record."""
    content = ContentHash()
    fold = ReferenceFold(content.add)
    for head, events in _records(replica, seq, progress):
        fold.take(head, list(schema().decode_events(events)))
    for name, rows in fold.kept_rows().items():
        content.add_all(name, rows)
    return content


def _records(replica: _core.Replica, seq: int, progress: Progress) -> Iterator[tuple[Head, bytes]]:
    replica.follow(0, bytes(32), keep_events=True)
    while replica.seq < seq:
        if replica.catch_up(RECORDS_PER_CALL) == 0:
            raise _core.CoreError("STORE_AHEAD", f"the log ends at seq {replica.seq}")
        for *head, events in replica.take_events():
            if head[0] <= seq:
                yield Head(*head), events
        replica.take_rows()
        progress(min(replica.seq, seq), seq)


def main() -> int:
    """Run the process; return its exit code."""
    from coulisse.node.projector_process import STORE_VARIABLE

    settings: dict[str, Any] = json.loads(sys.argv[1])
    address = parse_address(os.environ[STORE_VARIABLE], Path(settings["data_dir"]))
    try:
        report = verify(
            address, settings["data_dir"], is_deep=settings["is_deep"], breathe=Rest().breathe
        )
    except CoulisseError as error:
        print(json.dumps({"error": str(error)}))
        return 1
    print(json.dumps(asdict(report)))
    return EXIT_DIFFERS if report.differences else 0


if __name__ == "__main__":
    sys.exit(main())
