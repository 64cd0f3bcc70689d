"""A PostgreSQL server of one's own for a while: on a free port, as a user that is not root.

For benchmarks, and for the tests of what a node does when its database goes.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg

from coulisse.bench.own_server import OwnServer, free_port
from coulisse.domain.errors import CoulisseError

START_S = 30.0
USER = "postgres"
PASSWORD = "not-for-the-log"


def binaries() -> Path:
    """Return where the newest server's programs are. Raises `CoulisseError` where there is none."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda one: int(one.parts[4])
    )
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    if on_path is None:
        raise CoulisseError("no PostgreSQL server is installed (Debian: postgresql)")
    return Path(on_path).resolve().parent


class Postgresql(OwnServer):
    """A PostgreSQL that can be stopped, killed and started again."""

    def __init__(self) -> None:
        """Make its files. Raises `CoulisseError`, `OSError`."""
        self._bin = binaries()
        super().__init__("pg")
        self._user = USER if os.geteuid() == 0 else None
        if self._user is not None:
            account = pwd.getpwnam(self._user)
            os.chown(self._dir, account.pw_uid, account.pw_gid)
        secret = self._dir / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        self._run(
            "initdb", "-D", str(self._data), "-U", "owner", "--auth", "scram-sha-256",
            "--pwfile", str(secret), "--no-sync", "--encoding", "UTF8", "--locale", "C",
        )  # fmt: skip
        self.port = free_port()
        self._made = 0

    @property
    def _data(self) -> Path:
        return self._dir / "data"

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._bin / program), *arguments],
            user=self._user, cwd=self._dir, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode != 0:
            raise CoulisseError(f"{program}: {done.stderr.strip()}")

    def start(self) -> None:
        """Start it and wait until it answers. Raises `CoulisseError`."""
        # A killed process is not a power cut: what the kernel has is not lost, synced or not.
        settings = {
            "fsync": "off",
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self._dir),
            "shared_buffers": "64MB",
        }
        chosen = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        give_up = time.monotonic() + START_S
        self._process = self._launch(chosen)
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=1).close()
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > give_up:
                    raise CoulisseError(f"postgres does not start: {error}") from None
            if self._process.poll() is not None:
                # The children of one that was killed hold its memory until they have seen that.
                self._process = self._launch(chosen)

    def _launch(self, chosen: list[str]) -> subprocess.Popen[bytes]:
        with (self._dir / "log").open("ab") as log:
            return subprocess.Popen(
                [str(self._bin / "postgres"), "-D", str(self._data), *chosen],
                user=self._user, cwd=self._dir, stdout=subprocess.DEVNULL, stderr=log,
            )  # fmt: skip

    def kill(self) -> None:
        """Kill it as the kernel does: its children end by themselves, its memory is lost."""
        super().kill()
        # Whoever starts next must find nobody: the lock file names a process that is gone.
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def stop(self) -> None:
        """Stop it at once."""
        self._end(signal.SIGQUIT)

    def remove(self) -> None:
        """Stop it, with its children, and remove all it had."""
        self.stop()
        super().remove()

    def url(self, database: str, user: str = "owner") -> str:
        """Return the address of a database."""
        return f"postgresql://{user}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """Make an empty database; return its address."""
        self._made += 1
        name = f"store{self._made}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return self.url(name)
