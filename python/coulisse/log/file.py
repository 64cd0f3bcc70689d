"""The embedded log: a journal in the data directory, with the core on top of it.

Opening recovers and replays; what goes wrong is told in one line, with what to do about it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from coulisse import _core
from coulisse.config import Config, GatewayConfig
from coulisse.domain.errors import StartError
from coulisse.telemetry.logs import logger

DEFAULT_DIR = Path("coulisse-data")
_ADVICE = {
    "JOURNAL_LOCKED": "another node uses this data directory; stop it, or give another --data-dir",
    "JOURNAL_CORRUPT": "the journal is damaged and was not touched; restore it from a copy",
    "JOURNAL_VERSION": "another version wrote it, and it was not touched: see "
    "docs/operating/upgrades.md",
    "JOURNAL_POISONED": "this build breaks on its own log: see docs/operating/poison.md",
    "SECRETS": "give the master key that this data directory was used with",
    "LOG_GONE": "what lies before is in the archive, or was: see docs/operating/log.md",
    "JOURNAL_IO": "the data directory cannot be read or written",
}


def data_dir(config: Config) -> Path:
    """Return where the log of this configuration is."""
    return (config.log.dir or DEFAULT_DIR).absolute()


def archive_dir(config: Config) -> Path | None:
    """Return where segments are put that nothing goes on from; None where all stay."""
    return None if config.log.archive is None else config.log.archive.absolute()


def refuse_file(directory: Path) -> None:
    """See that nothing but a directory stands there, if anything does. Raises `StartError`."""
    # What cannot be looked at is told when it is opened.
    with contextlib.suppress(OSError):
        for one in (directory, *directory.parents):
            if one.exists() and not one.is_dir():
                raise StartError(f"{one}: this is a file; the data directory must be a directory")


def make_data_dir(directory: Path) -> None:
    """Make the data directory where there is none yet. Raises `StartError`, `OSError`."""
    refuse_file(directory)
    # What is in there is whose money is whose: nobody else's to read.
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.access(directory, os.W_OK):
        raise StartError(f"{directory}: not writable")


def open_core(config: Config, gateways: Sequence[GatewayConfig]) -> _core.Core:
    """Open the journal, recover, replay what the newest snapshot lacks.

    Blocks: call it before the loop has anything to do. Host names and origins of all `gateways`
    are good on each: a connection does not know its port.

    Raises `StartError` in one line.
    """
    hosts = dict.fromkeys(name for gateway in gateways for name in gateway.host_names)
    origins = dict.fromkeys(origin for gateway in gateways for origin in gateway.origins)
    directory = data_dir(config)
    try:
        make_data_dir(directory)
        core = _core.Core(
            data_dir=str(directory),
            durability=config.log.durability,
            segment_bytes=config.log.segment_bytes,
            node=config.node.id,
            host=",".join(hosts),
            origins=",".join(origins),
            hash_seed=secrets.randbits(64),
            master_key=config.secrets.read(),
        )
        # A node has one door, whose rules the first gateway says.
        core.set_rules(**gateways[0].rules(), echo=any(gateway.echo for gateway in gateways))
        core.set_people(**config.people.rules())
        for file, reason in core.snapshots_passed_over:
            logger("log").warning("snapshot_passed_over", file=file, reason=reason)
        _tell_of_voids(core)
        return core
    except OSError as error:
        raise StartError(f"{directory}: {error.strerror}") from None
    except _core.CoreError as error:
        code, message = str(error.args[0]), str(error.args[-1])
        advice = f" ({_ADVICE[code]})" if code in _ADVICE else ""
        raise StartError(f"{directory}: {code}: {message}{advice}") from None


def _tell_of_voids(core: _core.Core) -> None:
    """Raise the alarm for what this start made void; tell of what an earlier one did."""
    for seq, symbol, is_new in core.voided:
        log = logger("log")
        say = log.error if is_new else log.warning
        say("record_voided" if is_new else "record_is_void", seq=seq, instrument=symbol)
