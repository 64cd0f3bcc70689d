"""Logs: one JSON object a line, whoever writes it."""

from __future__ import annotations

import io
import json
import logging

from coulisse.telemetry.logs import logger


def test_what_a_library_says_is_one_object_a_line_whatever_is_in_it(written: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").warning('say "when"\n%s', "now\\")
    try:
        raise ValueError("a\nb")
    except ValueError:
        logging.getLogger("asyncio").exception("it failed")
    logger("gateway").warning("own", about='"\n')
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ['say "when"\nnow\\', "it failed", "own"]
    assert [line["level"] for line in lines] == ["warning", "error", "warning"]
    assert lines[0]["logger"] == "uvicorn.error"
    assert "ValueError" in lines[1]["exception"]
