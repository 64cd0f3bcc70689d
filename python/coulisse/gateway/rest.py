"""REST: the public reads, health, metrics, documentation and the page.

Bodies that come from the core are its own JSON, untouched, and leave only when what they show is
durable. Errors have one form everywhere: {"ok": false, "error": {code, message, …}}.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol, get_args

import msgspec
from litestar import Litestar, Request, Response, Router, get
from litestar.exceptions import HTTPException, ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.params import PathParameter, QueryParameter
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin

from coulisse import _core
from coulisse.domain.errors import NodeFailed
from coulisse.domain.market import CANDLE_INTERVALS, CandleCells
from coulisse.domain.outcomes import Rejected
from coulisse.domain.symbols import wire_symbol
from coulisse.gateway.candles import PAGE_MAX, Asked, Gaps, SeriesBehind, StoredCandles, page_of
from coulisse.gateway.docs_page import DocsPage
from coulisse.gateway.openapi import document_answers
from coulisse.gateway.page_files import HEADERS, read_page_file
from coulisse.gateway.private_paths import private_methods
from coulisse.gateway.query import OneOf, Whole, checked
from coulisse.telemetry.logs import logger
from coulisse.telemetry.metrics import CONTENT_TYPE

DEPTH_MAX = 1_000
TRADES_MAX = 1_000
TIME_MAX_US = 2**53 - 1
JSON_TYPE = "application/json"
Json = Response[bytes]
Symbol = Annotated[str, PathParameter(description="the instrument, as BTC-USD")]
Interval = Annotated[
    Literal["1s", "1m", "5m", "15m", "1h", "4h", "1d"],
    QueryParameter(description="how long a candle is"),
]


class Reader(Protocol):
    """What REST reads of the core."""

    def instruments_json(self) -> bytes:
        """All instruments."""

    def book_json(self, symbol: str, depth: int) -> bytes | None:
        """A book's image."""

    def trades_json(self, symbol: str, limit: int) -> bytes | None:
        """The latest trades."""

    def latest_candles(self, symbol: str, interval: str) -> tuple[int, list[CandleCells]] | None:
        """The seq, and the latest candles that are kept."""

    def candles_page(
        self, symbol: str, interval: str, page: tuple[int, list[CandleCells], int | None]
    ) -> bytes | None:
        """Candles as JSON."""


@dataclass(frozen=True, slots=True)
class Site:
    """What the application serves."""

    core: Reader
    durable: Callable[[], Awaitable[int]]
    """Waits until what has been read is durable."""
    metrics: Callable[[], bytes]
    health: Callable[[], tuple[bool, Mapping[str, object]]]
    """Whether the node can take orders, and what there is to say about it."""
    demo_key: Mapping[str, str] | None = None
    """The visitor's key, which only a demo gives away."""
    hosts: Collection[str] = ()
    """The names, without a port, that the demo's key is given away under; `*` is any."""
    series: StoredCandles | None = None
    """Where candles are that the node does not keep itself."""


def json_response(body: object, status: int = 200) -> Json:
    """Return `body` as JSON; bytes are JSON already."""
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Response(content, status_code=status, media_type=JSON_TYPE)


def error_response(status: int, rejected: Rejected) -> Json:
    """Return an error in the one form."""
    return json_response({"ok": False, "error": rejected.to_wire()}, status)


def unknown_symbol(symbol: str) -> Json:
    """Return the answer to a symbol that no instrument has."""
    message = f"no instrument has the symbol {symbol}"
    rejected = Rejected("UNKNOWN_SYMBOL", message, "not_sent", field="symbol", value=symbol)
    return error_response(404, rejected)


def on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Json:
    """Answer what Litestar refuses."""
    path = request.scope["path"]
    if error.status_code == 404 and (methods := private_methods(path)):
        return _wrong_method(request, methods)
    if error.status_code == 405:
        # What is answered here is read with GET.
        return _wrong_method(request, ("GET", "OPTIONS"))
    if error.status_code == 404:
        rejected = Rejected("NOT_FOUND", f"there is no {path}", "not_sent", field="path")
    elif isinstance(error, ValidationException):
        rejected = _invalid_value(error)
    else:
        rejected = Rejected("BAD_FRAME", error.detail, "not_sent")
    return error_response(error.status_code, rejected)


