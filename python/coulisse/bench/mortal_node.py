"""A node of one's own that can be killed, started again, and asked for an order: a real process."""

from __future__ import annotations

import contextlib
import json
import select
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from coulisse.bench.pinning import children
from coulisse.bench.servers import surroundings
from coulisse.client.client import Client
from coulisse.domain.errors import CoulisseError
from coulisse.domain.outcomes import OrderResult

COMMAND: Final = (sys.executable, "-m", "coulisse")
READY_S: Final = 120.0
STATE_S: Final = 300.0
LOOK_S: Final = 0.02
REQUEST_S: Final = 5.0
SYMBOL: Final = "BTC-USD"
FAR: Final = "1000.00"
"""A price at which a bid rests."""


@dataclass
class MortalNode:
    """A node over one data directory; one process of it runs at a time."""

    directory: Path
    """Where its settings, its log and its data directory are."""
    data: Path
    environment: Mapping[str, str]
    key_id: str
    private_key: str
    """Of who places the orders."""
    http: str = ""
    process: subprocess.Popen[str] | None = field(default=None, repr=False)
    family: list[int] = field(default_factory=list)
    """The processes of the one that was ended last."""

    @property
    def config(self) -> Path:
        """Its settings."""
        return self.directory / "coulisse.toml"

    @property
    def log(self) -> Path:
        """What it said on stderr since its last start."""
        return self.directory / "node.log"

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of `coulisse` as an operator types it."""
        named = {"COULISSE_URL": self.http, "COULISSE_KEY_FILE": str(self.directory / "key.toml")}
        return subprocess.run(
            [*COMMAND, *words], capture_output=True, text=True, cwd=self.directory,
            env={**self._environment(), **named},
        )  # fmt: skip

    def done(self, *words: str) -> str:
        """Run a command that must succeed. Raises `CoulisseError`."""
        ended = self.command(*words)
        if ended.returncode != 0:
            raise CoulisseError(f"coulisse {' '.join(words)}: {ended.stderr.strip()}")
        return ended.stdout

    def launch(self, **more: str) -> None:
        """Start it, and do not wait."""
        words = ["serve", "--json", "--port", "0", "--config", str(self.config)]
        with self.log.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [*COMMAND, *words, "--data-dir", str(self.data)],
                stdout=subprocess.PIPE, stderr=log, text=True, cwd=self.directory,
                env={**self._environment(), **more},
            )  # fmt: skip

    def ready(self) -> None:
        """Wait until it listens. Raises `CoulisseError` with what it said instead."""
        assert self.process is not None and self.process.stdout is not None, "it was launched"
        line = self.process.stdout.readline()
        if not line:
            self._reap()
            raise CoulisseError(self.said())
        self.http = str(json.loads(line)["http"]).rstrip("/")

    def said(self) -> str:
        """Return its last line on stderr."""
        lines = self.log.read_text(encoding="utf-8").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def told(self, event: str) -> dict[str, Any]:
        """Return the line of its log that says `event`."""
        for line in self.log.read_text(encoding="utf-8").splitlines():
            if line.startswith("{") and (said := json.loads(line))["event"] == event:
                return dict(said)
        raise CoulisseError(f"the node said no {event}")

    def kill(self) -> None:
        """Kill it: only what the kernel has stays. Its children end by themselves: `bury`."""
        assert self.process is not None, "it runs"
        self.family = [self.process.pid, *children(self.process.pid)]
        self.process.send_signal(signal.SIGKILL)
        self._reap()

    def bury(self) -> None:
        """Wait until all of its processes are gone."""
        await_that(lambda: not any(Path(f"/proc/{pid}").exists() for pid in self.family), "its end")

    def ended(self) -> bool:
        """Tell whether it has ended by itself."""
        return self.process is None or self.process.poll() is not None

    def stop(self) -> None:
        """Stop it as an operator does."""
        if self.process is not None:
            if self.process.poll() is None:
                self.family = [self.process.pid, *children(self.process.pid)]
            self.process.send_signal(signal.SIGTERM)
            self._reap()
            self.bury()

    def _reap(self) -> None:
        assert self.process is not None and self.process.stdout is not None, "it was launched"
        self.process.wait(READY_S)
        self.process.stdout.close()
        self.process = None

    def readiness(self) -> dict[str, Any]:
        """Return what `/readyz` says, whatever its status."""
        try:
            with urllib.request.urlopen(f"{self.http}/readyz", timeout=REQUEST_S) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            return dict(json.load(error))

    async def order(self) -> None:
        """Connect, log on, place an order that rests. Raises `CoulisseError`."""
        async with await self.client() as client:
            placed = await client.place(SYMBOL, "buy", "0.001", price=FAR)
        if not isinstance(placed, OrderResult):
            raise CoulisseError(f"the order was not taken: {placed}")

    async def client(self) -> Client:
        """Return a session of who places the orders."""
        return await Client.connect(
            self.http, key_id=self.key_id, private_key=self.private_key, request_timeout_s=REQUEST_S
        )

    async def open_orders(self) -> set[str]:
        """Return the client order ids of the orders that rest for who places them.

        Not the node's own ids: a log that was restored gives those out again.
        """
        async with await self.client() as client:
            return {order.client_order_id or "" for order in await client.open_orders()}

    async def orders(self) -> list[str]:
        """Place one order after another until one is not taken; return their client order ids.

        Only of those that were acknowledged.
        """
        acknowledged: list[str] = []
        client = await self.client()
        try:
            while True:
                placed = await client.place(SYMBOL, "buy", "0.001", price=FAR)
                if not isinstance(placed, OrderResult):
                    break
                acknowledged.append(placed.client_order_id or "")
        finally:
            with contextlib.suppress(CoulisseError):
                await client.close()
        return acknowledged

    def _environment(self) -> dict[str, str]:
        return {**surroundings(), **self.environment}


def await_that(holds: Callable[[], bool], what: str, patience_s: float = STATE_S) -> None:
    """Look again and again until it is so. Raises `CoulisseError`."""
    give_up = time.monotonic() + patience_s
    while not holds():
        if time.monotonic() > give_up:
            raise CoulisseError(f"waited {patience_s:.0f} s for {what}")
        select.select([], [], [], LOOK_S)
