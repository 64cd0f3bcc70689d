"""Whether the servers beside a node answer, and the node itself, where one runs."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, Final

from coulisse.config import Config, GatewayConfig
from coulisse.config.shown import masked
from coulisse.domain.errors import ConfigError, StartError
from coulisse.gateway.listener import bind
from coulisse.log.file import data_dir
from coulisse.node.checks.finding import Finding, broken, ok, skipped, warn
from coulisse.node.checks.machine import is_in_use
from coulisse.store.errors import StoreError
from coulisse.store.sql.address import Address, parse_address
from coulisse.store.timeseries.address import SeriesAddress, parse_series_address

TIMEOUT_S: Final = 2.0
POSTGRESQL_MIN: Final = 15
MIGRATE: Final = "coulisse store migrate"


def check_store(config: Config) -> Finding:
    """See that the store answers and is of a version that is written."""
    what = "servers.store"
    if config.store.address is None:
        return skipped(what, "off")
    try:
        address = parse_address(config.store.address, data_dir(config))
        if address.backend == "sqlite":
            return _file(what, address.target)
        return _postgresql(what, address, config.store.migrate)
    except ConfigError as error:
        return broken(what, str(error), "see docs/operating/configuration.md")
    except StoreError as error:
        mend = "start it, or mend store.database; a node trades without it and fills it later"
        return warn(what, str(error), mend)


def _postgresql(what: str, address: Address, migrates: bool) -> Finding:
    from coulisse.store.sql.migrate import newest_version
    from coulisse.store.sql.postgresql import connect, version

    with contextlib.closing(connect(address.target)) as connection:
        server, tables = connection.info.server_version // 10_000, version(connection)
    said = f"{address}: PostgreSQL {server}"
    if server < POSTGRESQL_MIN:
        return broken(what, said, f"PostgreSQL {POSTGRESQL_MIN} or newer is needed")
    newest = newest_version()
    if tables == newest:
        return ok(what, f"{said}, tables of version {tables}")
    said += ", no tables" if tables is None else f", tables of version {tables}, not {newest}"
    if migrates:
        return ok(what, f"{said}: the node makes them")
    return warn(what, said, f"{MIGRATE} as their owner")


def _file(what: str, target: str) -> Finding:
    file = Path(target).absolute()
    above = next(parent for parent in file.parents if parent.exists())
    place = file if file.exists() else above
    if not os.access(place, os.W_OK):
        return warn(what, f"{file} cannot be written", f"chown {place} to {os.getuid()}")
    return ok(what, f"{file}{'' if file.exists() else ': the node makes it'}")


def check_series(config: Config) -> Finding:
    """See that what holds the time series answers."""
    what = "servers.series"
    text = config.with_projector().series_database
    if text is None:
        return skipped(what, "off")
    try:
        address = parse_series_address(text, data_dir(config))
        return _file(what, address.file) if address.backend == "sqlite" else _questdb(what, address)
    except ConfigError as error:
        return broken(what, str(error), "see docs/operating/configuration.md")
    except (StoreError, OSError) as error:
        mend = "start it, or mend series.database; a node trades without it and fills it later"
        return warn(what, f"{masked(text)}: {error}", mend)


def _questdb(what: str, address: SeriesAddress) -> Finding:
    from coulisse.store.timeseries.questdb_sql import connect

    connect(address).close()
    # Rows go in by another port than they are read by.
    socket.create_connection((address.host, address.http_port), timeout=TIMEOUT_S).close()
    return ok(what, f"{address}: both ports answer")


def check_redis(config: Config) -> Finding:
    """See that the Redis answers."""
    what, url = "servers.redis", config.redis.address
    if url is None:
        return skipped(what, "off")
    from coulisse.store.redis.publisher import Publisher

    try:
        Publisher(url, config.redis.prefix).close()
    except StoreError as error:
        mend = "start it, or mend redis.url; a node trades without it and tells it anew later"
        return warn(what, f"{masked(url)}: {error}", mend)
    return ok(what, masked(url))


def check_port(gateway: GatewayConfig, directory: Path) -> Finding:
    """See that the port is free, or that the node of this data directory has it."""
    what, where = "port", f"{gateway.host}:{gateway.port}"
    if gateway.port == 0:
        return ok(what, "any that is free")
    try:
        bind(gateway).close()
    except StartError as error:
        health = health_at(gateway)
        if health is None:
            return broken(what, str(error), "stop it, or choose another with --port")
        if not _runs(directory):
            said = f"{where}: a node of another data directory has it"
            return broken(what, said, "stop it, or choose another with --port")
        return _node(what, where, health)
    return ok(what, f"{where} is free")


def _runs(directory: Path) -> bool:
    try:
        return is_in_use(directory)
    except OSError:
        return False


def _node(what: str, where: str, health: Mapping[str, Any]) -> Finding:
    said = f"{where}: a node of version {health.get('version')} runs there"
    if not health.get("ready"):
        return warn(what, f"{said} and takes no orders", "see `coulisse status`")
    if health.get("degraded"):
        return warn(what, f"{said}, and something beside it is not well", "see `coulisse status`")
    return ok(what, said)


def health_at(gateway: GatewayConfig) -> Mapping[str, Any] | None:
    """Return what a node says of itself on that port; None where no node answers."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(gateway.host, gateway.host)
    if gateway.tls is None:
        http = HTTPConnection(host, gateway.port, timeout=TIMEOUT_S)
    else:
        # Whose certificate it is was looked at in the files; here any will do.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        http = HTTPSConnection(host, gateway.port, timeout=TIMEOUT_S, context=context)
    try:
        http.request("GET", "/readyz")
        said = json.loads(http.getresponse().read())
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        http.close()
    return said if isinstance(said, dict) and "durable_seq" in said else None


def check_servers(config: Config) -> Iterator[Finding]:
    """Look at all of them."""
    yield check_port(config.gateway, data_dir(config))
    yield check_store(config)
    yield check_series(config)
    yield check_redis(config)
