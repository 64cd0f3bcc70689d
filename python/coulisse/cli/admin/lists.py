"""`coulisse admin accounts`, `groups`, `limits`, `fee-tiers`: what was set, as it stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from coulisse.cli.admin.asking import Asked, Result, asking_again

if TYPE_CHECKING:
    from coulisse.client.client import Client
    from coulisse.client.lists import Item


def _lines(name: str, line: Callable[[Item], str]) -> Callable[[Result], str]:
    """Say a line of each row; what there is none of says nothing."""
    return lambda result: "\n".join(line(row) for row in result[name])


@asking_again
def accounts() -> Asked:
    """List all accounts, with the groups that they are in."""

    async def work(client: Client, _: str | None) -> Result:
        return {"accounts": await client.admin.accounts()}

    def line(row: Item) -> str:
        group, trade_group = row.get("group", "none"), row.get("trade_group", "none")
        return f"{row['account']}  group {group}  trade group {trade_group}"

    return work, _lines("accounts", line)


@asking_again
def groups() -> Asked:
    """List all groups of accounts."""

    async def work(client: Client, _: str | None) -> Result:
        return {"groups": await client.admin.groups()}

    return work, _lines("groups", lambda row: str(row["group"]))


@asking_again
def limits() -> Asked:
    """List the limits in force: whom each binds, what it bounds, and the bound."""

    async def work(client: Client, _: str | None) -> Result:
        version = await client.admin.limit_version()
        return {"version": version, "limits": await client.admin.limits()}

    def line(row: Item) -> str:
        whom = ":".join(str(row[name]) for name in ("scope", "scope_id") if name in row)
        what = " ".join(str(row[name]) for name in ("kind", "subject") if name in row)
        burst = f"  burst {row['burst']}" if "burst" in row else ""
        return f"{whom}  {what}  {row['limit']}{burst}"

    return work, _lines("limits", line)


@asking_again
def fee_tiers() -> Asked:
    """List the tiers of all fee schedules."""

    async def work(client: Client, _: str | None) -> Result:
        return {"fee_tiers": await client.admin.fee_tiers()}

    def line(row: Item) -> str:
        fees = f"maker {row['maker_fee']}  taker {row['taker_fee']}"
        return f"{row['asset']}  tier {row['tier']}  from {row['threshold']}  {fees}"

    return work, _lines("fee_tiers", line)
