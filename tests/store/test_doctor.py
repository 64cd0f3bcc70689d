"""What doctor says of real servers: which they are, how far their tables are, and no password."""

from __future__ import annotations

from pathlib import Path

import pytest

from coulisse.bench.postgresql_server import PASSWORD, Postgresql
from coulisse.bench.questdb_server import Questdb
from coulisse.config import Config, load_config
from coulisse.node.checks.finding import Finding
from coulisse.node.checks.servers import check_redis, check_series, check_store
from coulisse.store.sql.address import parse_address
from coulisse.store.sql.migrate import migrate

from .redis_server import RedisServer, is_installed


@pytest.fixture(autouse=True)
def clean_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def with_setting(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> Config:
    monkeypatch.setenv(f"COULISSE_{name}", value)
    return load_config()


def well(finding: Finding, password: str) -> str:
    assert finding.state == "ok", finding
    assert password not in finding.says
    return finding.says


def test_a_postgresql_is_told_by_its_version_and_that_of_its_tables(
    monkeypatch: pytest.MonkeyPatch, postgresql: Postgresql
) -> None:
    url = postgresql.new_database()
    tree = with_setting(monkeypatch, "STORE__DATABASE", url)
    said = well(check_store(tree), PASSWORD)
    assert "PostgreSQL 1" in said and "no tables: the node makes them" in said
    by_hand = with_setting(monkeypatch, "STORE__MIGRATE", "false")
    told = check_store(by_hand)
    assert told.state == "warn" and "coulisse store migrate" in told.mend
    migrate(parse_address(url, Path()))
    assert "tables of version" in well(check_store(by_hand), PASSWORD)


def test_a_questdb_answers_at_both_its_ports(
    monkeypatch: pytest.MonkeyPatch, questdb: Questdb
) -> None:
    tree = with_setting(monkeypatch, "SERIES__DATABASE", questdb.url)
    assert "both ports answer" in check_series(tree).says
    half = questdb.url.replace(questdb.url.split(":")[-1].split("?")[0], "9")
    assert check_series(with_setting(monkeypatch, "SERIES__DATABASE", half)).state == "warn"


@pytest.mark.skipif(not is_installed(), reason="redis-server is not installed")
def test_a_redis_answers_to_its_password_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    server = RedisServer()
    server.start()
    try:
        password = server.url.split(":")[2].split("@")[0]
        well(check_redis(with_setting(monkeypatch, "REDIS__URL", server.url)), password)
        wrong = server.url.replace(password, "canary5ecret")
        told = check_redis(with_setting(monkeypatch, "REDIS__URL", wrong))
        assert told.state == "warn" and "canary5ecret" not in told.says
    finally:
        server.remove()
