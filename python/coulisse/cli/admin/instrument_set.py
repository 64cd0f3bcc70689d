"""`coulisse admin instrument-set`: how an instrument is traded."""

from __future__ import annotations

from typing import Annotated

import typer

from coulisse.cli.admin.asking import Asked, Symbol, asking


@asking
def instrument_set(
    symbol: Symbol,
    matching: Annotated[
        str | None, typer.Option("--matching", help="price_time [default] or pro_rata.")
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option("--reference", help="What prices are measured against: last, mid or mark."),
    ] = None,
    collar: Annotated[
        str | None, typer.Option("--collar", help="How far a limit may be from it: 0.05 is 5 %.")
    ] = None,
    slippage: Annotated[
        str | None, typer.Option("--slippage", help="How far a market order may go from it.")
    ] = None,
    band: Annotated[
        str | None, typer.Option("--band", help="How far a trade may be before an auction begins.")
    ] = None,
    auction_s: Annotated[
        float | None, typer.Option("--auction-s", min=0, help="How long that auction lasts.")
    ] = None,
    auction_fee: Annotated[
        str | None, typer.Option("--auction-fee", help="What both sides pay in an auction.")
    ] = None,
) -> Asked:
    """Set how SYMBOL is traded; what is not given is set to its default."""
    auction_time_us = None if auction_s is None else round(auction_s * 1_000_000)
    return (
        lambda client, once: client.admin.configure_instrument(
            symbol,
            matching=matching,
            reference=reference,
            collar=collar,
            slippage=slippage,
            band=band,
            auction_time_us=auction_time_us,
            auction_fee=auction_fee,
            request_id=once,
        ),
        f"{symbol}: set",
    )
