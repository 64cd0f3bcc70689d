"""A store that takes no rows for a while keeps back what is made of the log, but no snapshot."""

import signal

from coulisse import Client, OrderResult
from coulisse.bench.postgresql_server import Postgresql
from coulisse.node.follower import RECORDS_PER_WRITE
from coulisse.node.store_feed import QUEUED_MAX
from coulisse.store.sql.address import Address
from coulisse.store.sql.migrate import engine_for

from ..integration.conftest import Server, Start
from ..integration.test_projector import ready_line
from .test_projector_store import QUICK, SERVE, STORE, is_filled, require_right, trade, until

AT_ONCE = 50
TOO_MANY = (QUEUED_MAX + 2) * RECORDS_PER_WRITE
"""For what is being written, what waits, and what is being made."""


async def come_to_nothing(server: Server, count: int) -> None:
    """Place orders that nobody takes and that wait for nobody."""
    order = {"symbol": "BTC-USD", "side": "buy", "qty": "0.001", "price": "20000"}
    orders = [{**order, "tif": "ioc"}] * AT_ONCE
    async with await Client.connect(server.http, credentials=server.credentials) as client:
        for _ in range(0, count, AT_ONCE):
            done = await client.place_batch(orders)
            assert isinstance(done, list) and isinstance(done[0], OrderResult), done


async def test_while_the_store_waits_a_start_has_little_to_apply_again(
    start: Start, postgresql: Postgresql
) -> None:
    address = Address("postgresql", postgresql.new_database())
    settings = {**QUICK, STORE: address.target}
    server = start(*SERVE, **settings)
    await trade(server, 4)
    until(server, is_filled)
    with engine_for(address).begin() as connection:
        connection.exec_driver_sql("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        await come_to_nothing(server, TOO_MANY)
        said = until(server, lambda said: said["projector"]["snapshot_seq"] > TOO_MANY)
        assert said["projector"]["seq"] < TOO_MANY and said["store"]["state"] == "writing"
        assert said["store"]["behind"] > QUEUED_MAX * RECORDS_PER_WRITE
        server.stop(signal.SIGKILL)
        server = start(*SERVE, **settings)
        assert ready_line(server)["snapshot_seq"] >= said["projector"]["snapshot_seq"]
    until(server, is_filled)
    assert require_right(server, address) > TOO_MANY
    assert server.stop() == 0
