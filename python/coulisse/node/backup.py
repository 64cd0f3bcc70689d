"""Backups: a copy of the log at one seq, taken while the node runs, believed only once replayed.

    backup.json                  what it is: seq, hashes, and the size and SHA-256 of every file
    journal-….seg                the log, up to a seq that was durable
    snapshot-….snap              the newest snapshot up to there: a restored node starts the faster
    data_keys                    what opens the secrets of HMAC keys, encrypted with the master key
    audit….jsonl                 who logged on and what operators did

Everything else is made of the log again: store, time series, Redis. The master key and the
credentials of people are not in there, nor is any other secret that is not encrypted.

Invariant: `backup.json` is written last. A backup that has one was replayed from the log's first
record, or from its snapshot where the beginning is in the log's archive, and came to the hashes
that the running core had told.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final, Self

from coulisse import _core
from coulisse.domain.errors import CoulisseError
from coulisse.log.archive import held
from coulisse.log.file import make_data_dir
from coulisse.log.files import private_file, snapshots, sync_directory
from coulisse.node.comparison import Progress, no_progress, plainly
from coulisse.telemetry.audit import AuditFile

MANIFEST: Final = "backup.json"
FORMAT: Final = 1
DATA_KEYS: Final = "data_keys"
DATA_KEYS_LOCK: Final = "data_keys.lock"
TRIES: Final = 5
"""How often a copy is begun again because a key was made or revoked meanwhile."""
RECORDS_PER_CALL: Final = 50_000
CHUNK_BYTES: Final = 1 << 20
BESIDE: Final = frozenset({"lost+found"})
"""What an empty directory may hold: a file system of its own has it."""


@dataclass(frozen=True, slots=True)
class Copied:
    """One file of a backup."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup is."""

    format: int
    version: str
    """Of the program that made it."""
    made: str
    """When, in UTC."""
    genesis: str
    """Which journal; this and all hashes are hexadecimal."""
    epoch: int
    seq: int
    """The last record that is in it."""
    record_time: str
    """Of that record."""
    chain: str
    event_hash: str
    state_hash: str
    told_seq: int
    """Where the running core had told its event hash, and the replay came to it; 0: nowhere."""
    snapshot_seq: int
    """Of the snapshot in it; 0 for none."""
    start_seq: int
    """Where the replay began: 0, or the snapshot, where what lies before it is in the archive."""
    files: tuple[Copied, ...]

    def to_json(self) -> str:
        """Return it as text."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def read(cls, source: Path) -> Self:
        """Read that of a backup. Raises `CoulisseError`."""
        file = source / MANIFEST
        try:
            tree: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            if tree["format"] != FORMAT:
                raise CoulisseError(f"{file}: format {tree['format']} is not {FORMAT}")
            files = tuple(Copied(**one) for one in tree.pop("files"))
            for one in files:
                if Path(one.name).name != one.name:
                    raise CoulisseError(f"{file}: {one.name!r} is no file of a backup")
            return cls(**tree, files=files)
        except FileNotFoundError:
            raise CoulisseError(
                f"{source}: no backup: there is no {MANIFEST}, which is written last"
            ) from None
        except OSError as error:
            raise CoulisseError(f"{file}: {error.strerror}") from None
        except (ValueError, KeyError, TypeError) as error:
            raise CoulisseError(f"{file}: not what a backup has: {error}") from None


def make_backup(directory: Path, target: Path, progress: Progress = no_progress) -> Manifest:
    """Copy the log in `directory` to `target`, a new directory, and replay the copy.

    The node may run meanwhile. Raises `CoulisseError`; then `target` is empty again.
    """
    if not list(directory.glob("journal-*.seg")):
        raise CoulisseError(f"{directory}: there is no journal; say where with --data-dir")
    with _filled(target), _told():
        with held(directory):
            copied = _copy_consistently(directory, target)
            _copy_snapshot(directory, target, copied["last_seq"])
        for file in sorted(directory.glob("audit*.jsonl*")):
            _copy_file(file, target)
        manifest = _replayed(target, copied["told"], progress)
        text = manifest.to_json()
        _write_new(target / MANIFEST, text.encode())
        sync_directory(target)
    who = f"uid {os.getuid()}"
    row = {"what": "backup", "by": who, "seq": manifest.seq, "outcome": "done"}
    AuditFile(directory / "audit.jsonl").write([row])
    return manifest


def check_backup(source: Path, progress: Progress = no_progress) -> Manifest:
    """See that a backup is what it was when it was made, and replay it. Raises `CoulisseError`."""
    manifest = Manifest.read(source)
    _check_files(source, manifest)
    _check_replay(source, manifest, progress)
    return manifest


def restore(source: Path, directory: Path, progress: Progress = no_progress) -> Manifest:
    """Make a data directory of a backup, and replay it there.

    `directory` is a new or an empty one. The log goes on in a new epoch: what was acknowledged
    after the backup is lost, and clients that go on from there are told so. Raises `CoulisseError`;
    then `directory` is empty again.
    """
    manifest = Manifest.read(source)
    with _filled(directory):
        with _told():
            for one in manifest.files:
                _copy_file(source / one.name, directory)
        _check_files(directory, manifest)
        _check_replay(directory, manifest, progress)
        with _told():
            epoch = _core.renew_journal(str(directory))
        who = f"uid {os.getuid()}"
        row = {"what": "restore", "by": who, "seq": manifest.seq, "epoch": epoch, "outcome": "done"}
        AuditFile(directory / "audit.jsonl").write([row])
        sync_directory(directory)
    return manifest


@contextlib.contextmanager
def _filled(target: Path) -> Iterator[None]:
    """Make a directory that the body fills; where that fails it is empty again."""
    _make_empty(target)
    try:
        yield
    except BaseException:
        for file in target.iterdir():
            if file.name not in BESIDE:
                file.unlink()
        raise


def _make_empty(target: Path) -> None:
    """Make a directory for its owner alone; one that is there must be empty."""
    try:
        make_data_dir(target)
        found = sorted(path.name for path in target.iterdir() if path.name not in BESIDE)
    except OSError as error:
        raise CoulisseError(f"{target}: {error.strerror}") from None
    if found:
        raise CoulisseError(f"{target}: it must be empty, and has {found[0]} in it")


def _copy_consistently(directory: Path, target: Path) -> _core._Copied:
    """Copy the journal and the data keys of one moment: no key is made or revoked in between."""
    for _ in range(TRIES):
        before = _data_keys(directory)
        copied = _core.copy_journal(str(directory), str(target))
        if _data_keys(directory) == before:
            if before is not None:
                _write_new(target / DATA_KEYS, before)
            return copied
    raise CoulisseError(f"{directory}: keys are made and revoked all the time; try again")


def _data_keys(directory: Path) -> bytes | None:
    """Return the file of data keys, not while it is written; None where there is none."""
    file = directory / DATA_KEYS
    if not file.exists():
        return None
    with (directory / DATA_KEYS_LOCK).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return file.read_bytes()


def _copy_snapshot(directory: Path, target: Path, last_seq: int) -> None:
    """Copy the newest snapshot up to a seq that is whole, if there is one."""
    for seq, file in reversed(snapshots(directory).items()):
        if seq > last_seq:
            continue
        # The projector may remove it now: then an older one, or none, will do.
        with contextlib.suppress(FileNotFoundError):
            _copy_file(file, target)
            if _core.newest_snapshot(str(target), last_seq) is not None:
                return
            (target / file.name).unlink()


def _replayed(target: Path, told: tuple[int, bytes] | None, progress: Progress) -> Manifest:
    """Replay a copy, compare it with what the core has told, and say what it is."""
    replay = _core.CopyReplay(str(target))
    extent = replay.extent()
    if told is not None and told[0] < replay.start_seq:
        told = None
    if told is not None:
        _advance(replay, told[0], extent["last_seq"], progress)
        if replay.event_hash() != told[1]:
            raise CoulisseError(
                f"BACKUP_DIFFERS: at seq {told[0]} the core said other events than a replay of the "
                "copy makes: memory, processor or a program is at fault (docs/operating/backup.md)"
            )
    snapshot_seq = _compare_snapshot(target, replay, progress)
    _advance(replay, extent["last_seq"], extent["last_seq"], progress)
    time = datetime.fromtimestamp(replay.time_ns // 10**9, UTC)
    return Manifest(
        format=FORMAT,
        version=_core.VERSION,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        genesis=extent["genesis"].hex(),
        epoch=extent["epoch"],
        seq=extent["last_seq"],
        record_time=time.isoformat(),
        chain=extent["chain"].hex(),
        event_hash=replay.event_hash().hex(),
        state_hash=replay.state_hash().hex(),
        told_seq=0 if told is None else told[0],
        snapshot_seq=snapshot_seq,
        start_seq=replay.start_seq,
        files=tuple(_copied(file) for file in sorted(target.iterdir()) if file.is_file()),
    )


def _compare_snapshot(target: Path, replay: _core.CopyReplay, progress: Progress) -> int:
    """Compare the snapshot with a replay that has not passed it; return its seq, 0 for none."""
    last_seq = replay.extent()["last_seq"]
    found = _core.newest_snapshot(str(target), last_seq)
    if found is None:
        return 0
    seq, event_hash, state_hash = found
    if replay.start_seq:
        # The replay began with it.
        return seq
    if seq < replay.seq:
        # The core told its hash later than this, and that agrees: a replay of its own.
        replay = _core.CopyReplay(str(target))
    _advance(replay, seq, last_seq, progress)
    if (replay.event_hash(), replay.state_hash()) != (event_hash, state_hash):
        raise CoulisseError(f"BACKUP_DIFFERS: the snapshot at seq {seq} is not what a replay makes")
    return seq


def _advance(replay: _core.CopyReplay, to_seq: int, last_seq: int, progress: Progress) -> None:
    while replay.seq < to_seq:
        if replay.advance(RECORDS_PER_CALL, to_seq) == 0:
            raise CoulisseError(f"BACKUP_DIFFERS: the copy ends at seq {replay.seq}, not {to_seq}")
        progress(replay.seq, last_seq)


def _check_files(where: Path, manifest: Manifest) -> None:
    for one in manifest.files:
        file = where / one.name
        try:
            found = _copied(file)
        except OSError as error:
            raise CoulisseError(f"{file}: {error.strerror}") from None
        if found != one:
            raise CoulisseError(f"{file}: it is not what it was when the backup was made")


def _check_replay(where: Path, manifest: Manifest, progress: Progress) -> None:
    """Replay, and compare with what the manifest says."""
    with _told():
        replay = _core.CopyReplay(str(where))
        extent = replay.extent()
        _advance(replay, extent["last_seq"], extent["last_seq"], progress)
    found = {
        "genesis": extent["genesis"].hex(),
        "epoch": extent["epoch"],
        "seq": extent["last_seq"],
        "chain": extent["chain"].hex(),
        "event_hash": replay.event_hash().hex(),
        "state_hash": replay.state_hash().hex(),
        "start_seq": replay.start_seq,
    }
    for name, value in found.items():
        wanted = getattr(manifest, name)
        if value != wanted:
            raise CoulisseError(f"BACKUP_DIFFERS: {name} is {value}, and was {wanted}")


def _copy_file(file: Path, into: Path) -> None:
    with file.open("rb") as source, _written(into / file.name) as out:
        shutil.copyfileobj(source, out, CHUNK_BYTES)


def _write_new(file: Path, content: bytes) -> None:
    with _written(file) as out:
        out.write(content)


@contextlib.contextmanager
def _written(file: Path) -> Iterator[IO[bytes]]:
    """Write a new file; an error of writing, as a full disk's, names it as well."""
    try:
        with private_file(file, must_be_new=True) as out:
            yield out
    except OSError as error:
        if error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, str(file)) from None


def _copied(file: Path) -> Copied:
    with file.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256")
    return Copied(file.name, file.stat().st_size, digest.hexdigest())


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Tell what the core refuses, and what the system does, as errors for people."""
    try:
        with plainly():
            yield
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise CoulisseError(f"{where}{error.strerror or error}") from None


__all__: Sequence[str] = ("Manifest", "check_backup", "make_backup", "restore")
