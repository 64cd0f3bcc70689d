"""What is shown of settings: every value, where it comes from, and no secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coulisse.config import load_config
from coulisse.config.shown import masked, shown
from coulisse.config.sources import Setting, settings_of
from coulisse.domain.errors import ConfigError

CANARY = "canary5ecret"
MASTER_KEY = "ca" * 32


@pytest.fixture(autouse=True)
def clean_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("COULISSE_RECORDED_DIR", "COULISSE_SEED"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("secret", "seen"),
    [
        ("off", "off"),
        ("sqlite", "sqlite"),
        ("sqlite:///var/store.sqlite3", "sqlite:///var/store.sqlite3"),
        (f"postgresql://ann:{CANARY}@db:5432/trades", "postgresql://***@db:5432/trades"),
        (f"postgresql://ann:a@{CANARY}@db/trades", "postgresql://***@db/trades"),
        (f"postgresql://db/trades?password={CANARY}", "postgresql://db/trades?***"),
        (f"redis://:{CANARY}@cache:6379/0", "redis://***@cache:6379/0"),
        ("redis://cache/0", "redis://cache/0"),
        (f"questdb://{CANARY}@q:9000?pg=8812", "questdb://***@q:9000?***"),
        (MASTER_KEY, "***"),
        (f"//{CANARY}", "***"),
        (f"postgresql://[{CANARY}", "***"),
    ],
)
def test_of_a_secret_only_where_it_leads_is_seen(secret: str, seen: str) -> None:
    assert masked(secret) == seen


def test_no_secret_of_a_tree_is_shown_and_what_is_off_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert shown(load_config())["redis"]["url"] == "off"
    monkeypatch.setenv("COULISSE_SECRETS__MASTER_KEY", MASTER_KEY)
    monkeypatch.setenv("COULISSE_STORE__DATABASE", f"postgresql://u:{CANARY}@db/x")
    monkeypatch.setenv("COULISSE_SERIES__DATABASE", f"questdb://u:{CANARY}@q")
    monkeypatch.setenv("COULISSE_REDIS__URL", f"redis://:{CANARY}@r")
    text = json.dumps(shown(load_config()))
    assert CANARY not in text and MASTER_KEY not in text
    assert "db/x" in text and "questdb://***@q" in text


def by_key(file: Path | None = None, flags: dict[str, str] | None = None) -> dict[str, Setting]:
    return {one.key: one for one in settings_of(load_config(file), file, flags or {})}


def test_each_setting_says_where_it_comes_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "coulisse.toml"
    file.write_text(
        '[gateway]\nport = 9000\nhost = "::1"\nnames = ["a"]\n[node]\nid = 3\n'
        '[gateway.tls]\ncertificate = "a"\nkey = "b"\n'
        "[people]\npasses = 4\nthreads = 2\n"
    )
    Path(".env").write_text("COULISSE_GATEWAY__PORT=9001\nOTHER=1\nCOULISSE_PEOPLE__THREADS=3\n")
    monkeypatch.setenv("COULISSE_GATEWAY__HOST", "127.0.0.2")
    monkeypatch.setenv("COULISSE_SERIES__KEEP_DAYS__QUOTES", "4")
    monkeypatch.setenv("COULISSE_PROJECTOR", '{"nice": 5}')
    found = by_key(file, {"log.dir": "--data-dir"})
    told = {key: (found[key].value, found[key].source) for key in found}
    assert told["gateway.host"] == ("127.0.0.2", "COULISSE_GATEWAY__HOST")
    assert told["gateway.port"] == (9001, "COULISSE_GATEWAY__PORT in .env")
    assert told["people.threads"] == (3, "COULISSE_PEOPLE__THREADS in .env")
    assert told["people.passes"] == (4, str(file))
    assert told["gateway.names"] == (["a"], str(file))
    assert told["gateway.tls.certificate"] == ("a", str(file))
    assert told["gateway.tls.min_version"] == ("1.2", "default")
    assert told["node.id"] == (3, str(file))
    assert told["series.keep_days"] == ({"quotes": 4}, "COULISSE_SERIES__KEEP_DAYS__QUOTES")
    assert told["projector.nice"] == (5, "COULISSE_PROJECTOR")
    assert told["projector.snapshots_kept"] == (2, "default")
    assert told["log.dir"][1] == "--data-dir"
    assert told["redis.url"] == ("off", "default")
    assert found["instruments"].value[0]["tick_size"] == "0.01"


def test_every_source_that_is_named_is_the_one_that_won(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("COULISSE_NODE__ID=5\n")
    monkeypatch.setenv("COULISSE_NODE__ID", "6")
    one = by_key()["node.id"]
    assert (one.value, one.source) == (6, "COULISSE_NODE__ID")


def test_a_file_that_is_gone_meanwhile_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        settings_of(load_config(), tmp_path / "nowhere.toml", {})
