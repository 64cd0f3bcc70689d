"""Processes that stand back behind the node."""

from __future__ import annotations

import os
import subprocess
import sys

from coulisse.node.backstage import NICE_MAX, stand_back

WAITS = [sys.executable, "-c", "import sys; sys.stdin.read()"]


def test_a_process_stands_back_before_its_first_line_and_on_its_own_processors() -> None:
    own, allowed = os.getpriority(os.PRIO_PROCESS, 0), os.sched_getaffinity(0)
    with subprocess.Popen(WAITS, stdin=subprocess.PIPE) as process:
        stand_back(process.pid, 7, {min(allowed)})
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == min(own + 7, NICE_MAX)
        assert os.sched_getaffinity(process.pid) == {min(allowed)}
        stand_back(process.pid, 100)
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == NICE_MAX
        assert os.sched_getaffinity(process.pid) == {min(allowed)}, "where it may is left as it is"
    assert os.getpriority(os.PRIO_PROCESS, 0) == own
    stand_back(process.pid, 7)  # it is gone: nothing is to be done
