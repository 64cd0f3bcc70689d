"""Kept corpora: one file of inputs a target, each behind its length (u32, little-endian)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"


def unpack(packed: bytes) -> Iterator[bytes]:
    """Yield the inputs. Raises ValueError where the file breaks off."""
    at = 0
    while at < len(packed):
        end = at + 4 + int.from_bytes(packed[at : at + 4], "little")
        if len(packed) < max(end, at + 4):
            raise ValueError(f"it breaks off at byte {at}")
        yield packed[at + 4 : end]
        at = end


def pack(inputs: Iterable[bytes]) -> bytes:
    """Return a file of these inputs, the shortest first."""
    ordered = sorted(set(inputs), key=lambda one: (len(one), one))
    return b"".join(len(one).to_bytes(4, "little") + one for one in ordered)
