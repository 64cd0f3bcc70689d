"""`coulisse admin`: what an operator does to a market and to those who trade on it."""

from __future__ import annotations

import typer

from coulisse.cli.admin import (
    accounts,
    auction,
    fee_tier,
    halt,
    instrument_set,
    key_bind,
    key_create,
    key_revoke,
    keys,
    kill_reset,
    kill_switch,
    limit,
    listing,
    lists,
    mark,
    password_set,
    person_create,
    reopen,
    risk_state,
    withdrawals,
)

app = typer.Typer(help="What an operator does. Needs an admin key.", no_args_is_help=True)
app.command("halt")(halt.halt)
app.command("open")(reopen.reopen)
app.command("mark")(mark.mark)
app.command("limit")(limit.limit)
app.command("kill-switch")(kill_switch.kill_switch)
app.command("kill-reset")(kill_reset.kill_reset)
app.command("key-create")(key_create.key_create)
app.command("person-create")(person_create.person_create)
app.command("password-set")(password_set.password_set)
app.command("key-bind")(key_bind.key_bind)
app.command("key-revoke")(key_revoke.key_revoke)
app.command("keys")(keys.keys)
app.command("risk-state")(risk_state.risk_state)
app.command("accounts")(lists.accounts)
app.command("groups")(lists.groups)
app.command("limits")(lists.limits)
app.command("fee-tiers")(lists.fee_tiers)
app.command("account-create")(accounts.account_create)
app.command("account-set")(accounts.account_set)
app.command("group-create")(accounts.group_create)
app.command("asset-create")(listing.asset_create)
app.command("instrument-create")(listing.instrument_create)
app.command("instrument-set")(instrument_set.instrument_set)
app.command("auction")(auction.auction)
app.command("fee-tier")(fee_tier.fee_tier)
app.add_typer(withdrawals.app, name="withdrawals")
