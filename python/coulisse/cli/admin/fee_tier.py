"""`coulisse admin fee-tier`: what accounts pay who trade much."""

from __future__ import annotations

from typing import Annotated

import typer

from coulisse.cli.admin.asking import Asked, asking


@asking
def fee_tier(
    asset: Annotated[str, typer.Argument(help="The quote asset, as USD.")],
    tier: Annotated[int, typer.Argument(min=1, help="Which tier, from 1.")],
    threshold: Annotated[
        str,
        typer.Argument(
            help="From how much traded in 30 days it holds, or none to take the tier away."
        ),
    ],
    maker_fee: Annotated[
        str, typer.Option("--maker-fee", help="Of the resting side; a rebate is below 0.")
    ] = "0",
    taker_fee: Annotated[str, typer.Option("--taker-fee", help="Of the arriving side.")] = "0",
) -> Asked:
    """Set what accounts pay in ASSET from THRESHOLD on."""
    bound = None if threshold == "none" else threshold
    return (
        lambda client, once: client.admin.set_fee_tier(
            asset, tier, bound, maker_fee=maker_fee, taker_fee=taker_fee, request_id=once
        ),
        f"{asset}: tier {tier} from {threshold}",
    )
