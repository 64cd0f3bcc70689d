"""`coulisse order buy|sell`: place an order."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from coulisse.cli.numbers import BuyOrSell
from coulisse.cli.options import AccountName, AsJson, KeyFile, Url
from coulisse.cli.runner import connect, fail, run, show_outcome
from coulisse.domain.money import as_text
from coulisse.domain.outcomes import OrderResult
from coulisse.domain.requests import OrderTerms

app = typer.Typer(help="Place an order.", no_args_is_help=True)

Qty = Annotated[str, typer.Argument(help="How much of the base asset, as 0.01.")]
Symbol = Annotated[str, typer.Argument(help="The instrument, as BTC-USD.")]
Price = Annotated[
    str | None, typer.Argument(help="The limit, as @60000; without it, a market order.")
]
Tif = Annotated[str | None, typer.Option("--tif", help="gtc, ioc, fok, gtd or day.")]
PostOnly = Annotated[bool, typer.Option("--post-only", help="Refuse it if it would trade at once.")]
OwnId = Annotated[
    str | None,
    typer.Option("--client-order-id", help="The same id again never places a second order."),
]
Type = Annotated[
    str | None,
    typer.Option(
        "--type",
        help="limit or market if absent; stop, stop_limit, take_profit, take_profit_limit or "
        "trailing_stop.",
    ),
]
TriggerPrice = Annotated[
    str | None, typer.Option("--trigger", help="Where a stop or a take-profit acts.")
]
TriggerOn = Annotated[
    str | None, typer.Option("--trigger-on", help="The price that it looks at: last or mark.")
]
Trail = Annotated[
    str | None,
    typer.Option("--trail", help="How far a trailing stop stays behind, as 50.00 or as 25bp."),
]
Display = Annotated[str | None, typer.Option("--display", help="How much of it the book shows.")]
MinQty = Annotated[
    str | None, typer.Option("--min-qty", help="With --tif ioc: the least to be filled at once.")
]
Peg = Annotated[
    str | None,
    typer.Option("--peg", help="Follow bid, ask or mid; with an offset as bid+0.05 or mid-1."),
]
ReduceOnly = Annotated[bool, typer.Option("--reduce-only", help="Only make a position smaller.")]
SelfTrade = Annotated[
    str | None,
    typer.Option(
        "--self-trade", help="none, expire_taker, expire_maker, expire_both or decrement."
    ),
]
Until = Annotated[
    datetime | None,
    typer.Option("--until", help="With a gtd order: when it expires, in UTC, as 2030-01-31T12:00."),
]
Test = Annotated[bool, typer.Option("--test", help="Say what would be refused, and place nothing.")]


def _place_command(side: str) -> Callable[..., None]:
    def place(
        qty: Qty,
        symbol: Symbol,
        price: Price = None,
        type_: Type = None,
        tif: Tif = None,
        trigger: TriggerPrice = None,
        trigger_on: TriggerOn = None,
        trail: Trail = None,
        display: Display = None,
        min_qty: MinQty = None,
        peg: Peg = None,
        post_only: PostOnly = False,
        reduce_only: ReduceOnly = False,
        self_trade: SelfTrade = None,
        until: Until = None,
        client_order_id: OwnId = None,
        test: Test = False,
        account: AccountName = None,
        as_json: AsJson = False,
        url: Url = None,
        key_file: KeyFile = None,
    ) -> None:
        terms = OrderTerms(
            price=_price(price), type=type_, tif=tif, trigger_price=trigger, trigger_on=trigger_on,
            display_qty=display, min_qty=min_qty, post_only=post_only or None,
            reduce_only=reduce_only or None, self_trade=self_trade,
            expire_time=None if until is None else until.replace(tzinfo=UTC),
        )  # fmt: skip
        _add_trail(terms, trail)
        _add_peg(terms, peg)
        order = (side, qty, symbol, client_order_id, account)
        act = _test if test else _place
        run(act(order, terms, as_json, url, key_file))

    place.__doc__ = f"{side.capitalize()} QTY of SYMBOL [@PRICE]."
    return place


app.command("buy", cls=BuyOrSell)(_place_command("buy"))
app.command("sell", cls=BuyOrSell)(_place_command("sell"))


def _price(price: str | None) -> str | None:
    if price is not None and not price.startswith("@"):
        fail(f"write the price as @{price}")
    return None if price is None else price[1:]


def _add_trail(terms: OrderTerms, trail: str | None) -> None:
    if trail is not None and trail.endswith("bp"):
        if not trail[:-2].isdecimal():
            fail(f"basis points are a whole number, as 25bp, not {trail!r}")
        terms["trail_bp"] = int(trail[:-2])
    else:
        terms["trail"] = trail
    if trail is not None and terms.get("type") is None:
        terms["type"] = "trailing_stop"


def _add_peg(terms: OrderTerms, peg: str | None) -> None:
    if peg is None:
        return
    found = re.fullmatch(r"(bid|ask|mid)([+-][0-9.]+)?", peg)
    if found is None:
        fail(f"--peg is bid, ask or mid, with an offset as bid+0.05, not {peg!r}")
        return
    terms["peg"] = found[1]
    terms["peg_offset"] = found[2].removeprefix("+") if found[2] else None


Named = tuple[str, str, str, str | None, str | None]


async def _place(
    order: Named, terms: OrderTerms, as_json: bool, url: str | None, key_file: Path | None
) -> None:
    side, qty, symbol, client_order_id, account = order
    async with await connect(url, key_file) as client:
        outcome = await client.place(
            symbol, side, qty, client_order_id=client_order_id, account=account, **terms
        )
    done = _sentence(outcome, side, qty, symbol) if isinstance(outcome, OrderResult) else ""
    show_outcome(outcome, as_json, done)


async def _test(
    order: Named, terms: OrderTerms, as_json: bool, url: str | None, key_file: Path | None
) -> None:
    side, qty, symbol, client_order_id, account = order
    async with await connect(url, key_file) as client:
        refusal = await client.test(
            symbol, side, qty, client_order_id=client_order_id, account=account, **terms
        )
    if refusal is not None:
        show_outcome(refusal, as_json, "")
    elif as_json:
        typer.echo(json.dumps({"ok": True}))
    else:
        typer.echo(f"would be taken: {side} {qty} {symbol}")


def _sentence(order: OrderResult, side: str, qty: str, symbol: str) -> str:
    filled = "" if order.filled is None else f", filled {as_text(order.filled)}"
    again = " (placed before)" if order.duplicate else ""
    return f"order {order.order_id}: {side} {qty} {symbol}: {order.state}{filled}{again}"
