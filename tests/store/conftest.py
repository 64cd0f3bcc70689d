"""Stores of both kinds, and journals to fill them from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coulisse.bench.postgresql_server import Postgresql, binaries
from coulisse.bench.questdb_server import Questdb
from coulisse.domain.errors import CoulisseError
from coulisse.store.sql.address import Address, parse_address
from coulisse.store.sql.migrate import migrate
from coulisse.store.timeseries.address import SeriesAddress, parse_series_address
from coulisse.store.timeseries.writer import wipe_series

from ..integration.conftest import start as start

BACKENDS = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    """One server for all tests that leave it running."""
    try:
        binaries()
    except CoulisseError as error:
        pytest.skip(str(error))
    server = Postgresql()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def mortal_postgresql(postgresql: Postgresql) -> Iterator[Postgresql]:
    """A server that a test stops and kills as it likes."""
    assert postgresql.pid > 0, "there are servers"
    server = Postgresql()
    try:
        server.start()
        yield server
    finally:
        server.remove()


NewAddress = Callable[[], Address]


@pytest.fixture(params=BACKENDS)
def new_address(request: pytest.FixtureRequest, tmp_path: Path) -> NewAddress:
    """Makes addresses of empty databases."""
    if request.param == "postgresql":
        server: Postgresql = request.getfixturevalue("postgresql")
        return lambda: parse_address(server.new_database(), tmp_path)
    made: list[Address] = []

    def new() -> Address:
        made.append(Address("sqlite", str(tmp_path / f"store{len(made)}.sqlite3")))
        return made[-1]

    return new


@pytest.fixture
def address(new_address: NewAddress) -> Address:
    """A database with empty tables."""
    found = new_address()
    migrate(found)
    return found


@pytest.fixture(scope="session")
def questdb() -> Iterator[Questdb]:
    """One QuestDB for all tests that leave it running; its tables are emptied by who needs that."""
    try:
        server = Questdb()
    except CoulisseError as error:
        pytest.skip(str(error))
    server.start()
    yield server
    server.remove()


@pytest.fixture(params=("sqlite", "questdb"))
def series_address(request: pytest.FixtureRequest, tmp_path: Path) -> SeriesAddress:
    """Where there are no time series yet."""
    if request.param == "sqlite":
        return SeriesAddress("sqlite", str(tmp_path / "series.sqlite3"))
    server: Questdb = request.getfixturevalue("questdb")
    found = parse_series_address(server.url, tmp_path)
    wipe_series(found)
    return found
