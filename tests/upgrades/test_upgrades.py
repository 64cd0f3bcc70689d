"""A log of an earlier version means the same to this one: the same events, and the same state.

A change that fails here changes what was told to clients: it needs a word in the changelog under
`Changed`, and what to do at the upgrade. Until 0.1.0 is released its file may be written again by
`python -m tests.upgrades.keep`; that of a released version never is.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from coulisse._core import CoreError
from tests.upgrades.keep import World, hashes, kept, read

KINDS_MIN = 35


def kinds(worlds: list[World]) -> set[int]:
    """The kinds of command in some logs."""
    return {int.from_bytes(record[10:12], "little") for world in worlds for record in world.split()}


@pytest.mark.parametrize("file", kept(), ids=lambda file: file.name)
def test_this_version_makes_the_same_of_the_log_of_each_version(file: Path) -> None:
    version, worlds = read(file)
    assert file.name == f"coulisse-{version}.log.xz"
    for number, world in enumerate(worlds):
        found = hashes(world.split())
        assert found == (world.event_hash, world.state_hash), f"world {number} of {version}"
    assert len(kinds(worlds)) >= KINDS_MIN


def test_some_version_is_kept_and_another_log_would_be_found() -> None:
    _, worlds = read(kept()[-1])
    world = worlds[0]
    records = world.split()
    assert hashes(records[:-1]) != (world.event_hash, world.state_hash)


def test_a_record_of_a_later_version_is_refused_and_not_misread() -> None:
    _, worlds = read(kept()[-1])
    records = worlds[0].split()
    unknown = bytearray(records[0])
    unknown[10:12] = (60_000).to_bytes(2, "little")
    with pytest.raises(CoreError):
        hashes([bytes(unknown)])
