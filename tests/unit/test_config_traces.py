"""The settings of traces."""

from __future__ import annotations

import pytest

from coulisse.config import load_config
from coulisse.domain.errors import ConfigError


def test_nothing_is_traced_unless_somebody_says_where_to() -> None:
    assert load_config().traces.endpoint is None


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "ENDPOINT",
            "collector:4318",
            "traces.endpoint: 'collector:4318' is no http:// or https://",
        ),
        ("ONE_IN", "0", "traces.one_in: 0 is not between 1 and"),
    ],
)
def test_where_and_how_many_are_looked_at(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(f"COULISSE_TRACES__{name}", value)
    with pytest.raises(ConfigError, match=said):
        load_config()
