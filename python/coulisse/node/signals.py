"""Signals that stop a node: of a process that is one, and SIGTERM of a program that has one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Protocol


class Stoppable(Protocol):
    """What is stopped."""

    @property
    def stopping(self) -> asyncio.Event:
        """Set once it stops."""

    def stop(self) -> None:
        """Ask it to stop; returns at once."""


@contextlib.contextmanager
def stop_on_signals(node: Stoppable) -> Iterator[None]:
    """Stop the node cleanly on SIGINT and SIGTERM; a second signal ends the process at once."""
    loop = asyncio.get_running_loop()

    def asked(number: signal.Signals) -> None:
        if node.stopping.is_set():
            os._exit(128 + number)
        node.stop()

    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, asked, number)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def stopping_on_sigterm(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` on SIGTERM, where nobody else has asked for that signal.

    A program's own handler stays; only the main thread can have one at all.
    """
    is_free = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if threading.current_thread() is not threading.main_thread() or not is_free:
        yield
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
