"""RFC 6455 as others read it: every WebSocket case of the Autobahn suite, run by `kosoku`.

The suite wants its messages back, so it talks to `/v1/echo`, which only a setting opens; frames,
hold queue and transport are those of every other socket of the node.
"""

from __future__ import annotations

from collections import Counter

import kosoku
import pytest
from kosoku._kosoku import CaseResult

from .conftest import Server, Start

CASES_MIN = 517
STRICT_MIN = 290
DEFLATE = ("12.", "13.")
"""Cases of permessage-deflate, which the node never agrees to."""


async def _run(server: Server, path: str, cases: list[str] | None = None) -> list[CaseResult]:
    try:
        url = server.ws.replace("/v1/ws", path)
        return await kosoku.run_fuzzingclient(url, cases, None, 8)
    except kosoku.FailureError as error:
        # What was not implemented counts as failed there; what it says is judged here.
        return error.results


# The suite's own cases of deflate leave files of theirs open.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_no_websocket_case_of_autobahn_fails(start: Start) -> None:
    server = start("serve", "--port", "0", "--durability", "os", COULISSE_GATEWAY__ECHO="true")
    results = await _run(server, "/v1/echo")
    ran = [one for one in results if one.behavior.value != "UNIMPLEMENTED"]
    failed = [f"{one.case_id}: {one.result} {one.result_close}" for one in ran if not one.passed]
    assert not failed, "\n".join(failed)
    left_out = [one.case_id for one in results if one not in ran]
    assert all(case.startswith(DEFLATE) for case in left_out), left_out
    verdicts = Counter(one.behavior.value for one in results)
    assert len(results) >= CASES_MIN and verdicts["OK"] >= STRICT_MIN, verdicts


async def test_the_suite_finds_a_server_that_does_not_send_back(start: Start) -> None:
    server = start("serve", "--port", "0", "--durability", "os")
    (result,) = await _run(server, "/v1/ws", ["1.1.2"])
    assert not result.passed
    with pytest.raises((kosoku.FailureError, OSError)):
        await kosoku.run_fuzzingclient(server.ws.replace("/v1/ws", "/v1/echo"), ["1.1.2"])
