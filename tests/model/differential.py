"""Runs the core and the reference exchange side by side and says where they part.

What fails is a seed; the commands up to the failure are then made fewer for as long as the two
still differ, and printed as JSON that can be put into `regressions/` as it is.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Protocol

from tests.model.codec import (
    COMMAND_TABLE,
    Header,
    Message,
    decode_events,
    encode_events,
    encode_record,
)
from tests.model.exchange import ReferenceExchange
from tests.model.hashes import next_event_hash, state_hash
from tests.model.traffic import traffic

Record = tuple[Header, Message]
HASH_EVERY = 100
DIFFERING_EVENTS_SHOWN_MAX = 5
# How many records shrinking may replay: a minute or so.
SHRINK_RECORDS_MAX = 300_000


class Core(Protocol):
    """What is compared with the reference: `coulisse._core.Engine`, or another model."""

    def apply(self, record: bytes, /) -> bytes:
        """Apply one record; return its events."""

    def void(self, record: bytes, /) -> bytes:
        """Apply one record that is void; return its events."""

    def event_hash(self) -> bytes:
        """16 bytes."""

    def state_hash(self) -> bytes:
        """32 bytes."""

    def check_invariants(self) -> None:
        """Raise if the state contradicts itself."""


class Difference(Exception):
    """The two say different things."""


@dataclass(slots=True)
class Twins:
    """A core and the reference in step."""

    core: Core
    invariants_every: int = 1
    exchange: ReferenceExchange = field(default_factory=ReferenceExchange)
    event_hash: bytes = bytes(16)

    def step(self, header: Header, command: Message) -> list[Message]:
        """Apply one record to both, as it says or as void; return the events: the same of both."""
        expected = self.exchange.apply(header, command)
        self.event_hash = next_event_hash(self.event_hash, header.seq, expected)
        record = encode_record(header, command)
        try:
            said = self.core.void(record) if header.void else self.core.apply(record)
        except Exception as error:
            raise Difference(f"the core failed: {error!r}\n{header}\n{command}") from error
        if said != encode_events(expected):
            raise Difference(_events_differ(header, command, expected, said))
        if self.core.event_hash() != self.event_hash:
            raise Difference(f"event hashes differ after equal events\n{header}\n{command}")
        if header.seq % self.invariants_every == 0:
            self.check_invariants()
        if header.seq % HASH_EVERY == 0:
            self.compare_states()
        return expected

    def compare_states(self) -> None:
        """Compare the hashes over the whole state, which no event shows in full."""
        if self.core.state_hash() != state_hash(self.exchange):
            raise Difference(f"state hashes differ at seq {self.exchange.last_seq}")

    def check_invariants(self) -> None:
        """Let the core check itself."""
        try:
            self.core.check_invariants()
        except Exception as error:
            seq = self.exchange.last_seq
            raise Difference(f"an invariant is broken at seq {seq}: {error!r}") from error


@dataclass(slots=True)
class Coverage:
    """What the traffic has made happen."""

    commands: int = 0
    accepted: int = 0
    trading: int = 0
    seen: Counter[str] = field(default_factory=Counter)

    def count(self, events: list[Message]) -> None:
        """Count the events of one command."""
        kinds = [event.kind for event in events]
        self.commands += 1
        self.accepted += "Rejected" not in kinds
        self.trading += "Traded" in kinds
        self.seen.update(kinds)
        self.seen.update(event.code for event in events if event.kind == "Rejected")
        self.seen.update(event.reason for event in events if event.kind == "OrderClosed")


def run_world(
    make_core: Callable[[], Core],
    seed: int,
    commands: int,
    *,
    invariants_every: int,
    seen: Coverage,
) -> None:
    """Send one seed's traffic to both. A difference is shrunk and reported as AssertionError."""
    source, twins = traffic(seed), Twins(make_core(), invariants_every)
    sent: list[Record] = []
    try:
        for _ in range(commands):
            sent.append(source.next(twins.exchange))
            seen.count(twins.step(*sent[-1]))
        twins.compare_states()
    except Difference as difference:
        fewer, last = shrink(make_core, sent, str(difference))
        raise AssertionError(
            f"seed {seed}, command {len(sent)}: {difference}\n\n"
            f"{len(fewer)} commands are enough: {last}\n\n{to_json(fewer)}"
        ) from difference


