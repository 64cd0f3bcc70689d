"""What goes on beside the tests, and in which order they come, in one process or in several.

With `-n` pytest-xdist shares the tests out to worker processes. Each collects and orders all of
them; the process that was started as pytest, the controller, runs none.
"""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

BESIDE_HOME = pytest.StashKey[Path]()
"""A folder; what runs beside the tests (`integration/beside.py`) has one of its name in there."""
READERS = {
    "book_watch": "/test_book_feed.py::test_a_clients_book_equals_the_servers",
    "silent_peers": "/test_silent_peers.py::",
}
"""Its names, and the test that reads each."""
BEGUN = pytest.StashKey[set[str]]()
HOME_KEY = "beside_home"


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder of what runs beside; a worker is told it."""
    # Whoever runs this in the background may have had it ignored: then so would all that is begun.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    told = getattr(config, "workerinput", {}).get(HOME_KEY)
    if told is None:
        made = tempfile.TemporaryDirectory(prefix="coulisse-beside-")
        config.add_cleanup(made.cleanup)
        told = made.name
    config.stash[BESIDE_HOME] = Path(told)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """Tell a worker the folder of what runs beside."""
    node.workerinput[HOME_KEY] = str(node.config.stash[BESIDE_HOME])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, or all wait for it; end with who reads what runs beside."""
    items.sort(
        key=lambda item: (
            _reads_one(item.nodeid),
            item.get_closest_marker("begins_first") is None,
        )
    )


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start what a test of this process will read, if this is no worker."""
    if not hasattr(session.config, "workerinput") and not session.config.option.collectonly:
        _begin(session.config, [item.nodeid for item in session.items])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: WorkerController, ids: Sequence[str]) -> None:
    """Start what a worker will read: it must not end with the one that is done first."""
    _begin(node.config, ids)


def _reads_one(nodeid: str) -> bool:
    return any(reader in nodeid for reader in READERS.values())


def _begin(config: pytest.Config, ids: Sequence[str]) -> None:
    begun = config.stash.setdefault(BEGUN, set())
    for name, reader in READERS.items():
        if name not in begun and any(reader in nodeid for nodeid in ids):
            begun.add(name)
            _begin_one(config, name)


def _begin_one(config: pytest.Config, name: str) -> None:
    # Their imports are none of a unit test's business.
    from .integration.beside import Beside
    from .integration.silent_peers import OWN_NETWORK, can_have_networks

    is_apart = name == "silent_peers"
    if not is_apart or can_have_networks():
        prefix = OWN_NETWORK if is_apart else ()
        config.add_cleanup(Beside(config.stash[BESIDE_HOME] / name, name, prefix).end)
