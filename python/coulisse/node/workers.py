"""The node's end of its gateway workers: starts them, starts again the one that died, ends them.

Each is a process with the port (SO_REUSEPORT), its sessions and a replica of the core; commands and
records go through a Unix socket in the data directory.

Invariant: whatever becomes of a worker, the node and the other workers go on. What became of it is
in the node's health and metrics.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from coulisse.config import Config, GatewayConfig
from coulisse.domain.errors import StartError
from coulisse.gateway.listener import bind
from coulisse.log.file import data_dir
from coulisse.node.lives import Backoff, pause
from coulisse.node.worker_process import Settings
from coulisse.telemetry.logs import logger
from coulisse.telemetry.metrics import Reading, Values

PROGRAM: Final = ("-m", "coulisse.node.worker_process")
READY_TIMEOUT_S: Final = 120.0
STOP_TIMEOUT_S: Final = 15.0
SILENCE_S: Final = 30.0
"""A worker that says nothing for so long hangs: it is killed and started again."""
SHARE_INTERVAL_S: Final = 1.0
"""How often the workers are told what to say of the node, and tell what they have counted."""
STATUS_BYTES_MAX: Final = 1 << 20

Shared = Callable[[], tuple[Mapping[str, object], Reading]]


def reserved(gateway: GatewayConfig) -> GatewayConfig:
    """Return `gateway` with a port that was free and that workers can share.

    Raises `StartError` where another program has it.
    """
    # With SO_REUSEPORT another node of the same user would share the port and nobody would know.
    with bind(gateway.model_copy(update={"reuse_port": False})) as alone:
        port = int(alone.getsockname()[1])
    return gateway.model_copy(update={"port": port, "reuse_port": True})


class Worker:
    """One worker, over all its lives."""

    def __init__(self, number: int, settings: Settings) -> None:
        """Prepare it; nothing runs yet."""
        self.number = number
        self.metrics: Values = {}
        """What it counts for itself."""
        self.drains = False
        """Whether it has said that it takes no new connections."""
        self.connections = 0
        """How many it had when it said so last."""
        self.is_up = asyncio.Event()
        self.restarts = 0
        self.reason = ""
        self.last_reason = ""
        """Why it ended last, as far as it said so."""
        self._settings = settings
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        self._ended.set()
        self._log = logger("workers")

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._process.pid if self._process is not None else None

    async def run(self) -> None:
        """Keep it alive until `end`. Cancelling it ends the process."""
        self._ended.clear()
        backoff = Backoff()
        loop = asyncio.get_running_loop()
        try:
            while not self._stopping.is_set():
                began_s = loop.time()
                try:
                    code = await self._live()
                except (OSError, ValueError, KeyError) as error:
                    # There is no memory for a process, say, or it said what nobody understands.
                    code, self.reason = -1, str(error)
                if self._stopping.is_set():
                    break
                wait_s = backoff.after(loop.time() - began_s)
                self.restarts += 1
                self.last_reason = self.reason
                self._log.warning(
                    "worker_died",
                    worker=self.number,
                    code=code,
                    reason=self.reason,
                    restart_in_s=wait_s,
                )
                await pause(self._stopping, wait_s)
        finally:
            self._ended.set()

    def tell(self, line: bytes) -> None:
        """Tell the process something; a process that is behind misses it."""
        process = self._process
        if process is None or process.stdin is None or process.stdin.is_closing():
            return
        if self.is_up.is_set() and process.stdin.transport.get_write_buffer_size() == 0:
            process.stdin.write(line)

    async def end(self) -> None:
        """Let it answer what is under way, and end it. Idempotent."""
        self._stopping.set()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self._ended.wait()
        except TimeoutError:
            if self._process is not None:
                self._process.kill()

    async def _live(self) -> int:
        """Run one process to its end; return its exit code."""
        self.reason = ""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *PROGRAM,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=STATUS_BYTES_MAX,
        )
        self._process = process
        assert process.stdout is not None and process.stdin is not None, "both are pipes"
        try:
            # Not an argument: everybody can read those, and it has the master key.
            process.stdin.write(self._settings.to_json().encode() + b"\n")
            if self._stopping.is_set():
                process.stdin.close()
            while line := await self._next_line(process.stdout):
                self._hear(line)
            return await process.wait()
        finally:
            self._process = None
            self.is_up.clear()
            self.metrics, self.drains, self.connections = {}, False, 0
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()

    async def _next_line(self, stdout: asyncio.StreamReader) -> bytes:
        """Return what it says next; nothing where it ends. Raises `OSError` where it hangs."""
        # A start may replay for long; after it there is a word each second.
        try:
            async with asyncio.timeout(SILENCE_S if self.is_up.is_set() else None):
                return await stdout.readline()
        except TimeoutError:
            raise OSError(f"it has said nothing for {SILENCE_S} s") from None

    def _hear(self, line: bytes) -> None:
        said = json.loads(line)
        if "error" in said:
            self.reason = str(said["error"])
        elif "ready" in said:
            self.is_up.set()
        elif "drains" in said:
            self.drains, self.connections = said["drains"], said["connections"]
        else:
            self.metrics = said["metrics"]


class Workers:
    """All workers of a node; none where the settings want none."""

    def __init__(self, config: Config, demo_key: Mapping[str, str] | None, shared: Shared) -> None:
        """Prepare them; `shared` says what each tells of the node: its health and its metrics."""
        self._config = config
        self._demo_key = demo_key
        self._shared = shared
        self._stopping = asyncio.Event()
        self._drains = ""
        """Why no new connections are taken, where none are."""
        self.all: list[Worker] = []

    @property
    def are_wanted(self) -> bool:
        """Whether there are to be some."""
        return self._config.gateway.workers > 0

    async def start(self, port: int, spawn: Callable[[Awaitable[None]], object]) -> None:
        """Start them on `port` and wait until all listen. Raises `StartError`."""
        gateway = self._config.gateway.model_copy(update={"port": port, "reuse_port": True})
        secret = self._config.secrets.read()
        for number in range(1, gateway.workers + 1):
            settings = Settings(
                number=number,
                data_dir=str(data_dir(self._config)),
                node=self._config.node.id,
                durability=self._config.log.durability,
                gateway=gateway.model_dump(mode="json"),
                people=self._config.people.rules(),
                master_key=None if secret is None else secret.hex(),
                demo_key=self._demo_key,
                series=self._config.series_database,
                store=self._config.store_database,
            )
            self.all.append(Worker(number, settings))
        for worker in self.all:
            spawn(worker.run())
        spawn(self._share())
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                for worker in self.all:
                    await worker.is_up.wait()
        except TimeoutError:
            reasons = "; ".join(worker.last_reason for worker in self.all if worker.last_reason)
            raise StartError(f"not every gateway worker has started: {reasons}") from None

    def drain(self, reason: str) -> None:
        """Let them take no new connections, and announce the end to those they have."""
        self._drains = reason

    @property
    def connections(self) -> int:
        """How many they have together, as they said last."""
        return sum(worker.connections for worker in self.all)

    @property
    def have_drained(self) -> bool:
        """Whether each that lives has said that it takes no new connections."""
        up = [worker for worker in self.all if worker.is_up.is_set()]
        return all(worker.drains for worker in up)

    async def end(self) -> None:
        """Let them answer what is under way, and end them. Idempotent."""
        self._stopping.set()
        await asyncio.gather(*(worker.end() for worker in self.all))

    def health(self) -> Mapping[str, object]:
        """Return what there is to say about them."""
        if not self.are_wanted:
            return {}
        up = sum(worker.is_up.is_set() for worker in self.all)
        restarts = sum(worker.restarts for worker in self.all)
        return {"workers": {"wanted": len(self.all), "up": up, "restarts": restarts}}

    def metrics(self) -> Values:
        """Return what there is to count of them."""
        if not self.are_wanted:
            return {}
        return {
            "workers_wanted": len(self.all),
            "workers_up": sum(worker.is_up.is_set() for worker in self.all),
            "workers_restarts_total": sum(worker.restarts for worker in self.all),
        }

    def counted(self) -> Mapping[str, Values]:
        """Return what each of them counts for itself, by its number."""
        return {str(worker.number): worker.metrics for worker in self.all if worker.metrics}

    def pids(self) -> Mapping[str, int | None]:
        """Return their processes, by the names that metrics give them."""
        return {f"worker-{worker.number}": worker.pid for worker in self.all}

    async def _share(self) -> None:
        while not self._stopping.is_set():
            health, reading = self._shared()
            metrics = reading.to_wire()
            said = {"health": health, "metrics": metrics, "drains": self._drains}
            line = json.dumps(said).encode() + b"\n"
            for worker in self.all:
                worker.tell(line)
            await pause(self._stopping, SHARE_INTERVAL_S)
