"""What goes on beside the tests, and in which order they come, in one process or in several.

With `-n` pytest-xdist shares the tests out to worker processes. Each collects and orders all of
them; the process that was started as pytest, the controller, runs none.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

BOOK_WATCH_HOME = pytest.StashKey[Path]()
"""The folder of the watch that `integration/book_watch.py` tells of."""
BOOK_WATCH_READER = "/test_book_feed.py::test_a_clients_book_equals_the_servers"
WATCH_IS_ON = pytest.StashKey[bool]()
HOME_KEY = "book_watch_home"


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder of the watch; a worker is told it."""
    told = getattr(config, "workerinput", {}).get(HOME_KEY)
    if told is None:
        made = tempfile.TemporaryDirectory(prefix="coulisse-book-watch-")
        config.add_cleanup(made.cleanup)
        told = made.name
    config.stash[BOOK_WATCH_HOME] = Path(told)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """Tell a worker the folder of the watch."""
    node.workerinput[HOME_KEY] = str(node.config.stash[BOOK_WATCH_HOME])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, or all wait for it; end with the reader of the watch."""
    items.sort(
        key=lambda item: (
            _reads_watch(item.nodeid),
            item.get_closest_marker("begins_first") is None,
        )
    )


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the watch if a test of this process will read it, and this is no worker."""
    if not hasattr(session.config, "workerinput") and not session.config.option.collectonly:
        _watch(session.config, [item.nodeid for item in session.items])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: WorkerController, ids: Sequence[str]) -> None:
    """Start the watch if a worker will read it: it must not end with the one that is done first."""
    _watch(node.config, ids)


def _reads_watch(nodeid: str) -> bool:
    return BOOK_WATCH_READER in nodeid


def _watch(config: pytest.Config, ids: Sequence[str]) -> None:
    from .integration.book_watch import BookWatch  # its imports are none of a unit test's business

    if WATCH_IS_ON not in config.stash and any(map(_reads_watch, ids)):
        config.stash[WATCH_IS_ON] = True
        config.add_cleanup(BookWatch(config.stash[BOOK_WATCH_HOME]).end)
