"""Records that break the core: a node ends, and one that starts again goes on without them.

Half of these nodes run the core with a planted fault: an order at 101 ticks breaks it, when half of
what the order does is done. The others, and every projector, run the sound core, to which that
order is like any other; so what both agree on is what the log says, and not what the fault does.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from coulisse import Client, OrderResult, Rejected, Unknown, _core

from ..integration.conftest import COMMAND, Server, environment, launch
from ..integration.test_projector import durable_seq, follows, metrics, until
from .planted import hashes

LIBRARY = Path(sys.prefix) / "planted" / "_core.abi3.so"
PLANTED = [sys.executable, str(Path(__file__).with_name("planted.py")), str(LIBRARY)]
POISONED = [*PLANTED, "panic_on_price"]
SERVE = ("serve", "--port", "0", "--data-dir", "data")
ABORTED = -signal.SIGABRT
POISON_PRICE = "1.01"
PER_START_MAX = 16
EXIT_TIMEOUT_S = 60


@dataclass
class Nodes:
    """One data directory, and the nodes that run on it one after another."""

    home: Path
    server: Server | None = None
    stderr: list[dict[str, Any]] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return self.home / "data"

    def start(self, command: list[str] = COMMAND) -> Server:
        self.server = launch(SERVE, environment(self.home), self.home, command)
        return self.server

    def stop(self) -> None:
        """Stop the node; keep what it logged."""
        assert self.server is not None
        self.server.process.send_signal(signal.SIGTERM)
        assert self.ended() == 0

    def ended(self) -> int:
        """Wait for the node's end; return its exit code."""
        assert self.server is not None
        _, said = self.server.process.communicate(timeout=EXIT_TIMEOUT_S)
        self.stderr = logged(said)
        return self.server.process.returncode

    def fails(self, command: list[str]) -> tuple[int, str]:
        """Run a node that does not come up; return its exit code and what it said."""
        done = subprocess.run(
            [*command, *SERVE, "--json"],
            env=environment(self.home), cwd=self.home, capture_output=True, text=True,
            timeout=EXIT_TIMEOUT_S,
        )  # fmt: skip
        assert done.stdout == ""
        self.stderr = logged(done.stderr)
        return done.returncode, done.stderr

    def said(self, event: str) -> list[dict[str, Any]]:
        """The lines of the last node's log about an event."""
        return [line for line in self.stderr if line["event"] == event]

    def notes(self) -> dict[str, list[int]]:
        """The files of notes, with the seqs that each names."""
        files = sorted(self.data.glob("panic*"))
        return {
            file.name: [json.loads(line)["seq"] for line in file.read_text().splitlines()]
            for file in files
        }

    def hashes(self, *, planted: bool) -> str:
        """What a core of one kind comes to, on a copy of the journal."""
        copy = self.home / "copy"
        shutil.copytree(self.data, copy, ignore=shutil.ignore_patterns("*.sock"))
        if planted:
            command = [*POISONED, "hashes", str(copy)]
            found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        else:
            found = hashes(str(copy))
        shutil.rmtree(copy)
        return found.strip()


