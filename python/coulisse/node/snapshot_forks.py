"""Writes a replica down by forks of its process, so that the replica goes on meanwhile.

Where the replica is kept back, by a store that is slower than the log grows, the fork writes
another one down, which begins at the newest snapshot: a start has no more to apply again than what
has come since the last one was due, however far behind the store is.

Invariant: only a state whose event hash is the one that the core published at that seq is written.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from coulisse import _core
from coulisse.node.pace import RECORDS_PER_BURST, RECORDS_PER_TURN, Pace, Worker
from coulisse.node.side_process import EXIT_DIVERGED, EXIT_FAILED
from coulisse.store.sql.writer import Breathe

KEPT_BACK_S: Final = 5.0
"""A replica that met the core's hash nowhere for as long, and has more to apply, is kept back."""
ANSWER_BYTES: Final = 4_096
UNFINISHED: Final = "snapshot.tmp"
"""What a snapshot is called while it is written."""


@dataclass(slots=True)
class SnapshotStatus:
    """What has been written."""

    seq: int = 0
    """Of the newest one; 0 for none."""
    size: int = 0
    """Its bytes."""
    took_us: int = 0
    """From the first byte to the last sync."""
    written: int = 0
    failures: int = 0
    failure: str = ""


@dataclass(frozen=True, slots=True)
class _Writing:
    """A fork that writes a snapshot."""

    pid: int
    answer: int
    """Reads what it says at its end: seq, bytes and µs of the file, or why there is none; nothing
    where there was none to write."""


class SnapshotForks:
    """When a snapshot is due, and the fork that writes it."""

    def __init__(
        self,
        directory: Path,
        interval_s: float,
        kept: int,
        now_s: Callable[[], float],
        pace: Pace,
        needed_seq: Callable[[], int | None],
    ) -> None:
        """Write one each `interval_s`, and the first as late; keep the newest `kept`.

        The newest one that is not past `needed_seq` is kept besides.
        """
        self._directory = directory
        self._interval_s = interval_s
        self._kept = kept
        self._now_s = now_s
        self._pace = pace
        self._needed_seq = needed_seq
        self._due_s = now_s() + interval_s
        self._met_seq = 0
        self._met_s = now_s()
        """Where the replica last met the core's hash, and until when it had no more to apply."""
        self._writing: _Writing | None = None
        self.status = SnapshotStatus()

    @property
    def is_writing(self) -> bool:
        """Whether a fork lives: it holds the replica's lock too."""
        return self._writing is not None

    def look(self, replica: _core.Replica, start_seq: int) -> None:
        """Take in what a fork has done; begin the next if it is due.

        `start_seq` is the snapshot that is there already. Raises `CoreError` where what was to be
        written differs from what the core said.
        """
        self._see_whether_written()
        seq, met_seq, now_s = replica.seq, replica.compared_seq, self._now_s()
        newest_seq = max(self.status.seq, start_seq)
        if met_seq != self._met_seq or replica.durable_seq <= seq:
            self._met_seq, self._met_s = met_seq, now_s
        if self._writing is not None or now_s < self._due_s:
            return
        if met_seq == seq and seq > newest_seq:
            self._begin(lambda: replica)
        elif now_s >= self._met_s + KEPT_BACK_S and replica.durable_seq > newest_seq:
            self._begin(lambda: self._ahead_of(replica))

    def end(self) -> None:
        """Give up a snapshot that is being written."""
        if self._writing is not None:
            os.kill(self._writing.pid, signal.SIGKILL)
            os.waitpid(self._writing.pid, 0)
            os.close(self._writing.answer)
            self._writing = None
            (self._directory / UNFINISHED).unlink(missing_ok=True)

    def _begin(self, found: Callable[[], _core.Replica]) -> None:
        self._due_s = self._now_s() + self._interval_s
        answer, say = os.pipe()
        needed_seq = self._needed_seq()
        # The store's thread holds no lock of this process's own while this one runs Python.
        pid = os.fork()
        if pid == 0:
            self._write_and_exit(say, found, needed_seq)
        os.close(say)
        self._writing = _Writing(pid, answer)

    def _write_and_exit(
        self, say: int, found: Callable[[], _core.Replica], needed_seq: int | None
    ) -> None:
        code = EXIT_FAILED
        try:
            # The node must not take this process for its projector.
            os.close(sys.stdout.fileno())
            replica = found()
            if replica.compared_seq == replica.seq > 0:
                began_s = self._now_s()
                size = replica.write_snapshot(self._kept, needed_seq)
                took_us = int((self._now_s() - began_s) * 1e6)
                os.write(say, f"{replica.seq} {size} {took_us}".encode())
            code = 0
        except (_core.CoreError, OSError) as error:
            os.write(say, str(error.args[-1]).encode()[:ANSWER_BYTES])
            if error.args[0] == "REPLICA_DIVERGED":
                code = EXIT_DIVERGED
        finally:
            os._exit(code)

    def _ahead_of(self, replica: _core.Replica) -> _core.Replica:
        """Return one that has come from the newest snapshot to where the core is, if it says so."""
        ahead = replica.ahead()
        worker = Worker("snapshot-back", self._pace)
        while True:
            before = ahead.seq
            self._pace.look(lambda: ahead.durable_seq)
            worker.do(lambda breathe: self._approach(ahead, breathe))
            if ahead.seq in (before, ahead.compared_seq):
                return ahead

    def _approach(self, ahead: _core.Replica, breathe: Breathe) -> None:
        enough = ahead.seq + RECORDS_PER_TURN
        while ahead.seq < enough:
            breathe()
            limit = RECORDS_PER_BURST if self._pace.is_active else RECORDS_PER_TURN
            if ahead.catch_up(limit) < limit:
                return

    def _see_whether_written(self) -> None:
        writing = self._writing
        if writing is None:
            return
        pid, code = os.waitpid(writing.pid, os.WNOHANG)
        if pid == 0:
            return
        self._writing = None
        answer = os.read(writing.answer, ANSWER_BYTES).decode(errors="replace")
        os.close(writing.answer)
        exit_code = os.waitstatus_to_exitcode(code)
        if exit_code == EXIT_DIVERGED:
            raise _core.CoreError("REPLICA_DIVERGED", answer)
        if exit_code != 0:
            self.status.failures += 1
            self.status.failure = answer or f"the writing process ended with {exit_code}"
        elif answer:
            seq, size, took_us = map(int, answer.split())
            now = self.status
            now.seq, now.size, now.took_us, now.written = seq, size, took_us, now.written + 1
