"""A Prometheus of one's own, which looks five times a second."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import yaml

from coulisse.bench.own_server import OwnServer, free_port

INTERVAL = "200ms"
START_S = 60.0


def is_installed() -> bool:
    return shutil.which("prometheus") is not None and shutil.which("promtool") is not None


class Prometheus(OwnServer):
    """It scrapes one node, and evaluates rules."""

    def __init__(self, target: str, rules: dict[str, str]) -> None:
        super().__init__("prometheus")
        for name, text in rules.items():
            (self._dir / name).write_text(text)
        said = {
            "global": {"scrape_interval": INTERVAL, "evaluation_interval": INTERVAL},
            "rule_files": [str(self._dir / name) for name in rules],
            "scrape_configs": [{"job_name": "coulisse", "static_configs": [{"targets": [target]}]}],
        }
        self._config = self._dir / "prometheus.yml"
        self._config.write_text(yaml.safe_dump(said))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it looks at the node: it begins with that some seconds later."""
        with Path(self._dir / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    "prometheus", f"--config.file={self._config}",
                    f"--storage.tsdb.path={self._dir / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        give_up = time.monotonic() + START_S
        while True:
            with contextlib.suppress(httpx.TransportError):
                ready = httpx.get(f"{self.url}/-/ready").status_code == 200
                if ready and self.ask("query", query="up == 1")["result"]:
                    return
            said = (self._dir / "log").read_text()
            assert self._process.poll() is None and time.monotonic() < give_up, said

    def ask(self, path: str, **params: object) -> Any:  # noqa: ANN401  # what the query asks for
        """Return `data` of an answer of its API."""
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=params)  # type: ignore[arg-type]
        said = answer.json()
        assert said["status"] == "success", said
        return said["data"]

    def values(self, expr: str, start_s: float) -> list[float]:
        """Return all samples of an expression since a time."""
        data = self.ask("query_range", query=expr, start=start_s, end=time.time(), step="0.5")
        return [float(value) for series in data["result"] for _, value in series["values"]]

    def has_seen(self, start_s: float) -> None:
        """Wait until it knows a core process that was started since a time."""
        query = f'coulisse_process_start_time_seconds{{process="core"}} > {start_s}'
        give_up = time.monotonic() + START_S
        while not self.ask("query", query=query)["result"]:
            assert time.monotonic() < give_up

    def firing(self) -> set[str]:
        """Return the alerts that fire now."""
        alerts = self.ask("alerts")["alerts"]
        return {one["labels"]["alertname"] for one in alerts if one["state"] == "firing"}