def first_difference(make_core: Callable[[], Core], seeds: Sequence[int], commands: int) -> str:
    """The first difference that these seeds show; empty if they show none."""
    for seed in seeds:
        source, twins = traffic(seed), Twins(make_core(), HASH_EVERY)
        try:
            for _ in range(commands):
                twins.step(*source.next(twins.exchange))
        except Difference as difference:
            return f"seed {seed}: {difference}"
    return ""


def replay(make_core: Callable[[], Core], records: Sequence[Record]) -> str:
    """How the two differ on these records, numbered anew; empty if they do not."""
    twins = Twins(make_core())
    try:
        for seq, (header, command) in enumerate(records, start=1):
            twins.step(replace(header, seq=seq), command)
        twins.compare_states()
    except Difference as difference:
        return str(difference)
    return ""


def shrink(
    make_core: Callable[[], Core], records: Sequence[Record], last: str
) -> tuple[list[Record], str]:
    """Drop ever smaller runs of records while the rest still makes a difference."""
    kept, left = list(records), SHRINK_RECORDS_MAX
    chunk = max(1, len(kept) // 2)
    while left > 0:
        dropped, at = False, len(kept) - chunk
        while at > -chunk and left > 0:
            rest = without(kept, max(0, at), at + chunk)
            difference, left = replay(make_core, rest), left - len(kept)
            if difference:
                kept, last, dropped = rest, difference, True
            at -= chunk
        if chunk == 1 and not dropped:
            break
        chunk = max(1, chunk // 2)
    return kept, last


def without(records: Sequence[Record], start: int, end: int) -> list[Record]:
    """The records without a run of them; commands still name the same orders by their new ids."""
    before, after, new_ids = ReferenceExchange(), ReferenceExchange(), dict[int, int]()
    rest: list[Record] = []
    for at, (header, command) in enumerate(records):
        kept = command
        if getattr(command, "order_id", 0) in new_ids:
            kept = Message(**vars(command) | {"order_id": new_ids[command.order_id]})
        was = before.apply(replace(header, seq=at + 1), command)[0]
        if not start <= at < end:
            rest.append((header, kept))
            now = after.apply(replace(header, seq=len(rest)), kept)[0]
            if was.kind == now.kind == "OrderAccepted":
                new_ids[was.order_id] = now.order_id
    return rest


def to_json(records: Sequence[Record]) -> str:
    """Records as a regression file."""
    rows = []
    for header, command in records:
        fields = {k: v.hex() if isinstance(v, bytes) else v for k, v in vars(command).items()}
        rows.append({"header": {k: v for k, v in asdict(header).items() if v}, "command": fields})
    return "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]"


def from_json(path: Path) -> list[Record]:
    """The records of a regression file."""
    types = {kind: dict(fields) for kind, fields in COMMAND_TABLE.values()}
    records = []
    for row in json.loads(path.read_text()):
        fields = row["command"]
        for name, type_name in types[fields["kind"]].items():
            if type_name in ("bytes32", "bytes"):
                fields[name] = bytes.fromhex(fields[name])
        records.append((Header(**{"seq": 0} | row["header"]), Message(**fields)))
    return records


def _events_differ(header: Header, command: Message, expected: list[Message], said: bytes) -> str:
    got = decode_events(said)
    lines, differing = [f"events differ for {header}\n  {command}"], 0
    for at in range(max(len(expected), len(got))):
        model = expected[at] if at < len(expected) else None
        core = got[at] if at < len(got) else None
        differing += model != core
        if differing > DIFFERING_EVENTS_SHOWN_MAX:
            return "\n".join([*lines, "and so on"])
        lines += [f"  both  {model}"] if model == core else [f"! model {model}", f"! core  {core}"]
    return "\n".join(lines)
