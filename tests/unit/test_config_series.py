"""The settings of what stands beside the store: time series and Redis."""

from __future__ import annotations

from pathlib import Path

import pytest

from coulisse.config import load_config
from coulisse.domain.errors import ConfigError
from coulisse.store.timeseries.address import parse_series_address


def settings(**variables: str) -> dict[str, str]:
    return {f"COULISSE_{name}": value for name, value in variables.items()}


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, "sqlite"),
        ({"SERIES__DATABASE": "off"}, None),
        ({"STORE__DATABASE": "off"}, None),
        ({"STORE__DATABASE": "off", "SERIES__DATABASE": "sqlite"}, "sqlite"),
        ({"STORE__DATABASE": "postgresql://h/d"}, "sqlite"),
        ({"PROJECTOR__ENABLED": "false"}, None),
    ],
)
def test_time_series_are_in_a_file_where_there_is_a_store_unless_something_else_is_said(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], wanted: str | None
) -> None:
    for name, value in settings(**variables).items():
        monkeypatch.setenv(name, value)
    assert load_config().with_projector().series_database == wanted


def test_an_engine_inside_a_program_has_none_that_it_does_not_ask_for() -> None:
    assert load_config().series_database is None


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SERIES__DATABASE", "questdbs://:secret@h", r"series\.database: .*questdb://"),
        ("SERIES__KEEP_DAYS", '{"quotes": 0}', r"series\.keep_days\.quotes: 0 is not between"),
        ("SERIES__KEEP_DAYS", '{"balances": 1}', r"series\.keep_days\.balances"),
        ("REDIS__URL", "http://:secret@h", r"redis\.url: a Redis is off, redis://"),
        ("REDIS__INTERVAL_MS", "5", r"redis\.interval_ms: 5 is not between"),
        ("REDIS__BOOK_DEPTH", "20", r"redis\.book_depth"),
        ("REDIS__PREFIX", "a b", r"redis\.prefix"),
    ],
)
def test_what_means_nothing_is_refused_without_a_password(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(f"COULISSE_{name}", value)
    with pytest.raises(ConfigError, match=says) as caught:
        load_config()
    assert "secret" not in str(caught.value)


def test_an_address_of_questdb_says_all_but_the_password_when_it_is_printed() -> None:
    address = parse_series_address("questdb://me:se%3Bcret@host:9001?pg=8813", Path())
    assert (address.host, address.http_port, address.pg_port) == ("host", 9_001, 8_813)
    assert (address.user, address.password) == ("me", "se;cret")
    assert str(address) == "questdb://host:9001?pg=8813" and "secret" not in repr(address)
    plain = parse_series_address("questdb://host", Path())
    assert (plain.http_port, plain.pg_port, plain.user) == (9_000, 8_812, "")


@pytest.mark.parametrize(
    "text",
    ["questdb://", "questdb://h:x", "questdb://h?pg=x", "questdb://h?sql=1", "questdb://h/db"],
)
def test_an_address_of_questdb_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="HOST must be there"):
        parse_series_address(text, Path())
