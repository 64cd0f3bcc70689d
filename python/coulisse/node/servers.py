"""`WebSocketServer`: named events over plain WebSockets, for programs of a team's own.

Frames on `/ws` are {"event": name, "data": {…}} both ways. The same port serves the native protocol
(`/v1/ws`), REST, the page, health and metrics.

Whoever can reach the port can send events: there is no logon on `/ws`. It therefore listens on
this machine only, unless `host` says otherwise, and acts for one account, which the sender cannot
choose.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from coulisse.config import GatewayConfig, gateway_config
from coulisse.domain.errors import NodeFailed, Refused
from coulisse.domain.outcomes import Rejected
from coulisse.gateway.plain import PlainHub

Handler = Callable[[dict[str, object]], Awaitable[object]]


class Engine(Protocol):
    """What a server is made on."""

    def serve(self, server: WebSocketServer) -> None:
        """Bind it at the start."""


class WebSocketServer:
    """One port of an engine."""

    def __init__(
        self,
        engine: Engine,
        port: int = 8080,
        account: str | None = None,
        *,
        host: str = "127.0.0.1",
        names: Iterable[str] = (),
        origins: Iterable[str] = (),
    ) -> None:
        """Listen on `port` (0: a free one) once the engine starts.

        Orders that come in here are for `account`; for the engine's own where none is given.
        `names` are more host names that clients may call this machine by; `origins` those of other
        sites, as `https://desk.example`, whose pages may connect. `*` takes any.
        """
        self.port = port
        """The port; after the start, the one that was taken."""
        self.host = host
        self.account = account
        self.names = tuple(names)
        self.origins = tuple(origins)
        self._handlers: dict[str, list[Handler]] = {}
        self._hub = PlainHub(self._handle)
        engine.serve(self)

    def on(self, event: str) -> Callable[[Handler], Handler]:
        """Call the decorated coroutine function with the data of each `event` that comes in.

        The events of one connection are handled one after another, in their order. A handler that
        raises is answered with an error and logged; the connection and the node live on.
        """

        def register(handler: Handler) -> Handler:
            self._handlers.setdefault(event, []).append(handler)
            return handler

        return register

    async def broadcast(self, event: str, payload: object) -> None:
        """Send an event to every connection, once what it may be about is durable.

        `payload` is anything with a JSON form; results show as on the wire, money as text.
        """
        self._hub.broadcast(event, payload)

    def listening(self) -> tuple[GatewayConfig, PlainHub]:
        """Return where to listen, and who takes the events. Raises `ConfigError`."""
        where = gateway_config(
            host=self.host, port=self.port, names=self.names, origins=self.origins
        )
        return where, self._hub

    async def _handle(self, event: str, data: dict[str, object]) -> Rejected | None:
        handlers = self._handlers.get(event)
        if not handlers:
            return Rejected("UNKNOWN_OP", f"nobody handles {event!r}", "not_sent", "event", event)
        refused = self._for_own_account(data)
        if refused is not None:
            return refused
        for handler in handlers:
            try:
                await handler(data)
            except Refused as error:
                return error.rejected
            except (TypeError, ValueError) as error:
                return Rejected("INVALID_VALUE", str(error), "not_sent")
            except NodeFailed as error:
                return Rejected("SHUTTING_DOWN", str(error), "unknown")
        return None

    def _for_own_account(self, data: dict[str, object]) -> Rejected | None:
        asked = data.pop("account", None)
        if asked is not None and asked != self.account:
            message = "orders on this port are for one account, which is not yours to choose"
            return Rejected("NOT_PERMITTED", message, "not_sent", "account", str(asked))
        if self.account is not None:
            data["account"] = self.account
        return None
