"""Orders go with the session that asked for it, whichever process is killed."""

from __future__ import annotations

import signal
from decimal import Decimal

import pytest

from coulisse import Client
from coulisse.client.credentials import load_credentials
from coulisse.client.session import Session
from coulisse.domain.outcomes import Rejected, Unknown

from .conftest import Server, Start

SERVE = ("serve", "--port", "0", "--data-dir", "data")


async def a_session(server: Server, price: str, *wishes: bool) -> Session:
    """A session with an order at a price, and what it wants to become of that."""
    assert server.credentials is not None
    session = Session(lambda message: None)
    await session.open(load_credentials(server.credentials))
    for wish in wishes:
        await done(session, "session.cancel_on_disconnect", {"enabled": wish})
    order: dict[str, object] = {"symbol": "BTC-USD", "side": "buy", "qty": "0.01", "price": price}
    await done(session, "order.place", order)
    return session


async def done(session: Session, op: str, params: dict[str, object]) -> None:
    reply = await session.request(op, params)
    assert not isinstance(reply, Rejected | Unknown), reply


@pytest.mark.parametrize("workers", [(), ("--workers", "1")], ids=["one process", "a worker"])
async def test_a_core_that_is_killed_cancels_for_the_sessions_that_it_had(
    start: Start, workers: tuple[str, ...]
) -> None:
    server = start(*SERVE, *workers)
    client = await Client.connect(server.http, credentials=server.credentials)
    await client.deposit("operator", "USD", "1000")
    held = [
        await a_session(server, "10.00", True),
        await a_session(server, "20.00"),
        await a_session(server, "30.00", True, False),
        await a_session(server, "40.00", False, True),
    ]
    server.stop(signal.SIGKILL)
    await client.close()
    for session in held:
        session.close()
    again = start(*SERVE, *workers)
    client = await Client.connect(again.http, credentials=again.credentials)
    try:
        left = sorted(order.price or Decimal() for order in await client.open_orders())
        assert left == [Decimal(20), Decimal(30)]
        # The wish went with its session: it is not there to be fulfilled again.
        placed = await client.place("BTC-USD", "buy", "0.01", price="50")
        again.stop(signal.SIGKILL)
    finally:
        await client.close()
    third = start(*SERVE, *workers)
    client = await Client.connect(third.http, credentials=third.credentials)
    try:
        assert len(await client.open_orders()) == 3, placed
    finally:
        await client.close()
