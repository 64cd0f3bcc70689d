"""RFC 6455 and RFC 7692 as others read them: every case of the Autobahn suite, run by `kosoku`.

The suite wants its messages back, so it talks to `/v1/echo`, which only a setting opens; frames,
hold queue and transport are those of every other socket of the node.
"""

from __future__ import annotations

import gc
from collections import Counter

import kosoku
import pytest
from kosoku._kosoku import CaseResult

from .conftest import Server, Start

CASES_MIN = 301
STRICT_MIN = 290
DEFLATE_CASES = 90 + 126
"""Cases of permessage-deflate: of each 18 sizes, 1,000 messages up to 128 KiB."""
DEFLATE = ("12.*", "13.*")
SHORT = [
    *(f"12.{data}.4" for data in range(1, 6)),
    *(f"13.{offer}.1" for offer in range(1, 8)),
    "13.7.11",
]
"""1 KiB of each kind of data, 16 bytes for each kind of offer, 8 KiB in fragments of 256 bytes."""
LEAVES_FILES_OPEN = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
"""The suite's own cases of compressed messages do."""


async def _run(
    server: Server, path: str, cases: list[str] | None = None, without: list[str] | None = None
) -> list[CaseResult]:
    try:
        url = server.ws.replace("/v1/ws", path)
        return await kosoku.run_fuzzingclient(url, cases, without, 8)
    except kosoku.FailureError as error:
        # What was not implemented counts as failed there; what it says is judged here.
        return error.results
    finally:
        # What the suite left open is closed here, and not in a test that has nothing to do with it.
        gc.collect()


def _start(start: Start, deflate: bool = True) -> Server:
    more = {"COULISSE_GATEWAY__ECHO": "true", "COULISSE_GATEWAY__DEFLATE": str(deflate).lower()}
    return start("serve", "--port", "0", "--durability", "os", **more)


def _failed(results: list[CaseResult]) -> list[str]:
    return [
        f"{one.case_id}: {one.result} {one.result_close}"
        for one in results
        if not one.passed or one.behavior.value == "UNIMPLEMENTED"
    ]


async def test_no_websocket_case_of_autobahn_fails(start: Start) -> None:
    server = _start(start)
    results = await _run(server, "/v1/echo", without=list(DEFLATE))
    assert not _failed(results), "\n".join(_failed(results))
    verdicts = Counter(one.behavior.value for one in results)
    assert len(results) >= CASES_MIN and verdicts["OK"] >= STRICT_MIN, verdicts


@LEAVES_FILES_OPEN
async def test_no_short_case_of_compressed_messages_fails(start: Start) -> None:
    results = await _run(_start(start), "/v1/echo", SHORT)
    assert not _failed(results), "\n".join(_failed(results))
    assert Counter(one.behavior.value for one in results) == {"OK": len(SHORT)}


@pytest.mark.torture
@LEAVES_FILES_OPEN
async def test_no_case_of_compressed_messages_fails(start: Start) -> None:
    results = await _run(_start(start), "/v1/echo", list(DEFLATE))
    assert not _failed(results), "\n".join(_failed(results))
    assert Counter(one.behavior.value for one in results) == {"OK": DEFLATE_CASES}


@LEAVES_FILES_OPEN
async def test_without_the_setting_nothing_is_compressed(start: Start) -> None:
    results = await _run(_start(start, deflate=False), "/v1/echo", ["12.1.1", "13.1.1"])
    assert [one.behavior.value for one in results] == ["UNIMPLEMENTED"] * 2


async def test_the_suite_finds_a_server_that_does_not_send_back(start: Start) -> None:
    server = start("serve", "--port", "0", "--durability", "os")
    (result,) = await _run(server, "/v1/ws", ["1.1.2"])
    assert not result.passed
    with pytest.raises((kosoku.FailureError, OSError)):
        await kosoku.run_fuzzingclient(server.ws.replace("/v1/ws", "/v1/echo"), ["1.1.2"])
