"""Logs: one JSON object a line, whoever writes it."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys

import pytest

from coulisse.telemetry.logs import logger, set_up_logs


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


PROGRAM = """
import {first}
from coulisse.telemetry.logs import logger

def fail():
    password = "canary" + "5ecret"
    raise ValueError("mine")

try:
    fail()
except ValueError:
    logger("gateway").exception("it failed")
import rich.console
"""


@pytest.mark.parametrize("first", ["rich", "structlog"])
def test_a_program_that_has_set_up_no_logs_is_shown_no_variables_in_tracebacks(first: str) -> None:
    program = PROGRAM.format(first=first)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert "it failed" in said and "ValueError: mine" in said
    assert "canary5ecret" not in said


@pytest.mark.usefixtures("written")
def test_a_log_that_nobody_reads_any_more_stops_nothing() -> None:
    closed = io.StringIO()
    closed.close()
    ours, theirs = os.pipe()
    os.close(ours)
    broken = open(theirs, "w", buffering=1)  # it cannot be closed as it should
    for stream in (closed, broken):
        set_up_logs(stream=stream)
        logger("gateway").warning("said to nobody")
        logging.getLogger("uvicorn.error").warning("nor this")
    with pytest.raises(BrokenPipeError):
        broken.close()


PROGRAM_WITHOUT_STDOUT = """
import sys
from coulisse.telemetry.logs import logger
sys.stdout.close()
logger("gateway").warning("said to nobody")
sys.stderr.write("it went on")
"""


def test_nor_where_a_program_has_closed_its_output() -> None:
    command = [sys.executable, "-c", PROGRAM_WITHOUT_STDOUT]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "it went on")