async def _in_the_one_form(response: Response[Any]) -> Response[Any]:
    """Answer for a page of the documents that is not there, which Litestar would answer in HTML."""
    if response.status_code != 404:
        return response
    message = "there is no such document; /docs lists them"
    return error_response(404, Rejected("NOT_FOUND", message, "not_sent", field="path"))


def _wrong_method(request: Request[Any, Any, Any], methods: Sequence[str]) -> Json:
    method = request.method
    message = f"{method} is not a method of {request.scope['path']}"
    rejected = Rejected("METHOD_NOT_ALLOWED", message, "not_sent", field="method", value=method)
    response = error_response(405, rejected)
    response.headers["Allow"] = ", ".join(methods)
    return response


def on_node_failed(request: Request[Any, Any, Any], error: NodeFailed) -> Json:
    """Answer what the node can no longer know."""
    return error_response(503, Rejected("SHUTTING_DOWN", str(error), "unknown"))


def on_fault(request: Request[Any, Any, Any], error: Exception) -> Json:
    """Answer a fault of our own, in the one form; the log has the rest."""
    logger("gateway").error("request_failed", path=request.scope["path"], exc_info=error)
    return error_response(500, Rejected("INTERNAL", "the node is at fault", "unknown"))


class _App(Litestar):
    """Litestar without its plugins for libraries that no route of ours uses.

    The one for pydantic alone loads pydantic's first version too, 3 MB.
    """

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]


def build_app(site: Site) -> Litestar:
    """Return the application of one node."""
    handlers = [*_market_routes(site), *_node_routes(site), *_page_routes()]
    if site.demo_key is not None:
        handlers.append(_demo_route(site.demo_key, site.hosts))
    app = _App(
        route_handlers=handlers,
        exception_handlers={
            HTTPException: on_http_error,
            NodeFailed: on_node_failed,
            Exception: on_fault,
        },
        openapi_config=OpenAPIConfig(
            title="Coulisse",
            version="1",
            description=(
                "Public reads, and private operations by signed requests. Feeds, and the same "
                "operations, are on the WebSocket at /v1/ws: see /docs/asyncapi.json."
            ),
            openapi_router=Router(
                "/docs", route_handlers=[], include_in_schema=False, after_request=_in_the_one_form
            ),
            render_plugins=[DocsPage(path="/"), JsonRenderPlugin()],
        ),
        logging_config=None,
    )
    document_answers(app.openapi_schema)
    return app


def _market_routes(site: Site) -> list[HTTPRouteHandler]:
    @get("/v1/instruments", summary="All instruments with their rules", before_request=checked())
    async def instruments() -> Json:
        body = site.core.instruments_json()
        await site.durable()
        return json_response(body)

    @get(
        "/v1/book/{symbol:str}",
        summary="The book of one instrument, as an image at a seq",
        before_request=checked(depth=Whole(0, DEPTH_MAX)),
    )
    async def book(
        symbol: Symbol,
        depth: Annotated[
            int, QueryParameter(ge=0, le=DEPTH_MAX, description="levels; 0: all")
        ] = 50,
    ) -> Json:
        body = site.core.book_json(_wire(symbol), depth)
        if body is None:
            return unknown_symbol(symbol)
        await site.durable()
        return json_response(body)

    @get(
        "/v1/trades/{symbol:str}",
        summary="The latest trades of one instrument, newest first",
        before_request=checked(limit=Whole(1, TRADES_MAX)),
    )
    async def trades(
        symbol: Symbol,
        limit: Annotated[int, QueryParameter(ge=1, le=TRADES_MAX, description="how many")] = 100,
    ) -> Json:
        body = site.core.trades_json(_wire(symbol), limit)
        if body is None:
            return unknown_symbol(symbol)
        await site.durable()
        return json_response(body)

    return [instruments, book, trades, _candles_route(site)]


