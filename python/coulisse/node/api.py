"""The Python API: `TradingEngine` and `WebSocketServer`.

    engine = TradingEngine()
    server = WebSocketServer(engine, port=8080)

    @server.on("order")
    async def on_order(order):
        await server.broadcast("orderUpdate", await engine.process_order(order))

    await engine.start()

Without `data_dir` and `config` this is a sandbox: a fresh temporary directory and an account
`default` with paper money (`SANDBOX_DEPOSITS`), and the log says so. With either of them nothing
is funded but by `deposit`, by `[[accounts]]` or by an operator.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from coulisse import _core
from coulisse.config import AccountConfig, Config, load_config
from coulisse.domain.errors import (
    ConfigError,
    CoulisseError,
    NodeFailed,
    NotAvailable,
    Refused,
)
from coulisse.domain.money import Number, OffStep, as_text, from_minor, to_minor
from coulisse.domain.orders import Balance, balance_from_wire
from coulisse.domain.outcomes import (
    OrderResult,
    Rejected,
    order_result_from_wire,
)
from coulisse.domain.requests import OrderLike, as_mapping, place_params
from coulisse.domain.schema import schema
from coulisse.domain.symbols import is_plain_name, is_symbol, wire_symbol
from coulisse.engine.requests import Requests
from coulisse.node.build import Node, running
from coulisse.node.seed import open_accounts
from coulisse.node.servers import WebSocketServer
from coulisse.node.signals import stopping_on_sigterm
from coulisse.telemetry.logs import logger

DEFAULT_ACCOUNT: Final = "default"
SESSIONS_MAX: Final = 1_024
"""Accounts that keep a session of this program open; the longest open idle one makes room."""
LOCAL_REDIS: Final = "redis://127.0.0.1:6379/0"
SANDBOX_DEPOSITS: Final[Mapping[str, Decimal]] = {
    "USD": Decimal(1_000_000), "BTC": Decimal(100), "ETH": Decimal(1_000), "SOL": Decimal(10_000),
}  # fmt: skip


class TradingEngine:
    """A node inside this program.

    Its methods belong to the loop on which it was started.
    """

    def __init__(
        self,
        *,
        database: str | bool | None = None,
        redis: str | bool | None = None,
        exchanges: Iterable[str] = (),
        data_dir: Path | str | None = None,
        durability: str | None = None,
        config: Config | Path | str | None = None,
        account: str = DEFAULT_ACCOUNT,
    ) -> None:
        """Prepare a node; nothing is opened before `start`.

        `account` is whom orders without an account are for. `database` is where history is
        written, as `postgresql://USER:PASSWORD@HOST/NAME` or `sqlite:///FILE`, True for a file in
        the data directory, False for nowhere; without it the settings say. `redis` is where a Redis
        is told what happens, as `redis://HOST`, True for the one of this machine. Raises
        `NotAvailable` for `exchanges`, which this version does not have, and `ConfigError` for
        settings that mean nothing.
        """
        if tuple(exchanges):
            raise NotAvailable("exchanges")
        self.account = account
        self._is_sandbox = data_dir is None and config is None
        tree = (
            config if isinstance(config, Config) else load_config(Path(config) if config else None)
        )
        self._config = tree.with_log(
            directory=Path(data_dir) if data_dir is not None else None, durability=durability
        )
        if database is not None:
            if isinstance(database, bool):
                database = "sqlite" if database else "off"
            self._config = self._config.with_database(database)
        if redis:
            self._config = self._config.with_redis(LOCAL_REDIS if redis is True else redis)
        self._servers: list[WebSocketServer] = []
        self._requests: dict[str, Requests] = {}
        self._node: Node | None = None
        self._life: asyncio.Task[None] | None = None
        self._temporary: Path | None = None

    @property
    def data_dir(self) -> Path | None:
        """Where the log is; None before `start` where none was given."""
        return self._config.log.dir

    def serve(self, server: WebSocketServer) -> None:
        """Bind `server` when the engine starts; called by `WebSocketServer` itself."""
        if self._life is not None:
            raise CoulisseError("make every WebSocketServer before the engine starts")
        self._servers.append(server)

    async def start(self) -> None:
        """Open the log, recover, bind every server; return once they listen.

        Raises `StartError` and `ConfigError` in one line. Cancelling it stops what has started.
        """
        if self._life is not None:
            raise CoulisseError("the engine was started already")
        if not is_plain_name(self.account):
            raise ConfigError(f"account: 1 to 32 of a-z 0-9 _ -, not {self.account!r}")
        if self._config.log.dir is None:
            self._temporary = Path(tempfile.mkdtemp(prefix="coulisse-"))
            self._config = self._config.with_log(directory=self._temporary)
        ready: asyncio.Future[Node] = asyncio.get_running_loop().create_future()
        # The one task of an engine: owned by it from here to `stop`, which waits for its end.
        self._life = asyncio.get_running_loop().create_task(self._live(ready))
        try:
            waits: list[asyncio.Future[Any]] = [self._life, ready]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                await self._life
            self._node = ready.result()
            await self._open_default_account()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Announce the stop, answer what is under way, close the log. Idempotent."""
        life, self._life = self._life, None
        if life is not None:
            if self._node is not None:
                self._node.stop()
            else:
                life.cancel()
            await asyncio.wait([life])
            if not life.cancelled():
                # Whoever waits is told; here it has been seen, and the log has it.
                life.exception()
        for requests in self._requests.values():
            requests.close()
        self._requests.clear()
        self._node = None
        self._remove_temporary()
        if self._temporary is not None:
            self._temporary = None
            self._config = self._config.model_copy(
                update={"log": self._config.log.model_copy(update={"dir": None})}
            )

    async def wait(self) -> None:
        """Wait until the engine stops. Raises `NodeFailed` if its journal failed.

        Meanwhile SIGTERM stops it, unless the program handles that signal itself.
        """
        if self._life is not None:
            with stopping_on_sigterm(self._ask_to_stop):
                await asyncio.shield(self._life)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def process_order(self, order: Mapping[str, object] | OrderLike) -> OrderResult:
        """Place an order; return what became of it once that is durable.

        `order` has the params of `order.place` (a dict, or an object with such attributes) and may
        name an `account`. A refused order is a result with `state="rejected"` and its `error`; a
        float is a TypeError. Cancelling the wait does not take the order back.
        """
        params = dict(as_mapping(order))
        account = str(params.pop("account", None) or self.account)
        symbol = params.get("symbol")
        return await self._order_call(account, "order.place", place_params(params), symbol)

    async def cancel_order(
        self,
        order_id: int | str | None = None,
        *,
        client_order_id: str | None = None,
        account: str | None = None,
    ) -> OrderResult:
        """Cancel an order, named by its id or by the client's id."""
        named = {
            "order_id": None if order_id is None else str(order_id),
            "client_order_id": client_order_id,
        }
        params = {name: value for name, value in named.items() if value is not None}
        return await self._order_call(account or self.account, "order.cancel", params, None)

    async def deposit(self, account: str, asset: str, qty: Number) -> Balance:
        """Credit an account from outside, and open it if there is none of that name.

        Returns the balance, once it is durable. Raises `Refused` for an unknown asset or an amount
        that is finer than its minor unit.
        """
        node = self._running()
        await self.create_account(account)
        owner = node.core.account_id(account)
        known = node.core.asset(asset)
        if known is None:
            raise Refused(
                Rejected("UNKNOWN_ASSET", f"no asset {asset}", field="asset", value=asset)
            )
        assert owner is not None, "the account was opened just now"
        try:
            minor = to_minor(qty, known[1])
        except OffStep as error:
            raise Refused(
                Rejected("OFF_MINOR_UNIT", str(error), "not_sent", "qty", as_text(qty))
            ) from None
        most = schema().limits["ASSET_TOTAL_MINOR_MAX"]
        if abs(minor) > most:
            text, limit = as_text(qty), as_text(from_minor(most, known[1]))
            message = (
                f"AMOUNT_OUT_OF_RANGE: {text} {asset} is beyond {limit}, the most there can be"
            )
            rejected = Rejected("AMOUNT_OUT_OF_RANGE", message, "not_sent", "qty", text, limit)
            raise Refused(rejected)
        _, events = await node.driver.command(
            "Deposit", {"asset": known[0], "amount": minor}, account=owner
        )
        if events[0].name == "Rejected":
            message = f"{events[0]['code']!s}: {as_text(qty)} {asset} for {account}"
            raise Refused(Rejected(str(events[0]["code"]), message, field="qty"))
        now = next(event for event in events if event.name == "BalanceChanged")
        amounts = (from_minor(now.whole(name), known[1]) for name in ("available", "held"))
        return Balance(asset, *amounts)

    async def create_account(self, name: str) -> None:
        """Open an account; nothing happens if there is one of that name. Raises `Refused`."""
        node = self._running()
        if not is_plain_name(name):
            message = f"INVALID_NAME: an account's name is 1 to 32 of a-z 0-9 _ -, not {name!r}"
            raise Refused(Rejected("INVALID_NAME", message, "not_sent", "name", name))
        if node.core.account_id(name) is not None:
            return
        _, events = await node.driver.command("AccountCreate", {"name": name})
        if events[0].name == "Rejected" and events[0]["code"] != "ALREADY_EXISTS":
            message = f"{events[0]['code']!s}: {name!r} cannot name an account"
            raise Refused(Rejected(str(events[0]["code"]), message, field="name", value=name))

    async def balances(self, account: str | None = None) -> dict[str, Balance]:
        """Return an account's balances by asset, once they are durable."""
        node = self._running()
        owner = account or self.account
        text = node.core.balances_json(owner)
        await node.driver.durable()
        return balances_from_json(text)

    def book(self, symbol: str, depth: int = 0) -> bytes | None:
        """Return the image of a book as JSON; it may show what is not durable yet.

        `depth` levels of each side; 0 is all of them. None for a symbol that no instrument has.
        """
        if depth < 0:
            raise ValueError(f"depth is 0, for all, or more; not {depth}")
        return self._running().core.book_json(wire_symbol(symbol), depth)

    async def _order_call(
        self, account: str, op: str, params: Mapping[str, object], symbol: object
    ) -> OrderResult:
        try:
            requests = self._requests_of(account)
        except _core.CoreError as error:
            rejected = Rejected(
                str(error.args[0]), str(error.args[-1]), "not_sent", "account", account
            )
            return OrderResult(state="rejected", error=rejected)
        reply = await requests.call(op, params)
        named = wire_symbol(symbol) if isinstance(symbol, str) and is_symbol(symbol) else None
        client_order_id = params.get("client_order_id")
        if isinstance(reply, Rejected):
            own_id = str(client_order_id) if client_order_id else None
            return OrderResult("rejected", client_order_id=own_id, symbol=named, error=reply)
        return order_result_from_wire({"symbol": named, **reply} if named else reply)

    def _requests_of(self, account: str) -> Requests:
        node = self._running()
        found = self._requests.get(account)
        if found is None:
            self._make_room_for_a_session()
            found = Requests(lambda on_message: node.driver.session(account, on_message))
            self._requests[account] = found
        return found

    def _make_room_for_a_session(self) -> None:
        if len(self._requests) < SESSIONS_MAX:
            return
        for account, requests in self._requests.items():
            if requests.is_idle:
                requests.close()
                del self._requests[account]
                return

    def _running(self) -> Node:
        if self._node is None:
            raise CoulisseError("the engine is not running: await engine.start() first")
        if self._node.driver.failure is not None:
            raise NodeFailed(self._node.driver.failure)
        return self._node

    def _ask_to_stop(self) -> None:
        if self._node is not None:
            self._node.stop()

    async def _live(self, ready: asyncio.Future[Node]) -> None:
        try:
            servers = [server.listening() for server in self._servers]
            async with running(self._config, servers) as node:
                for server, listener in zip(self._servers, node.listeners, strict=True):
                    server.port = listener.port
                ready.set_result(node)
                await node.wait()
        finally:
            # A program that is interrupted does not call `stop`.
            self._remove_temporary()

    def _remove_temporary(self) -> None:
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    async def _open_default_account(self) -> None:
        node = self._running()
        if not self._is_sandbox:
            await self.create_account(self.account)
            return
        paper = AccountConfig(name=self.account, deposits=dict(SANDBOX_DEPOSITS))
        await open_accounts(node.core, node.driver, [paper])
        money = {asset: as_text(qty) for asset, qty in SANDBOX_DEPOSITS.items()}
        logger("node").info("sandbox_account_funded", account=self.account, paper_money=money)


def balances_from_json(text: bytes | None) -> dict[str, Balance]:
    """Read the balances of one account as the core prints them."""
    if text is None:
        return {}
    found = [balance_from_wire(item) for item in msgspec.json.decode(text)["balances"]]
    return {balance.asset: balance for balance in found}
