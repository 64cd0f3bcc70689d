"""Fills a store from beside the replica: a thread of the projector writes, the replica goes on.

The replica's thread gives rows (`put`) and looks at where the store is (`place`); this one
connects, writes, and when the store is gone tries again, ever more slowly.

    connecting ─▶ writing ─▶ down ─▶ connecting …      refused: the same, but somebody has to act

Invariant: rows are given only behind the place that the store was last seen at; whenever that is
lost, so are the rows that waited, and the replica is to begin again at the next place.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from coulisse import _core
from coulisse.node.pace import Pace, Worker
from coulisse.node.side_process import BACKOFF_FIRST_S, BACKOFF_MAX_S, State
from coulisse.store.errors import StoreError, StoreRefused
from coulisse.store.files import remove_files
from coulisse.store.sql.address import Address
from coulisse.store.sql.writer import Checkpoint, Writer, open_writer

QUEUED_MAX: Final = 2
"""Batches that wait for the store: while one is written, one more is made."""
LOOK_S: Final = 1.0
"""How often it is looked whether the store is there while there is nothing to write."""
MIGRATE_S: Final = 60.0
END_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """What is to be said about the store."""

    state: State
    seq: int | None
    """How far it is known to have come; None before that is known."""
    rows: int
    """Rows that this process wrote."""
    reason: str
    rebuilt: str
    """Why it was emptied last; nothing where it was not."""


class StoreFeed:
    """The thread that writes, and what it shares with the replica's."""

    def __init__(
        self,
        address: Address,
        genesis: bytes,
        pace: Pace,
        *,
        may_migrate: bool,
        is_own: Callable[[], bool],
    ) -> None:
        """Begin to connect to the store of the journal `genesis`.

        While `is_own` it is a file of this data directory alone, which the log can make again:
        where it holds something else it is made anew. What may be another's is refused.
        """
        self._address = address
        self._is_own = is_own
        self._worker = Worker("store-back", pace)
        self._genesis = genesis
        self._may_migrate = may_migrate
        self._changed = threading.Condition()
        self._queue: deque[_core.Rows] = deque()
        self._place: Checkpoint | None = None
        self._generation = 0
        self._refusal: str | None = None
        self._is_ending = False
        self._status = FeedStatus("connecting", None, 0, "", "")
        self._is_busy = False
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    @property
    def status(self) -> FeedStatus:
        """What is to be said about the store now."""
        return self._status

    @property
    def is_full(self) -> bool:
        """Whether more rows would have to wait for those that wait already."""
        return len(self._queue) >= QUEUED_MAX

    @property
    def is_idle(self) -> bool:
        """Whether the store has all that it was given."""
        return not self._queue and not self._is_busy

    def place(self) -> tuple[int, Checkpoint] | None:
        """Return where the store was when it was last connected to, and which time that was.

        None while there is no connection.
        """
        with self._changed:
            return None if self._place is None else (self._generation, self._place)

    def put(self, generation: int, rows: _core.Rows) -> bool:
        """Give rows that follow; return False where `generation` is over."""
        with self._changed:
            if self._place is None or generation != self._generation:
                return False
            self._queue.append(rows)
            self._changed.notify_all()
            return True

    def refuse(self, reason: str) -> None:
        """Give the store up as it is: the log says that it is not what it was filled from."""
        with self._changed:
            self._refusal = reason
            self._forget()
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait until there is room or the place is lost, but not longer than that."""
        with self._changed:
            if self.is_full:
                self._changed.wait(seconds)

    def drain(self, seconds: float) -> None:
        """Wait until all rows are written, or the place is lost, but not longer than that."""
        with self._changed:
            self._changed.wait_for(lambda: self.is_idle, seconds)

    def end(self) -> None:
        """End the thread; what waits is dropped, to be written by the next one."""
        with self._changed:
            self._is_ending = True
            self._queue.clear()
            self._changed.notify_all()
        self._thread.join(END_S)

    def _forget(self) -> None:
        self._place = None
        self._queue.clear()

    def _run(self) -> None:
        wait_s = BACKOFF_FIRST_S
        while not self._is_ending:
            before = self._status.rows
            try:
                self._live()
            except StoreRefused as error:
                if self._may_remove(error):
                    self._remove(str(error))
                    continue
                self._say("refused", reason=str(error))
            except StoreError as error:
                self._say("down", reason=str(error))
            # One that took something is soon asked again.
            wait_s = BACKOFF_FIRST_S if self._status.rows > before else wait_s
            with self._changed:
                self._forget()
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._is_ending, wait_s)
            wait_s = min(2 * wait_s, BACKOFF_MAX_S)

    def _may_remove(self, error: StoreRefused) -> bool:
        return error.code != "STORE_SCHEMA" and self._is_own()

    def _remove(self, reason: str) -> None:
        remove_files(self._address.target)
        self._status = FeedStatus("connecting", None, self._status.rows, "", reason)

    def _live(self) -> None:
        """Write until the connection or the place is lost. Raises `StoreError`."""
        writer = self._connect()
        try:
            with self._changed:
                self._place = writer.checkpoint
                self._generation += 1
                self._say("writing", seq=writer.checkpoint.seq)
            while not self._is_ending:
                rows = self._next()
                if rows is None:
                    # Nobody writes: whether the store is still there, and where it was, is asked.
                    writer.look()
                    continue
                self._worker.do(partial(writer.write, rows))
                with self._changed:
                    self._is_busy = False
                    written = self._status.rows + rows.count
                    self._say("writing", seq=rows.seq, rows=written)
                    self._changed.notify_all()
        finally:
            self._is_busy = False
            writer.close()

    def _next(self) -> _core.Rows | None:
        """Wait a while for rows. Raises `StoreRefused` where the replica refused the store."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._is_ending or self._refusal, LOOK_S)
            if self._refusal is not None:
                reason, self._refusal = self._refusal, None
                code, _, message = reason.partition(": ")
                raise StoreRefused(code, message)
            if self._is_ending or not self._queue:
                return None
            self._is_busy = True
            rows = self._queue.popleft()
            self._changed.notify_all()
            return rows

    def _connect(self) -> Writer:
        self._say("connecting", reason=self._status.reason)
        may_make = self._may_migrate
        try:
            return open_writer(self._address, self._genesis, may_make=may_make)
        except StoreRefused as error:
            if error.code != "STORE_SCHEMA" or not self._may_migrate:
                raise
        self._migrate()
        return open_writer(self._address, self._genesis)

    def _migrate(self) -> None:
        # What it loads would stay in this process for good.
        command = [sys.executable, "-m", "coulisse.store.sql.migrate"]
        try:
            done = subprocess.run(
                command, input=self._address.to_json(), text=True, timeout=MIGRATE_S,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise StoreError(f"its tables could not be made: {type(error).__name__}") from None
        if done.returncode != 0:
            raise StoreRefused(
                "STORE_SCHEMA", f"its tables could not be made: {done.stdout.strip()}"
            )

    def _say(
        self, state: State, *, seq: int | None = None, rows: int | None = None, reason: str = ""
    ) -> None:
        now = self._status
        self._status = FeedStatus(
            state=state,
            seq=now.seq if seq is None else seq,
            rows=now.rows if rows is None else rows,
            reason=reason,
            rebuilt=now.rebuilt,
        )
