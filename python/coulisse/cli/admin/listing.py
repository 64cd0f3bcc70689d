"""`coulisse admin asset-create`, `instrument-create`: what is traded."""

from __future__ import annotations

from typing import Annotated

import typer

from coulisse.cli.admin.asking import Asked, Symbol, asking


@asking
def asset_create(
    name: Annotated[str, typer.Argument(help="2 to 12 of A-Z 0-9, as ETH.")],
    scale: Annotated[
        int, typer.Argument(min=0, help="Decimals of its smallest unit: 8 for ETH, 2 for USD.")
    ],
) -> Asked:
    """Make the asset NAME, kept to SCALE decimals."""
    return (
        lambda client, once: client.admin.create_asset(name, scale, request_id=once),
        f"{name}: asset of {scale} decimals made",
    )


@asking
def instrument_create(
    symbol: Symbol,
    tick_size: Annotated[str, typer.Option("--tick-size", help="The smallest price step.")],
    lot_size: Annotated[str, typer.Option("--lot-size", help="The smallest quantity step.")],
    min_qty: Annotated[
        str | None, typer.Option("--min-qty", help="The smallest order [one lot].")
    ] = None,
    max_qty: Annotated[str | None, typer.Option("--max-qty", help="The largest order.")] = None,
    min_notional: Annotated[
        str | None, typer.Option("--min-notional", help="The smallest notional of an order [none].")
    ] = None,
    maker_fee: Annotated[
        str, typer.Option("--maker-fee", help="Of the resting side: 0.0002 is 2 basis points.")
    ] = "0",
    taker_fee: Annotated[str, typer.Option("--taker-fee", help="Of the arriving side.")] = "0",
) -> Asked:
    """List SYMBOL, of two assets that exist. It is open at once."""
    return (
        lambda client, once: client.admin.create_instrument(
            symbol,
            tick_size,
            lot_size,
            min_qty=min_qty,
            max_qty=max_qty,
            min_notional=min_notional,
            maker_fee=maker_fee,
            taker_fee=taker_fee,
            request_id=once,
        ),
        f"{symbol}: listed",
    )