def _candles_route(site: Site) -> HTTPRouteHandler:
    @get(
        "/v1/candles/{symbol:str}",
        summary="Candles of one instrument, oldest first, in UTC",
        description=(
            "The latest ones; with `cursor` older ones, of which a node that has no time series "
            "keeps 60 of each interval."
        ),
        before_request=checked(
            interval=OneOf(CANDLE_INTERVALS),
            limit=Whole(1, PAGE_MAX),
            cursor=Whole(0, TIME_MAX_US),
            gaps=OneOf(get_args(Gaps)),
        ),
    )
    async def candles(
        symbol: Symbol,
        interval: Interval = "1m",
        limit: Annotated[int, QueryParameter(ge=1, le=PAGE_MAX, description="how many")] = 60,
        cursor: Annotated[
            int | None,
            QueryParameter(
                ge=0, le=TIME_MAX_US,
                description="next_cursor of the page before: they begin before this time, in µs",
            ),
        ] = None,
        gaps: Annotated[
            Gaps,
            QueryParameter(
                description="of an interval without a trade: nothing, or a candle of no qty"
            ),
        ] = "omit",
    ) -> Json:  # fmt: skip
        found = site.core.latest_candles(_wire(symbol), interval)
        if found is None:
            return unknown_symbol(symbol)
        seq, kept = found
        asked = Asked(_wire(symbol), interval, limit, cursor, gaps)
        try:
            page, before_us = await page_of(asked, kept, site.series)
        except SeriesBehind as error:
            return error_response(503, Rejected("SEQ_NOT_REACHED", str(error), "not_sent"))
        body = site.core.candles_page(asked.symbol, interval, (seq, page, before_us))
        await site.durable()
        return json_response(body)

    return candles


def _node_routes(site: Site) -> list[HTTPRouteHandler]:
    @get("/healthz", summary="Whether the process lives, and what it says about itself")
    async def healthz() -> Json:
        _, facts = site.health()
        return json_response(facts)

    @get("/readyz", summary="Whether the node takes orders: 200 or 503")
    async def readyz() -> Json:
        ready, facts = site.health()
        return json_response(facts, 200 if ready else 503)

    @get("/metrics", summary="Metrics for Prometheus", media_type="text/plain")
    async def metrics() -> Json:
        return Response(site.metrics(), media_type=CONTENT_TYPE)

    return [healthz, readyz, metrics]


def _page_routes() -> list[HTTPRouteHandler]:
    def page_file(path: str, name: str) -> HTTPRouteHandler:
        content, media_type = read_page_file(name)

        @get(path, include_in_schema=False, name=name)
        async def file() -> Json:
            return Response(content, media_type=media_type, headers=HEADERS)

        return file

    asyncapi_json = _core.asyncapi_json().encode()

    @get("/docs/asyncapi.json", include_in_schema=False)
    async def asyncapi() -> Json:
        return json_response(asyncapi_json)

    return [
        page_file("/", "index.html"),
        page_file("/page/page.js", "page.js"),
        page_file("/page/session.js", "session.js"),
        page_file("/page/page.css", "page.css"),
        asyncapi,
    ]


def _demo_route(key: Mapping[str, str], hosts: Collection[str]) -> HTTPRouteHandler:
    @get("/demo/key", summary="The visitor's key; there is one in a demo only")
    async def demo_key(request: Request[Any, Any, Any]) -> Json:
        # A site may let its own name point here, and its page is then of this origin to a browser.
        host = request.headers.get("host", "")
        if not is_host(hosts, host):
            message = "this demo has no such name; gateway.names may hold more"
            return error_response(
                403, Rejected("NOT_PERMITTED", message, "not_sent", field="host", value=host)
            )
        response = json_response(key)
        response.headers["Cache-Control"] = "no-store"
        return response

    return demo_key


def is_host(hosts: Collection[str], host: str) -> bool:
    """Tell whether a Host header names one of `hosts`, as crates/gateway/src/site.rs does."""
    name, colon, port = host.rpartition(":")
    named = name if colon and (port == "" or port.isdecimal()) else host
    return "*" in hosts or named.lower() in {known.lower() for known in hosts}


def _wire(symbol: str) -> str:
    try:
        return wire_symbol(symbol)
    except ValueError:
        return symbol


def _invalid_value(error: ValidationException) -> Rejected:
    faults = error.extra if isinstance(error.extra, list) else []
    first = faults[0] if faults and isinstance(faults[0], dict) else {}
    field = str(first.get("key", "")) or None
    message = str(first.get("message", error.detail))
    return Rejected("INVALID_VALUE", message, "not_sent", field=field)