def logged(text: str) -> list[dict[str, Any]]:
    """The log lines; Rust's own words about a panic are none."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    made = Nodes(tmp_path)
    yield made
    if made.server is not None:
        made.server.stop(signal.SIGKILL)


async def connect(server: Server) -> Client:
    return await Client.connect(server.http, credentials=server.credentials)


async def place(server: Server, symbol: str, price: str, own_id: str) -> object:
    async with await connect(server) as client:
        return await client.place(symbol, "buy", "10", price=price, client_order_id=own_id)


async def place_sound_orders(server: Server, symbol: str = "BTC-USD") -> set[str]:
    """Place some orders that break nothing; return their ids once they are acknowledged."""
    async with await connect(server) as client:
        await client.deposit("operator", "USD", "1000000")
        for number in range(5):
            own_id = f"{symbol}-{number}"
            price = f"{number + 2}.00"
            placed = await client.place(symbol, "buy", "10", price=price, client_order_id=own_id)
            assert isinstance(placed, OrderResult)
    return {f"{symbol}-{number}" for number in range(5)}


async def open_ids(server: Server) -> set[str | None]:
    async with await connect(server) as client:
        return {order.client_order_id for order in await client.open_orders()}


async def poison(server: Server, own_id: str = "poison") -> int:
    """Place an order that the sound core takes and the planted one breaks on; return its seq."""
    placed = await place(server, "BTC-USD", POISON_PRICE, own_id)
    assert isinstance(placed, OrderResult)
    return durable_seq(server)


def health(server: Server) -> dict[str, Any]:
    said: dict[str, Any] = httpx.get(f"{server.http}/healthz").json()
    return said


async def test_an_order_that_breaks_the_core_is_void_after_the_restart_and_halts_its_instrument(
    nodes: Nodes,
) -> None:
    server = nodes.start(POISONED)
    acked = await place_sound_orders(server)
    seq = durable_seq(server) + 1
    assert isinstance(await place(server, "BTC-USD", POISON_PRICE, "poison"), Unknown)
    assert nodes.ended() == ABORTED
    (broken,) = nodes.said("core_broken")
    assert broken["seq"] == seq and "101 ticks" in broken["reason"]
    assert "the next start makes it void" in broken["next"]
    assert nodes.notes() == {"panic.json": [seq]}

    server = nodes.start(POISONED)
    assert await open_ids(server) == acked
    again = await place(server, "BTC-USD", POISON_PRICE, "poison")
    assert isinstance(again, Rejected) and again.code == "TRADING_STATE"
    acked |= await place_sound_orders(server, "ETH-USD")
    assert "coulisse_engine_voided_records_total 1" in metrics(server)
    assert health(server)["voided_records"] == 1
    # Its projector has the sound core: what it says of the record is what the log says.
    until(server, follows(durable_seq(server)))
    nodes.stop()
    alarm = {"seq": seq, "instrument": "BTC-USD", "level": "error"}
    assert [alarm.items() <= line.items() for line in nodes.said("record_voided")] == [True]
    assert nodes.notes() == {"panic.json": [seq]}

    for command in (POISONED, COMMAND):
        server = nodes.start(command)
        assert await open_ids(server) == acked
        until(server, follows(durable_seq(server)))
        nodes.stop()
        assert [line["seq"] for line in nodes.said("record_is_void")] == [seq]
        assert not nodes.said("record_voided")
        assert nodes.notes() == {f"panic-{seq}.json": [seq]}
    assert nodes.hashes(planted=True) == nodes.hashes(planted=False)


async def test_a_record_that_breaks_replay_alone_is_noted_first_and_void_the_second_time(
    nodes: Nodes,
) -> None:
    server = nodes.start()
    acked = await place_sound_orders(server)
    first = await poison(server, "poison-1")
    acked |= await place_sound_orders(server, "ETH-USD")
    second = await poison(server, "poison-2")
    nodes.stop()
    # One after the other: what stands behind a record that broke is not known before it is void.
    noted: list[int] = []
    for seq in (first, second):
        noted.append(seq)
        code, said = nodes.fails(POISONED)
        assert code == ABORTED and "101 ticks" in said
        assert [line["seq"] for line in nodes.said("core_broken")] == [seq]
        assert nodes.notes() == {"panic.json": noted}
    server = nodes.start(POISONED)
    assert await open_ids(server) == acked
    nodes.stop()
    assert [line["seq"] for line in nodes.said("record_voided")] == [first, second]
    nodes.start().stop()
    assert nodes.notes() == {f"panic-{seq}.json": [seq] for seq in (first, second)}
    assert nodes.hashes(planted=True) == nodes.hashes(planted=False)


async def test_a_start_makes_only_so_many_records_void_and_says_so_in_one_line(
    nodes: Nodes,
) -> None:
    server = nodes.start()
    await place_sound_orders(server)
    seqs = [await poison(server, f"poison-{number}") for number in range(PER_START_MAX + 1)]
    nodes.stop()
    note(nodes, *seqs[:-1])
    assert nodes.fails(POISONED)[0] == ABORTED
    assert nodes.notes() == {"panic.json": seqs}
    code, said = nodes.fails(POISONED)
    assert code == 1
    (line,) = [line for line in said.splitlines() if "JOURNAL_POISONED" in line]
    assert f"more than {PER_START_MAX} records" in line and f"seq {seqs[-1]}: " in line
    # Nothing was written: a build that takes these records finds them all.
    server = nodes.start()
    assert {f"poison-{number}" for number in range(PER_START_MAX + 1)} <= await open_ids(server)
    nodes.stop()
    assert nodes.notes() == {f"panic-{seq}.json": [seq] for seq in seqs}


def note(nodes: Nodes, *seqs: int) -> None:
    """Note records as nodes that they broke would."""
    lines = [f'{{"seq":{seq},"build":"0.1.0","message":"broken"}}\n' for seq in seqs]
    (nodes.data / "panic.json").write_text("".join(lines))


async def test_a_note_of_what_breaks_nothing_again_is_filed_away(nodes: Nodes) -> None:
    server = nodes.start()
    acked = await place_sound_orders(server)
    seq = durable_seq(server)
    nodes.stop()
    # The second is of a record that was lost with its process: another one has its seq now.
    note(nodes, seq, seq + 1_000)
    server = nodes.start()
    assert await open_ids(server) == acked
    nodes.stop()
    assert nodes.notes() == {f"panic-{at}.json": [at] for at in (seq, seq + 1_000)}
    assert not nodes.said("record_voided")


async def test_a_damaged_note_is_said_and_counts_as_none(nodes: Nodes) -> None:
    server = nodes.start()
    await place_sound_orders(server)
    seq = await poison(server)
    nodes.stop()
    damaged = f'{{"seq":{seq},"build":"0.'
    (nodes.data / "panic.json").write_text(damaged)
    assert nodes.fails(POISONED)[0] == ABORTED
    (said,) = nodes.said("panic_note_unreadable")
    assert said["reason"] == "line 1 is not a note" and said["file"].endswith("panic.json")
    assert nodes.notes() == {"panic.json": [seq]}
    (nodes.data / "panic.json").write_text(damaged)
    nodes.start().stop()
    assert (nodes.data / "panic-damaged.json").read_text() == damaged
    assert not (nodes.data / "panic.json").exists()


async def test_a_snapshot_with_a_record_that_is_void_is_passed_over(nodes: Nodes) -> None:
    server = nodes.start()
    acked = await place_sound_orders(server)
    seq = await poison(server)
    until(server, follows(seq))
    nodes.stop()
    replica = _core.Replica(data_dir=str(nodes.data))
    while replica.catch_up(1_000):
        pass
    replica.write_snapshot()
    taken_in = replica.seq
    del replica
    (snapshot,) = nodes.data.glob("*.snap")
    snapshot.rename(nodes.home / snapshot.name)
    assert nodes.fails(POISONED)[0] == ABORTED
    nodes.start(POISONED)
    nodes.stop()
    (nodes.home / snapshot.name).rename(snapshot)
    server = nodes.start()
    assert await open_ids(server) == acked
    until(server, follows(durable_seq(server)))
    nodes.stop()
    reason = f"it has taken in the record at seq {seq}, which is void"
    # The node says so, and so does its projector once it has come up.
    said = {line["reason"] for line in nodes.said("snapshot_passed_over")}
    assert taken_in >= seq and said == {reason}
