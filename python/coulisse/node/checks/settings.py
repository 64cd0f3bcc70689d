"""Whether a node could start with its settings, as far as files alone can tell."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from coulisse.config import Config
from coulisse.config.shown import masked
from coulisse.domain.errors import ConfigError, StartError
from coulisse.gateway.tls import WARN_DAYS, check_pair
from coulisse.log.file import data_dir
from coulisse.log.files import segments
from coulisse.node.checks.finding import Finding, broken, ok, skipped, warn
from coulisse.node.seed_check import NoTables, check_seed
from coulisse.store.sql.address import parse_address
from coulisse.store.timeseries.address import parse_series_address

NEW_KEY: Final = "openssl rand -hex 32"


def check_settings(config: Config) -> Iterator[Finding]:
    """Look at what the settings name. They themselves have been read without a fault."""
    yield ok(
        "settings", f"read; {len(config.instruments)} instruments, {len(config.accounts)} accounts"
    )
    yield _listed(config)
    yield _cpu(config)
    yield _master_key(config)
    yield from _dotenv()
    yield _data_dir(data_dir(config))
    yield _durability(config)
    if config.gateway.tls is not None:
        yield _tls(config)
    yield _exposed(config)
    yield from _addresses(config)
    yield from _drivers(config)


def _listed(config: Config) -> Finding:
    """See that instruments, accounts and limits can be made, as a first start does."""
    what = "settings.listed"
    try:
        check_seed(NoTables(), config)
    except ConfigError as error:
        mend = "mend the file"
        if segments(data_dir(config)):
            return warn(what, f"{error}, unless the log has what it needs", mend)
        return broken(what, str(error), mend)
    return ok(what, f"{len(config.risk.limits)} limits, with all that they are about")


def _cpu(config: Config) -> Finding:
    what, cpu = "settings.cpu", config.node.cpu
    here = sorted(os.sched_getaffinity(0))
    if cpu is None or cpu in here:
        return ok(what, "wherever there is room" if cpu is None else f"the core runs on {cpu}")
    shown = ", ".join(map(str, here))
    return broken(what, f"node.cpu {cpu} is none of {shown}", "choose one of them")


def _dotenv() -> Iterator[Finding]:
    """See that nobody else reads the secrets of `.env`."""
    file = Path(".env")
    if file.is_file() and file.stat().st_mode & 0o077:
        yield warn("settings.env", f"{file.resolve()}: others may read it", f"chmod 600 {file}")


def _master_key(config: Config) -> Finding:
    what = "settings.master_key"
    try:
        if config.secrets.read() is not None:
            return ok(what, "there is one")
    except ConfigError as error:
        return broken(what, str(error), "mend the file, or set COULISSE_SECRETS__MASTER_KEY")
    return broken(
        what,
        "there is none, and `coulisse serve` does not start without",
        f"`coulisse init` draws one; or set COULISSE_SECRETS__MASTER_KEY to `{NEW_KEY}`'s",
    )


def _data_dir(directory: Path) -> Finding:
    what = "settings.data_dir"
    if directory.exists() and not directory.is_dir():
        return broken(what, f"{directory} is a file", "give a directory with --data-dir or log.dir")
    if not directory.exists():
        above = next(parent for parent in directory.parents if parent.exists())
        if not os.access(above, os.W_OK):
            return broken(
                what,
                f"{directory} is not there, and cannot be made in {above}",
                f"sudo install -d -m 700 -o $(id -un) {directory}",
            )
        return ok(what, f"{directory}: the first start makes it")
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        return broken(what, f"{directory} is not ours to write", f"chown it to {os.getuid()}")
    if directory.stat().st_mode & 0o077:
        return warn(
            what,
            f"{directory}: others may look into it, where it stands who owns what",
            f"chmod 700 {directory}",
        )
    return ok(what, str(directory))


def _durability(config: Config) -> Finding:
    what = "settings.durability"
    if config.log.durability == "fsync":
        return ok(what, "fsync: what is acknowledged survives a power cut")
    return warn(
        what,
        "os: a power cut takes what was acknowledged last",
        'set log.durability = "fsync", unless that is what is wanted',
    )


def _tls(config: Config) -> Finding:
    what = "settings.tls"
    assert config.gateway.tls is not None, "the settings ask for it"
    try:
        ends = check_pair(config.gateway.tls)
    except StartError as error:
        return broken(what, str(error), "see docs/operating/tls.md")
    left = ends - datetime.now(UTC)
    if left < timedelta(0):
        return broken(what, f"the certificate ended at {ends:%Y-%m-%d}", "renew it")
    if left < timedelta(days=WARN_DAYS):
        return warn(what, f"the certificate ends at {ends:%Y-%m-%d}", "renew it")
    return ok(what, f"the certificate lasts until {ends:%Y-%m-%d}")


def _exposed(config: Config) -> Finding:
    what = "settings.host"
    host = config.gateway.host
    if host in ("127.0.0.1", "::1", "localhost"):
        return ok(what, f"{host}: this machine alone")
    if config.gateway.tls is None and not config.gateway.trusted_proxies:
        return warn(
            what,
            f"{host} can be reached from elsewhere, without TLS and without a proxy before it",
            "set [gateway.tls], or gateway.trusted_proxies to the balancer that does TLS",
        )
    return ok(what, f"{host} can be reached from elsewhere")


def _addresses(config: Config) -> Iterator[Finding]:
    where = data_dir(config)
    series = config.with_projector().series_database
    for what, text, parse in (
        ("settings.store", config.store.address, parse_address),
        ("settings.series", series, parse_series_address),
    ):
        if text is None:
            yield skipped(what, "off")
            continue
        try:
            yield ok(what, str(parse(text, where)))
        except ConfigError as error:
            yield broken(what, str(error), "see docs/operating/configuration.md")
    redis = config.redis.address
    yield skipped("settings.redis", "off") if redis is None else ok("settings.redis", masked(redis))


def _drivers(config: Config) -> Iterator[Finding]:
    series = config.series_database or ""
    for extra, package, is_wanted in (
        ("redis", "redis", config.redis.address is not None),
        ("questdb", "questdb", series.startswith("questdb:")),
        ("otel", "opentelemetry", config.traces.endpoint is not None),
    ):
        if not is_wanted:
            continue
        what = f"versions.{extra}"
        if importlib.util.find_spec(package) is None:
            mend = f"pip install 'coulisse[{extra}]'"
            yield broken(what, f"the package {package} is not installed", mend)
        else:
            yield ok(what, "its package is installed")
