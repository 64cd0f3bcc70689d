"""What doctor looks at: each thing that would harm a node is found, and told how to mend."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from coulisse.config import Config, GatewayConfig, load_config
from coulisse.log.files import segment_file
from coulisse.node.checks.finding import Finding
from coulisse.node.checks.machine import (
    SYNC_SLOW_US,
    check_clock,
    check_descriptors,
    check_disk,
    check_lock,
    check_processors,
    file_system_of,
    sync_finding,
)
from coulisse.node.checks.servers import (
    check_port,
    check_redis,
    check_series,
    check_store,
    health_at,
)
from coulisse.node.checks.settings import check_settings

MASTER_KEY = "5a" * 32
CANARY = "canary5ecret"


@pytest.fixture(autouse=True)
def clean_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("COULISSE_RECORDED_DIR", "COULISSE_SEED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COULISSE_SECRETS__MASTER_KEY", MASTER_KEY)


def states(findings: Iterable[Finding]) -> dict[str, str]:
    found = list(findings)
    assert all(one.mend for one in found if one.state in ("warn", "fail"))
    return {one.what: one.state for one in found}


def config(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Config:
    for name, value in variables.items():
        monkeypatch.setenv(f"COULISSE_{name}", value)
    return load_config()


def test_settings_that_are_sound_are_told_so() -> None:
    found = states(check_settings(load_config()))
    assert set(found.values()) <= {"ok", "skip"}
    assert found["settings.redis"] == "skip"


def test_a_node_without_a_master_key_or_with_one_that_others_read_would_not_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("COULISSE_SECRETS__MASTER_KEY")
    assert states(check_settings(load_config()))["settings.master_key"] == "fail"
    file = tmp_path / "master.key"
    file.write_text(MASTER_KEY)
    file.chmod(0o644)
    tree = config(monkeypatch, SECRETS__MASTER_KEY_FILE=str(file))
    assert states(check_settings(tree))["settings.master_key"] == "fail"
    file.chmod(0o600)
    assert states(check_settings(tree))["settings.master_key"] == "ok"


def test_what_a_start_would_refuse_is_found_and_only_a_warning_where_the_log_may_have_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    limit = '[{"kind": "order_qty", "subject": "NOPE-USD", "limit": "1"}]'
    tree = config(monkeypatch, RISK__LIMITS=limit, NODE__CPU="1023", LOG__DIR=str(tmp_path))
    found = states(check_settings(tree))
    assert (found["settings.listed"], found["settings.cpu"]) == ("fail", "fail")
    (tmp_path / segment_file(1)).touch()
    assert states(check_settings(tree))["settings.listed"] == "warn"


def test_an_env_file_that_others_may_read_is_found(tmp_path: Path) -> None:
    (tmp_path / ".env").touch(mode=0o600)
    assert "settings.env" not in states(check_settings(load_config()))
    (tmp_path / ".env").chmod(0o644)
    assert states(check_settings(load_config()))["settings.env"] == "warn"


def test_a_data_directory_that_is_a_file_or_open_to_others_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "open").mkdir(mode=0o755)
    for name, state in (("file", "fail"), ("open", "warn"), ("new", "ok")):
        tree = config(monkeypatch, LOG__DIR=str(tmp_path / name))
        assert states(check_settings(tree))["settings.data_dir"] == state, name


def test_what_can_be_reached_without_tls_what_is_not_synced_and_what_is_no_certificate_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tree = config(monkeypatch, GATEWAY__HOST="0.0.0.0", LOG__DURABILITY="os")
    found = states(check_settings(tree))
    assert found["settings.host"] == "warn" and found["settings.durability"] == "warn"
    tree = config(monkeypatch, GATEWAY__TRUSTED_PROXIES='["10.0.0.0/8"]')
    assert states(check_settings(tree))["settings.host"] == "ok"
    tree = config(monkeypatch, GATEWAY__TLS__CERTIFICATE=str(tmp_path / "a"), GATEWAY__TLS__KEY="b")
    assert states(check_settings(tree))["settings.tls"] == "fail"


def test_a_certificate_is_judged_by_how_long_it_lasts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for days, state in ((-1, "fail"), (5, "warn"), (300, "ok")):
        a_certificate(tmp_path, days)
        tree = config(
            monkeypatch,
            GATEWAY__TLS__CERTIFICATE=str(tmp_path / "crt"),
            GATEWAY__TLS__KEY=str(tmp_path / "key"),
        )
        assert states(check_settings(tree))["settings.tls"] == state, days


def a_certificate(directory: Path, days: int) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=10))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (directory / "crt").write_bytes(certificate.public_bytes(pem))
    own = directory / "key"
    own.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    own.chmod(0o600)


def test_a_clock_that_is_behind_the_journal_is_found(tmp_path: Path) -> None:
    assert "clock.journal" not in states(check_clock(tmp_path))
    segment = tmp_path / "journal-00000000000000000001.seg"
    segment.write_bytes(b"")
    assert states(check_clock(tmp_path))["clock.journal"] == "ok"
    later = segment.stat().st_mtime + 3_600
    os.utime(segment, (later, later))
    assert states(check_clock(tmp_path))["clock.journal"] == "fail"


def test_more_connections_than_files_may_be_open_and_a_processor_that_is_not_there_are_found() -> (
    None
):
    assert check_descriptors(GatewayConfig(connections_max=1)).state == "ok"
    assert check_descriptors(GatewayConfig(connections_max=1_000_000)).state in ("ok", "warn")
    absent = max(os.sched_getaffinity(0)) + 1
    tree = Config()
    wrong = tree.model_copy(update={"node": tree.node.model_copy(update={"cpu": absent})})
    assert states(check_settings(wrong))["settings.cpu"] == "fail"
    many = GatewayConfig(workers=64)
    assert check_processors(tree.model_copy(update={"gateway": many})).state == "warn"


def test_the_disk_is_written_to_and_nothing_stays(tmp_path: Path) -> None:
    found = states(check_disk(tmp_path / "not" / "there", 1 << 20))
    assert found["disk.sync"] in ("ok", "warn") and found["disk.space"] == "ok"
    assert list(tmp_path.iterdir()) == []
    assert states(check_disk(tmp_path, 1 << 60))["disk.space"] == "fail"


def test_times_of_syncs_are_judged_at_both_ends() -> None:
    assert sync_finding([2] * 50).state == "warn"
    assert sync_finding([200] * 49 + [90_000]).state == "ok"
    assert sync_finding([SYNC_SLOW_US + 1] * 50).state == "warn"


def test_the_file_system_is_that_of_the_deepest_mount() -> None:
    mounts = [
        "/dev/a / ext4 rw 0 0", "tmpfs /run tmpfs rw 0 0", "nas:/x /srv/my\\040data nfs4 rw 0 0",
        "/dev/b /srv ext4 rw 0 0",
    ]  # fmt: skip
    for place, kind in (
        ("/run/coulisse", "tmpfs"), ("/running", "ext4"), ("/srv/my data/log", "nfs4"),
        ("/", "ext4"),
    ):  # fmt: skip
        assert file_system_of(Path(place), mounts) == kind, place


def test_a_journal_that_is_in_use_is_told_from_one_that_is_not(tmp_path: Path) -> None:
    import fcntl

    assert "none yet" in check_lock(tmp_path).says
    with (tmp_path / "journal.lock").open("w") as lock:
        assert "no node runs" in check_lock(tmp_path).says
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "a node runs" in check_lock(tmp_path).says


def test_a_port_that_another_program_has_is_found(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        other.settimeout(0)
        taken = check_port(GatewayConfig(port=port), tmp_path)
        assert taken.state == "fail" and f":{port} is in use" in taken.says
        assert health_at(GatewayConfig(port=port)) is None
    assert check_port(GatewayConfig(port=port), tmp_path).state == "ok"
    assert check_port(GatewayConfig(port=0), tmp_path).state == "ok"


def test_servers_that_do_not_answer_are_told_without_their_passwords(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        tree = config(
            monkeypatch,
            STORE__DATABASE=f"postgresql://ann:{CANARY}@127.0.0.1:{port}/x",
            SERIES__DATABASE=f"questdb://ann:{CANARY}@127.0.0.1:{port}?pg={port}",
            REDIS__URL=f"redis://:{CANARY}@127.0.0.1:{port}/0",
        )
        found = [check_store(tree), check_series(tree), check_redis(tree)]
    assert [one.state for one in found] == ["warn", "warn", "warn"]
    assert not any(CANARY in one.says + one.mend for one in found)
    tree = config(monkeypatch, STORE__DATABASE="off", SERIES__DATABASE="off", REDIS__URL="off")
    assert {check_store(tree).state, check_series(tree).state, check_redis(tree).state} == {"skip"}
    tree = config(
        monkeypatch,
        STORE__DATABASE="sqlite",
        SERIES__DATABASE=f"sqlite:///{tmp_path}/s",
        LOG__DIR=str(tmp_path / "new"),
    )
    assert (check_store(tree).state, check_series(tree).state) == ("ok", "ok")
