"""What the processes beside a node have in common: how they live, what they are told and tell.

Such a process lives as long as its stdin: the node holds the other end, and a node that dies lets
go of it. It is told its settings as its one argument, and what may be secret by its environment. On
stdout it tells, one JSON object a line, how far it is and what went wrong.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Final, Generic, Literal, Self, TypeVar

from coulisse import _core
from coulisse.node.pace import Pace, Worker
from coulisse.store.errors import StoreDown, StoreError, StoreRefused

EXIT_FAILED: Final = 1
EXIT_DIVERGED: Final = 3
"""What the replica says differs from what the core said: nothing to try again."""
NOT_YET: Final = frozenset({"REPLICA_LOCKED", "JOURNAL_VOID"})
STATUS_INTERVAL_S: Final = 1.0
BACKOFF_FIRST_S: Final = 0.2
BACKOFF_MAX_S: Final = 10.0
State = Literal["connecting", "writing", "telling", "down", "refused"]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SideSettings:
    """What the node tells each of them."""

    data_dir: str

    def to_json(self) -> str:
        """Return the argument of the process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the argument of the process."""
        return cls(**json.loads(text))


@dataclass(slots=True)
class SideStatus:
    """How far what fills a database is."""

    state: State = "connecting"
    seq: int | None = None
    """How far it has come; None before that is known."""
    done: int = 0
    """Rows or messages of this process."""
    reason: str = ""


StatusT = TypeVar("StatusT", bound=SideStatus)
FoundT = TypeVar("FoundT")


class SideProcess(ABC, Generic[StatusT]):
    """Fills one database from a replica of its own, over all that becomes of that database."""

    def __init__(self, name: str, lifeline: Lifeline, status: StatusT) -> None:
        """Prepare to live until the node lets go; `name` is its thread's."""
        self._lifeline = lifeline
        self._status = status
        self._told_at_s = 0.0
        self._pace = Pace(time.monotonic)
        self._worker = Worker(name, self._pace)

    def run(self) -> None:
        """Live until the node lets go. Raises `CoreError` where the replica is at fault."""
        wait_s = BACKOFF_FIRST_S
        while True:
            before = self._status.done
            try:
                self._live()
                return
            except StoreRefused as error:
                if self._begins_anew(error):
                    continue
                self._say("refused", str(error))
            except StoreError as error:
                self._say("down", str(error))
            # One that took something is soon asked again.
            wait_s = BACKOFF_FIRST_S if self._status.done > before else wait_s
            if self._lifeline.is_cut(wait_s):
                return
            wait_s = min(2 * wait_s, BACKOFF_MAX_S)

    @abstractmethod
    def _live(self) -> None:
        """Connect, and fill until the node lets go. Raises `StoreError`, `CoreError`."""

    def _begins_anew(self, error: StoreRefused) -> bool:
        """Make the database anew, if it may; return whether to try again at once."""
        return False

    def _say(self, state: State, reason: str = "") -> None:
        self._status.state, self._status.reason = state, reason
        self._told_at_s = 0.0
        self._tell()

    def _tell(self) -> None:
        now_s = time.monotonic()
        if now_s >= self._told_at_s:
            self._told_at_s = now_s + STATUS_INTERVAL_S
            say(asdict(self._status))


def beside(read: Callable[[], FoundT]) -> FoundT:
    """Read the log beside the projector. Raises `StoreDown` if it is too early, `CoreError`."""
    try:
        return read()
    except _core.CoreError as error:
        if error.args[0] in NOT_YET:
            raise StoreDown("the node has published nothing yet") from None
        raise


def run_process(work: Callable[[], None]) -> int:
    """Do the work of a process; return its exit code."""
    # Who interrupts the node in a terminal interrupts its family too: the node decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        work()
    except _core.CoreError as error:
        code, message = str(error.args[0]), str(error.args[-1])
        say({"error": code, "message": message})
        return EXIT_DIVERGED if code == "REPLICA_DIVERGED" else EXIT_FAILED
    return 0


def say(fields: Mapping[str, object]) -> None:
    """Tell the node; where nobody listens any more, the lifeline is cut too."""
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps(fields), flush=True)
