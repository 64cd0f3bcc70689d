"""All that `coulisse doctor` looks at, in the order in which it is mended."""

from __future__ import annotations

from collections.abc import Iterator

from coulisse.config import Config
from coulisse.node.checks.finding import Finding
from coulisse.node.checks.machine import check_machine
from coulisse.node.checks.servers import check_servers
from coulisse.node.checks.settings import check_settings


def examine(config: Config) -> Iterator[Finding]:
    """Look at everything; each finding comes as soon as it is there."""
    yield from check_settings(config)
    yield from check_machine(config)
    yield from check_servers(config)
