"""`Admin`: what only a key with the admin permission may ask for.

Every request carries an id, drawn where none is given: asked again after a lost connection, it is
done once. What is refused is `Refused`; a lost connection that does not come back `ConnectionLost`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from coulisse.client.link import Link
from coulisse.client.lists import Item, all_items
from coulisse.domain.money import Number, as_text
from coulisse.domain.requests import micros
from coulisse.domain.symbols import wire_symbol

Done = Mapping[str, object]
"""A result as on the wire: the seq at which it holds, and what else there is to say."""


class Admin:
    """What an operator asks for. Rates are fractions: `0.05` is 5 %."""

    def __init__(self, link: Link) -> None:
        """Ask over `link`."""
        self._link = link

    async def create_group(self, name: str, *, request_id: str | None = None) -> Done:
        """Make a group of accounts, which limits, states and kill switches can bind together."""
        return await self._link.ask_once("group.create", {"name": name}, request_id)

    async def configure_account(
        self,
        account: str,
        *,
        group: str | None = None,
        trade_group: int | None = None,
        request_id: str | None = None,
    ) -> Done:
        """Put an account into groups; what is not given is set to none."""
        params = {"group": group, "trade_group": trade_group}
        return await self._link.ask_once("account.configure", params, request_id, account)

    async def configure_instrument(
        self,
        symbol: str,
        *,
        matching: str | None = None,
        reference: str | None = None,
        collar: Number | None = None,
        slippage: Number | None = None,
        band: Number | None = None,
        auction_time_us: int | None = None,
        auction_fee: Number | None = None,
        request_id: str | None = None,
    ) -> Done:
        """Set how an instrument is traded; what is not given is set to its default."""
        params = {
            "symbol": wire_symbol(symbol), "matching": matching, "reference": reference,
            "collar": _text(collar), "slippage": _text(slippage), "band": _text(band),
            "auction_time": auction_time_us, "auction_fee": _text(auction_fee),
        }  # fmt: skip
        return await self._link.ask_once("instrument.configure", params, request_id)

    async def set_state(self, symbol: str, state: str, *, request_id: str | None = None) -> Done:
        """Set what an instrument takes: `open`, `cancel_only`, `post_only`, `halted`, `auction`."""
        params = {"symbol": wire_symbol(symbol), "state": state}
        return await self._link.ask_once("instrument.state", params, request_id)

    async def set_mark(self, symbol: str, price: Number, *, request_id: str | None = None) -> Done:
        """Give an instrument its mark price."""
        params = {"symbol": wire_symbol(symbol), "price": as_text(price)}
        return await self._link.ask_once("mark.set", params, request_id)

    async def set_fee_tier(
        self,
        asset: str,
        tier: int,
        threshold: Number | None,
        *,
        maker_fee: Number = 0,
        taker_fee: Number = 0,
        request_id: str | None = None,
    ) -> Done:
        """Set a tier of a quote asset's fees; a threshold of None takes it away."""
        params = {
            "asset": asset, "tier": tier, "threshold": _text(threshold) or "none",
            "maker_fee": as_text(maker_fee), "taker_fee": as_text(taker_fee),
        }  # fmt: skip
        return await self._link.ask_once("fees.set_tier", params, request_id)

    async def set_limit(
        self,
        scope: str,
        kind: str,
        limit: Number | None,
        *,
        scope_id: str | None = None,
        subject: str | None = None,
        burst: int | None = None,
        request_id: str | None = None,
    ) -> Done:
        """Set a limit of the risk gate; None takes it away.

        `scope` is `firm`, `group` or `account`; `scope_id` the name of the group or the account;
        `subject` the symbol or the asset, as `kind` needs one.
        """
        params = {
            "scope": scope, "scope_id": scope_id, "kind": kind, "subject": subject,
            "limit": _text(limit) or "none", "burst": burst,
        }  # fmt: skip
        return await self._link.ask_once("limit.set", params, request_id)

    async def set_risk_state(
        self, scope: str, state: str, *, scope_id: str | None = None, request_id: str | None = None
    ) -> Done:
        """Set what is left to the firm, a group, an account or an instrument."""
        params = {"scope": scope, "scope_id": scope_id, "state": state}
        return await self._link.ask_once("risk.set_state", params, request_id)

    async def kill(
        self, scope: str, *, scope_id: str | None = None, request_id: str | None = None
    ) -> Done:
        """Cancel all orders of the firm, a group or an account, and take no more until a reset."""
        params = {"scope": scope, "scope_id": scope_id}
        return await self._link.ask_once("kill.switch", params, request_id)

    async def reset_kill(
        self, scope: str, step: int, *, scope_id: str | None = None, request_id: str | None = None
    ) -> Done:
        """Reset a kill switch: step 1 asks for it, step 2, by another key, does it."""
        params = {"scope": scope, "scope_id": scope_id, "step": step}
        return await self._link.ask_once("kill.reset", params, request_id)

    async def create_account(self, name: str, *, request_id: str | None = None) -> Done:
        """Open an account."""
        return await self._link.ask_once("account.create", {"name": name}, request_id)

    async def create_asset(self, name: str, scale: int, *, request_id: str | None = None) -> Done:
        """Make an asset whose smallest unit has `scale` decimals."""
        return await self._link.ask_once("asset.create", {"name": name, "scale": scale}, request_id)

    async def create_instrument(
        self,
        symbol: str,
        tick_size: Number,
        lot_size: Number,
        *,
        min_qty: Number | None = None,
        max_qty: Number | None = None,
        min_notional: Number | None = None,
        maker_fee: Number = 0,
        taker_fee: Number = 0,
        request_id: str | None = None,
    ) -> Done:
        """List an instrument of two assets that exist; it is open at once."""
        params = {
            "symbol": wire_symbol(symbol), "tick_size": as_text(tick_size),
            "lot_size": as_text(lot_size), "min_qty": _text(min_qty), "max_qty": _text(max_qty),
            "min_notional": _text(min_notional), "maker_fee": as_text(maker_fee),
            "taker_fee": as_text(taker_fee),
        }  # fmt: skip
        return await self._link.ask_once("instrument.create", params, request_id)

    async def create_key(
        self,
        account: str,
        key_id: str,
        permissions: Sequence[str],
        *,
        public_key: str | None = None,
        label: str | None = None,
        expire_time: datetime | int | None = None,
        waits: bool | None = None,
        request_id: str | None = None,
    ) -> Done:
        """Let the holder of a key act for an account.

        With an Ed25519 `public_key`, 64 hexadecimal digits, the node keeps that alone. Without
        one it is an HMAC key: the result's `secret` is shown here and never again. A key that
        `waits` works once `bind_key` has bound it.
        """
        scheme = "hmac_sha256" if public_key is None else "ed25519"
        params = {
            "key_id": key_id, "permissions": list(permissions), "scheme": scheme,
            "public_key": public_key, "label": label, "expire_time": micros(expire_time),
            "waits": waits,
        }  # fmt: skip
        return await self._link.ask_once("key.create", params, request_id, account)

    async def create_person(
        self,
        account: str,
        name: str,
        password: str,
        permissions: Sequence[str],
        *,
        label: str | None = None,
        expire_time: datetime | int | None = None,
        waits: bool | None = None,
        request_id: str | None = None,
    ) -> Done:
        """Let a person act for an account, who proves it with a password.

        `name` is the id of a key like any other: `bind_key`, `revoke_key` and `keys` are for it
        too.
        """
        params = {
            "key_id": name, "permissions": list(permissions), "scheme": "password",
            "password": password, "label": label, "expire_time": micros(expire_time),
            "waits": waits,
        }  # fmt: skip
        return await self._link.ask_once("key.create", params, request_id, account)

    async def set_password(self, name: str, password: str) -> Done:
        """Give a person another password; all sessions of the person end."""
        return await self._link.ask("password.set", {"key_id": name, "password": password})

    async def bind_key(
        self,
        key_id: str,
        *,
        accounts: Sequence[str] = (),
        symbols: Sequence[str] = (),
        networks: Sequence[str] = (),
        request_id: str | None = None,
    ) -> Done:
        """Set what a key is bound to; what is empty binds to nothing. Its sessions are closed."""
        params = {
            "key_id": key_id, "accounts": list(accounts) or None,
            "symbols": [wire_symbol(symbol) for symbol in symbols] or None,
            "networks": list(networks) or None,
        }  # fmt: skip
        return await self._link.ask_once("key.bind", params, request_id)

    async def revoke_key(self, key_id: str, *, request_id: str | None = None) -> Done:
        """Refuse a key for ever: orders that come after this are refused, its sessions closed."""
        return await self._link.ask_once("key.revoke", {"key_id": key_id}, request_id)

    async def keys(self, account: str | None = None) -> Done:
        """Return the keys of an account; the own one where none is named."""
        return await self._link.ask("keys.get", {}, account)

    async def accounts(self) -> list[Item]:
        """Return all accounts: `account`, and `group` and `trade_group` where there is one."""
        return await all_items(self._link, "accounts.get", "accounts", {})

    async def groups(self) -> list[Item]:
        """Return all groups of accounts: per group `group`, its name."""
        return await all_items(self._link, "groups.get", "groups", {})

    async def limits(self) -> list[Item]:
        """Return the limits in force: `scope`, `scope_id`, `kind`, `subject`, `limit`, `burst`."""
        return await all_items(self._link, "limits.get", "limits", {})

    async def limit_version(self) -> int:
        """Return how often any limit was set."""
        return int(str((await self._link.ask("limits.get", {"limit": 1}))["version"]))

    async def fee_tiers(self) -> list[Item]:
        """Return all fee tiers: `asset`, `tier`, `threshold`, `maker_fee` and `taker_fee`."""
        return await all_items(self._link, "fee_tiers.get", "fee_tiers", {})

    async def schedule_auction(
        self,
        symbol: str,
        start: datetime | int | None = None,
        end: datetime | int | None = None,
        *,
        request_id: str | None = None,
    ) -> Done:
        """Set when the next call auction begins and ends; without times there is none."""
        params = {
            "symbol": wire_symbol(symbol), "start_time": micros(start), "end_time": micros(end)
        }  # fmt: skip
        return await self._link.ask_once("auction.schedule", params, request_id)


def _text(number: Number | None) -> str | None:
    return None if number is None else as_text(number)
