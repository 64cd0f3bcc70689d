"""The logs that are kept of each version, which every later one must make the same of.

    .venv/bin/python -m tests.upgrades.keep

writes that of the version that this is, as a step of each release (docs/operating/releases.md): the
records of random commands of every kind, as the log has them, with the events' hash and the
state's that came of them. A kept log of a released version is never written again.

    coulisse-0.1.0.log.xz   JSON: version, and worlds with records, event_hash and state_hash
"""

from __future__ import annotations

import base64
import json
import lzma
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from coulisse import __version__
from coulisse._core import Engine
from tests.model.codec import encode_record
from tests.model.exchange import ReferenceExchange
from tests.model.traffic import traffic

HERE = Path(__file__).resolve().parent
SEEDS = range(1, 9)
COMMANDS = 500


@dataclass(frozen=True, slots=True)
class World:
    """One log, and what came of it."""

    records: bytes
    """One behind the other; each begins with its length, a u32."""
    event_hash: str
    state_hash: str

    def split(self) -> list[bytes]:
        """Return the records, each by itself."""
        found, at = [], 0
        while at < len(self.records):
            length = int.from_bytes(self.records[at : at + 4], "little")
            found.append(self.records[at : at + length])
            at += length
        return found


def hashes(records: Sequence[bytes]) -> tuple[str, str]:
    """Return what this version makes of a log: hashes of its events and of its state."""
    engine = Engine()
    for record in records:
        engine.apply(record)
    return engine.event_hash().hex(), engine.state_hash().hex()


def a_world(seed: int) -> World:
    """Make the log of one seed."""
    source, exchange, records = traffic(seed), ReferenceExchange(), []
    for _ in range(COMMANDS):
        header, command = source.next(exchange)
        exchange.apply(header, command)
        records.append(encode_record(header, command))
    return World(b"".join(records), *hashes(records))


def kept() -> list[Path]:
    """Return the files of all versions."""
    return sorted(HERE.glob("coulisse-*.log.xz"))


def read(file: Path) -> tuple[str, list[World]]:
    """Return the version and the worlds of a file."""
    tree = json.loads(lzma.decompress(file.read_bytes()))
    worlds = [
        World(base64.b64decode(one["records"]), one["event_hash"], one["state_hash"])
        for one in tree["worlds"]
    ]
    return tree["version"], worlds


def main() -> int:
    """Write the file of this version."""
    worlds = [
        {
            "records": base64.b64encode(world.records).decode(),
            "event_hash": world.event_hash,
            "state_hash": world.state_hash,
        }
        for world in map(a_world, SEEDS)
    ]
    text = json.dumps({"version": __version__, "worlds": worlds})
    file = HERE / f"coulisse-{__version__}.log.xz"
    file.write_bytes(lzma.compress(text.encode(), preset=9))
    print(f"{file.name}: {len(worlds)} worlds, {file.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
