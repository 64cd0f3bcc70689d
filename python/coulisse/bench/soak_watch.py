"""What the processes of a node hold, looked at again and again over a long run.

Memory is looked at as the kernel counts it: resident, anonymous, of files; and less often as a
share of what several processes have (PSS) and as what a process has alone (USS), because the
projector forks to write a snapshot. The fork itself is told apart: it comes and goes.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from coulisse.bench.pinning import children, cpu_s

INTERVAL_S: Final = 1.0
WIDE_EVERY: Final = 10
"""PSS and descriptors are looked at each so many times: reading them takes the kernel's lock of the
process for a moment."""
READY_EVERY: Final = 5
ANSWER_TIMEOUT_S: Final = 10.0
MODULES: Final = {
    b"projector_process": "projector",
    b"series_process": "series",
    b"redis_process": "redis",
    b"store_check": "store_check",
}
KB: Final = 1_024 / 1e6
"""In MB."""


@dataclass(slots=True)
class Held:
    """What a process holds, in MB, and its descriptors and threads; None where not looked at."""

    rss: float
    anon: float
    file: float
    """Mapped files and shared memory."""
    cpu_s: float
    threads: int
    pss: float | None = None
    uss: float | None = None
    fds: int | None = None


@dataclass(slots=True)
class Sample:
    """One look."""

    at_s: float
    """Since the run began."""
    life: int
    held: dict[str, Held]


@dataclass(slots=True)
class Place:
    """How far the log was, and what is made of it."""

    at_s: float
    log: int
    store: int | None
    series: int | None
    degraded: bool


@dataclass(slots=True)
class Watch:
    """Looks at a node once a second, on a thread of its own, until it is stopped."""

    began_s: float
    node: Callable[[], tuple[int, int, str] | None]
    """The node's life, pid and address; None while it is away."""
    samples: list[Sample] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    unanswered: int = 0
    """Looks at `/readyz` that were not answered though the node was there."""
    _over: threading.Event = field(default_factory=threading.Event)

    def look_until_stopped(self) -> None:
        """Look once a second."""
        count = 0
        while not self._over.wait(max(0.0, self._due_s(count) - time.monotonic())):
            found = self.node()
            count += 1
            if found is None:
                continue
            life, pid, url = found
            # It may end while it is looked at.
            with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
                held = family(pid, is_wide=count % WIDE_EVERY == 0)
                self.samples.append(Sample(self.now_s(), life, held))
            if count % READY_EVERY == 0:
                self._ask(url)

    def _due_s(self, count: int) -> float:
        return self.began_s + (count + 1) * INTERVAL_S

    def now_s(self) -> float:
        """Return how long the run has lasted."""
        return time.monotonic() - self.began_s

    def stop(self) -> None:
        """Look no more."""
        self._over.set()

    def _ask(self, url: str) -> None:
        try:
            self.places.append(place_of(url, self.now_s()))
        except (OSError, ValueError):
            self.unanswered += self.node() is not None


def place_of(url: str, at_s: float) -> Place:
    """Ask a node how far it and its databases are. Raises `OSError`."""
    with urllib.request.urlopen(f"{url}/readyz", timeout=ANSWER_TIMEOUT_S) as answer:
        said: dict[str, Any] = json.load(answer)
    store, series = said.get("store", {}).get("seq"), said.get("series", {}).get("seq")
    return Place(at_s, said["seq"], store, series, said["degraded"])


def family(pid: int, *, is_wide: bool) -> dict[str, Held]:
    """Return what each process of a node holds, by what it is.

    Raises `FileNotFoundError` or `ProcessLookupError` where one ends meanwhile.
    """
    return {name: _held(one, is_wide=is_wide) for name, one in _named(pid, "core")}


def _named(pid: int, name: str) -> Iterator[tuple[str, int]]:
    yield name, pid
    workers = 0
    for child in children(pid):
        command = Path(f"/proc/{child}/cmdline").read_bytes()
        # One that has ended and was not waited for has no command.
        if not command:
            continue
        found = next((named for module, named in MODULES.items() if module in command), "other")
        if b"worker_process" in command:
            workers += 1
            found = f"worker_{workers}"
        # What a process forks has its command.
        yield from _named(child, "snapshot" if found == name == "projector" else found)


def _held(pid: int, *, is_wide: bool) -> Held:
    folder = Path(f"/proc/{pid}")
    status = _numbers(folder / "status")
    held = Held(
        rss=status.get("VmRSS", 0) * KB,
        anon=status.get("RssAnon", 0) * KB,
        file=(status.get("RssFile", 0) + status.get("RssShmem", 0)) * KB,
        cpu_s=cpu_s(pid),
        threads=status.get("Threads", 0),
    )
    if is_wide:
        rollup = _numbers(folder / "smaps_rollup")
        held.pss = rollup.get("Pss", 0) * KB
        held.uss = (rollup.get("Private_Clean", 0) + rollup.get("Private_Dirty", 0)) * KB
        held.fds = len(os.listdir(folder / "fd"))
    return held


def _numbers(path: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in path.read_text().splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if words and words[0].isdecimal():
            found[name] = int(words[0])
    return found
