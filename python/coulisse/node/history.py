"""Answers questions of history from the store, away from the loop.

The core keeps who asked; here each question is put to the store by one of two threads, which start
with the first. A question that is not answered in time counts as the store being down, and what it
comes to later is nobody's.

Invariant: every question that was taken is answered once, whatever the store does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from coulisse import _core
from coulisse.store.errors import StoreDown, StoreError
from coulisse.store.sql.address import Address, parse_address
from coulisse.telemetry.logs import logger

if TYPE_CHECKING:
    from coulisse.store.sql.history import Asked, Page, Reader

THREADS: Final = 2
ANSWER_S: Final = 5.0
"""How long a question may take, the time that it waits for a thread with it."""


class Questions(Protocol):
    """The questions of a core, as `_core.History` has them."""

    @property
    def fd(self) -> int:
        """Readable when there are some."""

    def take(self) -> list[dict[str, object]]:
        """Take them."""

    def found(
        self, number: int, op: str, seq: int, rows: list[tuple[object, ...]],
        looked_to: tuple[int, int] | None = None,
    ) -> None:  # fmt: skip
        """Say what the store has."""

    def down(self, number: int) -> None:
        """Say that it cannot be read."""


class StoredHistory:
    """The store as sessions ask it."""

    def __init__(
        self, address: Address, data_dir: Path, is_refused: Callable[[], bool]
    ) -> None:  # fmt: skip
        """Prepare to read; `is_refused` tells whether it is known to be another log's."""
        self._address = address
        self._data_dir = data_dir
        self._is_refused = is_refused
        self._log = logger("history")
        self._reader: Reader | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._questions: Questions | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._open: set[int] = set()
        self._is_down = False

    def attach(self, questions: Questions) -> None:
        """Answer the questions of a core from now on, on the running loop."""
        self._questions, self._loop = questions, asyncio.get_running_loop()
        self._loop.add_reader(questions.fd, self._take)

    def close(self) -> None:
        """Answer no more; what is being read is not waited for. Idempotent."""
        if self._questions is None or self._loop is None:
            return
        self._loop.remove_reader(self._questions.fd)
        self._questions = None
        self._open.clear()
        if self._pool is not None:
            if self._reader is not None:
                self._pool.submit(self._reader.close)
            self._pool.shutdown(wait=False)

    def _take(self) -> None:
        # Loaded with the first question: a node that is never asked needs none of it.
        from coulisse.store.sql.history import Asked

        assert self._questions is not None and self._loop is not None, "it is attached"
        if self._pool is None:
            self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="history")
        for said in self._questions.take():
            asked = Asked(**{**said, "orders": tuple(said["orders"])})  # type: ignore[arg-type]
            self._open.add(asked.number)
            late = self._loop.call_later(ANSWER_S, self._give_up, asked.number)
            done = self._loop.run_in_executor(self._pool, self._read, asked)
            done.add_done_callback(partial(self._tell, asked, late))

    def _read(self, asked: Asked) -> Page:
        """Ask the store; on a thread. Raises `StoreError` and `CoreError`."""
        from coulisse.store.sql.history import open_reader

        if asked.number not in self._open:
            raise StoreDown("nobody waits for it any more")
        if self._is_refused():
            raise StoreDown("it is not the store of this log")
        if self._reader is None:
            genesis, _ = _core.log_end(str(self._data_dir))
            self._reader = open_reader(self._address, genesis)
        return self._reader.page(asked)

    def _tell(
        self, asked: Asked, late: asyncio.TimerHandle, done: asyncio.Future[Page]
    ) -> None:  # fmt: skip
        late.cancel()
        if done.cancelled():
            return
        error = done.exception()
        if self._questions is None or asked.number not in self._open:
            return
        self._open.discard(asked.number)
        if error is None:
            page = done.result()
            self._questions.found(asked.number, asked.op, page.seq, page.rows, page.looked_to)
            self._note(None)
        elif isinstance(error, StoreError | _core.CoreError):
            self._questions.down(asked.number)
            self._note(str(error))
        else:
            self._questions.down(asked.number)
            self._log.error("history_failed", op=asked.op, exc_info=error)

    def _give_up(self, number: int) -> None:
        if self._questions is None or number not in self._open:
            return
        self._open.discard(number)
        self._questions.down(number)
        self._note("it does not answer in time")

    def _note(self, reason: str | None) -> None:
        """Log when the store begins to be of no use, and when that is over."""
        if reason is not None and not self._is_down:
            self._log.warning("history_down", reason=reason)
        elif reason is None and self._is_down:
            self._log.info("history_up")
        self._is_down = reason is not None


def stored_history(
    database: str | None, data_dir: Path, is_refused: Callable[[], bool]
) -> StoredHistory | None:
    """Return what reads the store of a setting; None where there is none."""
    if database is None:
        return None
    return StoredHistory(parse_address(database, data_dir), data_dir, is_refused)
