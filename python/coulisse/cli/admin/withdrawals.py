"""`coulisse admin withdrawals`: money to outside, and the second person above a cap."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from coulisse.cli.admin.asking import Asked, Result, asking
from coulisse.cli.options import AsJson, KeyFile, Url
from coulisse.cli.runner import connect, run

app = typer.Typer(
    help="Money to outside. Above an asset's cap it takes a second person.", no_args_is_help=True
)
WithdrawalId = Annotated[str, typer.Argument(help="The pending withdrawal.")]
Asset = Annotated[str, typer.Argument(help="The asset, as USD.")]


@app.command("list")
def list_pending(as_json: AsJson = False, url: Url = None, key_file: KeyFile = None) -> None:
    """List the withdrawals of all accounts that are pending."""
    run(_list(as_json, url, key_file))


async def _list(as_json: bool, url: str | None, key_file: Path | None) -> None:
    async with await connect(url, key_file) as client:
        rows = await client.withdrawals.all_pending()
    if as_json:
        shown = [asdict(row) | {"qty": str(row.qty)} for row in rows]
        typer.echo(json.dumps({"ok": True, "withdrawals": shown}))
        return
    for row in rows:
        asked_by = row.asked_by or "the node"
        typer.echo(f"{row.withdrawal_id}  {row.account}  {row.qty} {row.asset}  by {asked_by}")


@app.command("request")
@asking
def request(
    account: Annotated[str, typer.Argument(help="From which account.")],
    asset: Asset,
    qty: Annotated[str, typer.Argument(help="How much.")],
) -> Asked:
    """Withdraw QTY of ASSET from ACCOUNT. Needs a key that may withdraw."""
    return (
        lambda client, once: client.withdrawals.request(
            asset, qty, account=account, request_id=once
        ),
        _state_of(f"{account}: {qty} {asset}"),
    )


@app.command("approve")
@asking
def approve(
    withdrawal_id: WithdrawalId,
) -> Asked:
    """Let a pending withdrawal go out. It takes another person than the one who asked."""
    return (
        lambda client, once: client.withdrawals.approve(withdrawal_id, request_id=once),
        _state_of(withdrawal_id),
    )


@app.command("reject")
@asking
def reject(
    withdrawal_id: WithdrawalId,
) -> Asked:
    """Refuse a pending withdrawal: what it held may be spent again."""
    return (
        lambda client, once: client.withdrawals.reject(withdrawal_id, request_id=once),
        _state_of(withdrawal_id),
    )


@app.command("cancel")
@asking
def cancel(
    withdrawal_id: WithdrawalId,
    account: Annotated[
        str | None, typer.Option("--account", help="From which account [the key's own].")
    ] = None,
) -> Asked:
    """Take back a pending withdrawal: what it held may be spent again.

    Needs a key that may withdraw.
    """
    return (
        lambda client, once: client.withdrawals.cancel(
            withdrawal_id, account=account, request_id=once
        ),
        _state_of(withdrawal_id),
    )


@app.command("cap")
@asking
def cap(
    asset: Asset,
    cap: Annotated[str, typer.Argument(help="How much in a day; 0: all needs two.")],
) -> Asked:
    """Set what an account may withdraw of ASSET in a day without a second person.

    To raise it takes two persons: the first proposes, the second asks for the same.
    """
    return (
        lambda client, once: client.withdrawals.set_cap(asset, cap, request_id=once),
        _state_of(f"{asset}: {cap} a day"),
    )


@app.command("caps")
def caps(as_json: AsJson = False, url: Url = None, key_file: KeyFile = None) -> None:
    """List the cap of each asset, and what is proposed."""
    run(_caps(as_json, url, key_file))


async def _caps(as_json: bool, url: str | None, key_file: Path | None) -> None:
    async with await connect(url, key_file) as client:
        rows = await client.withdrawals.caps()
    if as_json:
        texts = [{k: _shown(v) for k, v in asdict(row).items()} for row in rows]
        typer.echo(json.dumps({"ok": True, "caps": texts}))
        return
    for row in rows:
        more = "" if row.proposed is None else f"  {row.proposed} proposed by {row.proposed_by}"
        typer.echo(f"{row.asset}  {row.cap}{more}")


def _shown(value: object) -> object:
    return value if isinstance(value, int | None) else str(value)


def _state_of(what: str) -> Callable[[Result], str]:
    """Say of `what` how it stands, and under which id it waits."""

    def says(result: Result) -> str:
        state = "done before" if result.get("duplicate") else result["state"]
        named = f" ({result['withdrawal_id']})" if state == "pending" else ""
        return f"{what}: {state}{named}"

    return says
