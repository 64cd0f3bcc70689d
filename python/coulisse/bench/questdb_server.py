"""A QuestDB server of one's own for a while, on free ports: for benchmarks and tests.

Maven fetches its one archive, in the version that stands here, into `target/questdb` under the
working directory; it runs on Java 17 or newer.
"""

from __future__ import annotations

import select
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

import psycopg

from coulisse.bench.own_server import OwnServer, free_port
from coulisse.domain.errors import CoulisseError
from coulisse.store.timeseries.address import DEFAULT_USER

VERSION: Final = "9.3.4"
CACHE: Final = Path("target") / "questdb"
FETCH_S: Final = 240.0
START_S: Final = 120.0
LOOK_S: Final = 0.1
MEMORY_MB: Final = 512


def archive() -> Path:
    """Return the server's archive, fetched where it is not here. Raises `CoulisseError`."""
    file = (CACHE / f"questdb-{VERSION}.jar").resolve()
    for program, package in (("java", "default-jre-headless"), ("mvn", "maven")):
        if shutil.which(program) is None and not (program == "mvn" and file.is_file()):
            raise CoulisseError(f"QuestDB needs {program}, which is not here (Debian: {package})")
    if file.is_file():
        return file
    # Into a folder of its own: half an archive must never stand where a whole one is looked for.
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as directory:
        command = ["mvn", "-q", "-B", "dependency:copy", f"-DoutputDirectory={directory}"]
        command.append(f"-Dartifact=org.questdb:questdb:{VERSION}")
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_S)
        except subprocess.TimeoutExpired:
            raise CoulisseError(f"Maven has not brought QuestDB within {FETCH_S:.0f} s") from None
        if done.returncode != 0:
            said = (done.stdout.strip() or done.stderr.strip()).splitlines()
            raise CoulisseError(f"Maven: {said[0] if said else 'failed'}")
        (Path(directory) / file.name).replace(file)
    return file


class Questdb(OwnServer):
    """A QuestDB that can be stopped, killed and started again."""

    def __init__(self) -> None:
        """Make its files. Raises `CoulisseError`."""
        self._archive = archive()
        super().__init__("questdb")
        self.http_port, self.pg_port = free_port(), free_port()
        settings = {
            "http.bind.to": f"127.0.0.1:{self.http_port}",
            "pg.net.bind.to": f"127.0.0.1:{self.pg_port}",
            "line.tcp.enabled": "false",
            "http.min.enabled": "false",
            "telemetry.enabled": "false",
            "shared.worker.count": "1",
        }
        (self._dir / "conf").mkdir()
        lines = [f"{name}={value}\n" for name, value in settings.items()]
        (self._dir / "conf" / "server.conf").write_text("".join(lines))

    @property
    def url(self) -> str:
        """The setting that names it."""
        user, password = DEFAULT_USER
        return f"questdb://{user}:{password}@127.0.0.1:{self.http_port}?pg={self.pg_port}"

    def launch(self) -> None:
        """Start it, and do not wait."""
        command = ["java", "-Xms64m", f"-Xmx{MEMORY_MB}m", "-p", str(self._archive), "-m"]
        command += ["io.questdb/io.questdb.ServerMain", "-d", str(self._dir)]
        with (self._dir / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def start(self) -> None:
        """Start it and wait until it answers. Raises `CoulisseError`."""
        self.launch()
        give_up = time.monotonic() + START_S
        while True:
            try:
                self.connect().close()
                return
            except psycopg.OperationalError as error:
                assert self._process is not None, "it was launched"
                if self._process.poll() is not None or time.monotonic() > give_up:
                    raise CoulisseError(f"QuestDB does not start: {error}") from None
            select.select([], [], [], LOOK_S)

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """Connect, as somebody who reads."""
        user, password = DEFAULT_USER
        return psycopg.connect(
            host="127.0.0.1", port=self.pg_port, user=user, password=password, dbname="qdb",
            autocommit=True, connect_timeout=2, prepare_threshold=None,
        )  # fmt: skip

    def stop(self) -> None:
        """Stop it."""
        self._end(signal.SIGTERM)
