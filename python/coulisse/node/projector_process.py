"""The projector as a process: follows the node's journal with its own replica, writes snapshots.

    python -m coulisse.node.projector_process '{"data_dir": …, …}'

It lives as long as its stdin: the node holds the other end, and a node that dies lets go of it. On
stdout it tells, one JSON object a line, how far it is and what went wrong. A snapshot is written by
a fork of this process, so that the replica goes on meanwhile.

Invariant: only a state whose event hash is the one that the core published at that seq is written.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Final, Self

from coulisse import _core

EXIT_FAILED: Final = 1
EXIT_DIVERGED: Final = 3
"""What the replica says differs from what the core said: nothing to try again."""
POLL_S: Final = 0.1
"""How often it looks whether the core has published more."""
STATUS_INTERVAL_S: Final = 1.0
RECORDS_PER_TURN: Final = 20_000
"""Records between two looks at stdin: some ten milliseconds."""
OPEN_TRIES_MAX: Final = 300
"""Looks, each `POLL_S` apart, for the one before to end and for the node to publish."""
NOT_YET: Final = frozenset({"REPLICA_LOCKED", "JOURNAL_VOID"})
ANSWER_BYTES: Final = 4_096


@dataclass(frozen=True, slots=True)
class Settings:
    """What the node tells its projector."""

    data_dir: str
    snapshot_interval_s: float
    snapshots_kept: int
    nice: int
    processors: tuple[int, ...]
    """Where it may run; empty: where the node may."""

    def to_json(self) -> str:
        """Return the argument of the process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the argument of the process."""
        fields = json.loads(text)
        return cls(**{**fields, "processors": tuple(fields["processors"])})


@dataclass(slots=True)
class Status:
    """How far the projector is."""

    seq: int = 0
    compared_seq: int = 0
    start_seq: int = 0
    """The snapshot it started from; 0 for none."""
    snapshot_seq: int = 0
    """The newest one it wrote; 0 for none."""
    snapshot_bytes: int = 0
    snapshot_us: int = 0
    """From the first byte to the last sync."""
    snapshots: int = 0
    snapshot_failures: int = 0
    snapshot_failure: str = ""
    memory_bytes: int = 0


@dataclass(frozen=True, slots=True)
class _Writing:
    """A fork that writes a snapshot."""

    pid: int
    seq: int
    answer: int
    """Reads what it says at its end: bytes and µs of the file, or why there is none."""


class Follower:
    """A replica, and when it is written down."""

    def __init__(
        self, replica: _core.Replica, settings: Settings, now_s: Callable[[], float]
    ) -> None:
        """Follow with `replica`; a first snapshot is due one interval from now."""
        self._replica = replica
        self._settings = settings
        self._now_s = now_s
        self._due_s = now_s() + settings.snapshot_interval_s
        self._writing: _Writing | None = None
        self.status = Status(start_seq=replica.snapshot_seq)

    def turn(self) -> bool:
        """Go on a little; return whether there is more. Raises `CoreError`."""
        applied = self._replica.catch_up(RECORDS_PER_TURN)
        self.status.seq = self._replica.seq
        self.status.compared_seq = self._replica.compared_seq
        self._see_whether_written()
        if self._is_due():
            self._begin()
        return applied == RECORDS_PER_TURN

    def end(self) -> None:
        """Give up a snapshot that is being written."""
        if self._writing is not None:
            os.kill(self._writing.pid, signal.SIGKILL)
            os.waitpid(self._writing.pid, 0)
            os.close(self._writing.answer)
            self._writing = None

    def _is_due(self) -> bool:
        seq = self._replica.seq
        newest = max(self.status.snapshot_seq, self.status.start_seq)
        is_compared = self._replica.compared_seq == seq
        return (
            self._writing is None and self._now_s() >= self._due_s and is_compared and seq > newest
        )

    def _begin(self) -> None:
        self._due_s = self._now_s() + self._settings.snapshot_interval_s
        answer, say = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._write_and_exit(say)
        os.close(say)
        self._writing = _Writing(pid, self._replica.seq, answer)

    def _write_and_exit(self, say: int) -> None:
        code = EXIT_FAILED
        try:
            # The node must not take this process for its projector.
            os.close(sys.stdout.fileno())
            began_s = self._now_s()
            size = self._replica.write_snapshot(self._settings.snapshots_kept)
            os.write(say, f"{size} {int((self._now_s() - began_s) * 1e6)}".encode())
            code = 0
        except (_core.CoreError, OSError) as error:
            os.write(say, str(error.args[-1]).encode()[:ANSWER_BYTES])
        finally:
            os._exit(code)

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
        if code == 0:
            self.status.snapshots += 1
            self.status.snapshot_seq = writing.seq
            size, took_us = answer.split()
            self.status.snapshot_bytes, self.status.snapshot_us = int(size), int(took_us)
        else:
            self.status.snapshot_failures += 1
            self.status.snapshot_failure = answer or f"the writing process ended with {code}"


class Lifeline:
    """Stdin, whose end is the end of the process."""

    def __init__(self) -> None:
        """Watch stdin."""
        self._selector = selectors.DefaultSelector()
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ)

    def is_cut(self, wait_s: float) -> bool:
        """Wait at most that long for the end; return whether it has come."""
        found = self._selector.select(wait_s)
        return bool(found) and not os.read(sys.stdin.fileno(), 1)


def say(fields: Mapping[str, object]) -> None:
    """Tell the node; where nobody listens any more, the lifeline is cut too."""
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps(fields), flush=True)


def open_replica(data_dir: str, lifeline: Lifeline) -> _core.Replica | None:
    """Open the replica, once it can be; None where the node went first. Raises `CoreError`."""
    for left in reversed(range(OPEN_TRIES_MAX)):
        try:
            return _core.Replica(data_dir=data_dir)
        except _core.CoreError as error:
            if error.args[0] not in NOT_YET or left == 0:
                raise
        if lifeline.is_cut(POLL_S):
            break
    return None


def follow(settings: Settings, lifeline: Lifeline) -> None:
    """Follow the journal until the node lets go. Raises `CoreError`."""
    replica = open_replica(settings.data_dir, lifeline)
    if replica is None:
        return
    for file, reason in replica.passed_over:
        say({"passed_over": file, "reason": reason})
    follower = Follower(replica, settings, time.monotonic)
    told, tell_at_s = Status(), 0.0
    try:
        more = False
        while not lifeline.is_cut(0.0 if more else POLL_S):
            more = follower.turn()
            follower.status.memory_bytes = memory_bytes()
            written = follower.status.snapshots != told.snapshots
            if follower.status != told and (written or time.monotonic() >= tell_at_s):
                told = Status(**asdict(follower.status))
                tell_at_s = time.monotonic() + STATUS_INTERVAL_S
                say(asdict(told))
    finally:
        follower.end()


def memory_bytes() -> int:
    """Return what this process has of the memory."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> int:
    """Run the process; return its exit code."""
    settings = Settings.from_json(sys.argv[1])
    # Who interrupts the node in a terminal interrupts its family too: the node decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(settings.nice)
    if settings.processors:
        os.sched_setaffinity(0, settings.processors)
    try:
        follow(settings, Lifeline())
    except _core.CoreError as error:
        code, message = str(error.args[0]), str(error.args[-1])
        say({"error": code, "message": message})
        return EXIT_DIVERGED if code == "REPLICA_DIVERGED" else EXIT_FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
