"""Every Python decoder over its kept corpus, and over inputs bent from it by a fixed seed."""

from __future__ import annotations

import random

import pytest

from . import targets
from .corpus import FOLDER, pack, unpack
from .targets import INPUT_BYTES_MAX, TARGETS

BENT = 150
"""Bent inputs of one target: some seconds of all of them together."""


def _kept(name: str) -> list[bytes]:
    kept = list(unpack((FOLDER / f"{name}.corpus").read_bytes()))
    assert all(len(one) <= INPUT_BYTES_MAX for one in kept)
    return [*TARGETS[name].seeds, *kept]


def _bent(drawn: random.Random, one: bytes, other: bytes) -> bytes:
    changed = bytearray(one)
    for _ in range(drawn.randint(1, 4)):
        at = drawn.randint(0, len(changed))
        match drawn.randrange(4):
            case 0:
                del changed[at : at + drawn.randint(1, 16)]
            case 1:
                changed.insert(at, drawn.randrange(256))
            case 2:
                begin = drawn.randint(0, len(other))
                changed[at:at] = other[begin : begin + 32]
            case _:
                changed[at : at + 1] = bytes([drawn.randrange(256)])
    return bytes(changed[:INPUT_BYTES_MAX])


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_bytes_come_the_law_of_the_decoder_holds(name: str) -> None:
    inputs, drawn = _kept(name), random.Random(0xC0_0715)
    bent = (_bent(drawn, drawn.choice(inputs), drawn.choice(inputs)) for _ in range(BENT))
    for data in (*inputs, *bent):
        try:
            TARGETS[name].run(data)
        except BaseException as fault:
            fault.add_note(f"{name}: {data!r}")
            raise


def test_every_corpus_has_its_target_and_breaks_off_nowhere() -> None:
    assert {file.stem for file in FOLDER.glob("*.corpus")} == set(TARGETS)
    assert list(unpack(pack([b"two", b"", b"two"]))) == [b"", b"two"]
    with pytest.raises(ValueError, match="breaks off at byte 4"):
        list(unpack(pack([b""]) + b"\x05\x00\x00\x00two"))


def test_a_decoder_that_takes_too_much_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(symbol: str) -> str:
        return symbol.replace("/", "+")

    monkeypatch.setattr(targets, "wire_symbol", careless)
    with pytest.raises((AssertionError, ValueError)):
        test_whatever_bytes_come_the_law_of_the_decoder_holds("symbols")
