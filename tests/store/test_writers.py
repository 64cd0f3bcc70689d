"""Rows in real databases: what is read back is what the log makes, whatever happens between."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from coulisse import _core
from coulisse.bench.postgresql_server import Postgresql
from coulisse.projections.content import ContentHash
from coulisse.projections.tables import tables
from coulisse.store.errors import StoreDown, StoreMoved, StoreRefused
from coulisse.store.sql import migrate as migrations
from coulisse.store.sql.address import Address, parse_address
from coulisse.store.sql.contents import read_content
from coulisse.store.sql.guards import drop_guards
from coulisse.store.sql.migrate import engine_for, grant, migrate, wipe
from coulisse.store.sql.schema import METADATA
from coulisse.store.sql.writer import SCHEMA_VERSION, Checkpoint, open_writer

from .conftest import NewAddress
from .journals import a_life, expected, fill, following, genesis_of, more

WRONG = bytes([1]) * 32


def content_of(address: Address) -> ContentHash:
    return read_content(address)[1]


def wanted_of(disk: _core.SimDisk, address: Address) -> str:
    """The hash that the store must have where it is."""
    return expected(disk, read_content(address)[0].seq).hexdigest()


async def test_a_filled_store_holds_what_the_log_makes(address: Address) -> None:
    disk, life = await a_life(1, 600)
    writer = open_writer(address, genesis_of(disk))
    replica = following(disk, writer)
    assert fill(replica, writer) > 3
    await more(life, 2, 200)
    fill(replica, writer)
    place, content = read_content(address)
    assert place == writer.checkpoint and 800 < place.seq == replica.seq
    wanted = expected(disk, place.seq)
    assert content.rows == wanted.rows > 2_000
    assert content.hexdigest() == wanted.hexdigest()
    writer.close()
    life.end()


async def test_a_writer_that_starts_again_goes_on_where_the_store_is(address: Address) -> None:
    disk, life = await a_life(3, 150)
    for serial in range(4, 8):
        writer = open_writer(address, genesis_of(disk))
        replica = following(disk, writer)
        # What is folded and never written must not be missed.
        replica.catch_up(30)
        replica = following(disk, writer)
        fill(replica, writer, limit=9)
        writer.close()
        await more(life, serial, 60)
    writer = open_writer(address, genesis_of(disk))
    fill(following(disk, writer), writer)
    assert content_of(address).hexdigest() == wanted_of(disk, address)
    writer.close()
    life.end()


@pytest.mark.parametrize("table", sorted({"orders", "ledger", "fills", "balances", "trades"}))
async def test_one_row_altered_by_hand_makes_another_hash(address: Address, table: str) -> None:
    disk, life = await a_life(9, 200)
    writer = open_writer(address, genesis_of(disk))
    fill(following(disk, writer), writer)
    writer.close()
    assert content_of(address).hexdigest() == wanted_of(disk, address)
    guard = "ALTER TABLE ledger DISABLE TRIGGER ALL"
    undo = [guard] if address.backend == "postgresql" else drop_guards()
    column, key = tables()[table].names[-1], tables()[table].key[0]
    engine = engine_for(address)
    with engine.begin() as connection:
        for statement in undo:
            connection.exec_driver_sql(statement)
        other = "'x'" if tables()[table].columns[-1].kind == "text" else f'"{column}" + 1'
        where = f'"{key}" = (SELECT max("{key}") FROM {table})'
        connection.exec_driver_sql(f'UPDATE {table} SET "{column}" = {other} WHERE {where}')
    assert content_of(address).hexdigest() != wanted_of(disk, address)
    life.end()


async def test_of_two_writers_one_writes_and_the_other_is_told(
    address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The lock saves work only: without it, too, nothing is written twice.
    monkeypatch.setattr("coulisse.store.sql.postgresql.LOCK", "SELECT %s IS NOT NULL")
    disk, life = await a_life(11, 200)
    first, second = (open_writer(address, genesis_of(disk)) for _ in range(2))
    behind = following(disk, second)
    fill(following(disk, first), first)
    behind.catch_up(20)
    rows = behind.take_rows()
    assert rows is not None
    with pytest.raises(StoreMoved):
        second.write(rows)
    again = open_writer(address, genesis_of(disk))
    assert again.checkpoint == first.checkpoint
    assert content_of(address).hexdigest() == wanted_of(disk, address)
    for writer in (first, second, again):
        writer.close()
    life.end()


async def test_a_second_writer_waits_for_the_lock_of_the_first(postgresql: Postgresql) -> None:
    address = Address("postgresql", postgresql.new_database())
    migrate(address)
    first = open_writer(address, bytes(16))
    with pytest.raises(StoreDown, match="another writer"):
        open_writer(address, bytes(16))
    first.close()
    open_writer(address, bytes(16)).close()


async def test_a_store_of_another_log_or_of_no_form_is_refused(new_address: NewAddress) -> None:
    address = new_address()
    with pytest.raises(StoreRefused, match="STORE_SCHEMA: it has no tables"):
        open_writer(address, bytes(16))
    migrate(address)
    migrate(address)
    open_writer(address, bytes(16)).close()
    with pytest.raises(StoreRefused, match="STORE_OTHER_LOG"):
        open_writer(address, bytes([7]) * 16)
    with engine_for(address).begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreRefused, match="STORE_SCHEMA: its tables are of version 9999"):
        open_writer(address, bytes(16))
    with pytest.raises(StoreRefused, match=r"9999, which a newer coulisse made.*up to 0002"):
        migrate(address)


async def test_a_store_ahead_of_the_log_or_with_another_hash_is_refused() -> None:
    disk, life = await a_life(12, 60)
    replica = _core.Replica(disk=disk, newest_seq=0, only_one=False)
    with pytest.raises(_core.CoreError, match="STORE_AHEAD"):
        replica.follow(life.core.seq + 1, WRONG)
    replica.follow(20, WRONG)
    with pytest.raises(_core.CoreError, match="STORE_DIFFERS"):
        replica.catch_up(1_000)
    replica = _core.Replica(disk=disk, newest_seq=0, only_one=False)
    replica.catch_up(1_000)
    with pytest.raises(_core.CoreError, match="REPLICA_PASSED"):
        replica.follow(3, WRONG)
    with pytest.raises(_core.CoreError, match="STORE_DIFFERS"):
        replica.follow(replica.seq, WRONG)
    life.end()


async def test_a_wiped_store_is_filled_again_to_the_same_content(address: Address) -> None:
    disk, life = await a_life(13, 300)
    writer = open_writer(address, genesis_of(disk))
    fill(following(disk, writer), writer)
    before = content_of(address)
    wipe(address)
    assert read_content(address)[0] == Checkpoint() and content_of(address).rows == 0
    # Whoever was writing is told, and begins again.
    await more(life, 14, 5)
    replica = _core.Replica(disk=disk, newest_seq=0, only_one=False)
    replica.follow(writer.checkpoint.seq, writer.checkpoint.chain)
    with pytest.raises(StoreMoved):
        while fill(replica, writer) == 0:
            await life.tick()
    writer.close()
    writer = open_writer(address, genesis_of(disk))
    fill(following(disk, writer), writer)
    assert content_of(address).hexdigest() == wanted_of(disk, address)
    assert content_of(address).rows > before.rows
    writer.close()
    life.end()


async def test_nobody_changes_or_removes_an_entry_of_the_ledger(address: Address) -> None:
    disk, life = await a_life(15, 40)
    writer = open_writer(address, genesis_of(disk))
    fill(following(disk, writer), writer)
    writer.close()
    for statement in ("UPDATE ledger SET amount = amount", "DELETE FROM ledger"):
        with (
            pytest.raises(sa.exc.DBAPIError, match="never changed or removed"),
            engine_for(address).begin() as connection,
        ):
            connection.exec_driver_sql(statement)
    assert content_of(address).hexdigest() == wanted_of(disk, address)
    life.end()


async def test_a_role_that_writes_can_do_nothing_else(postgresql: Postgresql) -> None:
    owner = Address("postgresql", postgresql.new_database())
    migrate(owner)
    with engine_for(owner).begin() as connection:
        for role in ("filler", "looker"):
            connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN PASSWORD 'not-for-the-log'")
    grant(owner, writer="filler", reader="looker")
    database = owner.target.rpartition("/")[2]
    as_filler = replace(owner, target=postgresql.url(database, "filler"))
    disk, life = await a_life(16, 120)
    writer = open_writer(as_filler, genesis_of(disk))
    fill(following(disk, writer), writer)
    writer.close()
    as_looker = replace(owner, target=postgresql.url(database, "looker"))
    assert content_of(as_looker).hexdigest() == wanted_of(disk, owner)
    refused = [
        "CREATE TABLE x (y int)",
        "TRUNCATE ledger",
        "DELETE FROM orders",
        "UPDATE ledger SET amount = 1",
        "UPDATE fills SET fee = 0",
        "DROP TABLE ledger",
        "ALTER TABLE orders ADD COLUMN x int",
        "UPDATE alembic_version SET version_num = ''",
    ]
    for address, statements in (
        (as_filler, refused),
        (as_looker, [*refused, "UPDATE orders SET qty = 1"]),
    ):
        for statement in statements:
            with psycopg.connect(address.target) as connection:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement.encode())
    life.end()


@pytest.mark.parametrize("by_alembic", [True, False])
def test_the_tables_that_are_made_are_those_that_are_written(
    new_address: NewAddress, by_alembic: bool
) -> None:
    address = new_address()
    if by_alembic:
        migrate(address)
    else:
        open_writer(address, bytes(16), may_make=True).close()
        migrate(address)
    assert migrations.newest_version() == SCHEMA_VERSION
    with engine_for(address).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_numbers_of_128_bits_come_back_as_they_went_in(address: Address) -> None:
    balances = METADATA.tables["balances"]
    numbers = [0, 1, -1, 10**4, 2**63, -(2**63) - 1, 2**127 - 1, -(2**127), 10**38]
    rows = [
        {"account": at, "asset": 1, "available": number, "held": 0, "seq": 1, "time_ns": 1}
        for at, number in enumerate(numbers)
    ]
    with engine_for(address).begin() as connection:
        connection.execute(sa.insert(balances), rows)
        found = connection.execute(
            sa.select(balances.c.available).order_by(balances.c.account)
        ).scalars()
        assert list(found) == numbers


@pytest.mark.parametrize("minor", ["1.5", "", "-", "1e9", "007", "-0", "0x1", " 1"])
def test_sqlite_takes_no_text_that_is_no_whole_number(
    minor: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    address = Address("sqlite", str(tmp_path_factory.mktemp("store") / "store.sqlite3"))
    migrate(address)
    statement = "INSERT INTO balances VALUES (1, 1, ?, '0', 1, 1)"
    with (
        pytest.raises(sa.exc.IntegrityError, match="balances_available_is_whole"),
        engine_for(address).begin() as connection,
    ):
        connection.exec_driver_sql(statement, (minor,))


def test_an_address_is_printed_without_its_password(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    data = tmp_path_factory.mktemp("data")
    address = parse_address("postgresql://me:secret@db.example:5433/coulisse", data)
    assert str(address) == repr(address) == "postgresql://me@db.example:5433/coulisse"
    assert parse_address("sqlite", data).target == str(data / "store.sqlite3")
    with pytest.raises(Exception, match="'mysql' is not sqlite"):
        parse_address("mysql://me:secret@db/x", data)
