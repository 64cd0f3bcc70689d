"""`Withdrawals`: money to outside, and the second person that it takes above a cap.

Every request carries an id, drawn where none is given: asked again after a lost connection, it is
done once. What is refused is `Refused`; a lost connection that does not come back `ConnectionLost`.
"""

from __future__ import annotations

from collections.abc import Mapping

from coulisse.client.link import Link
from coulisse.client.lists import all_items
from coulisse.domain.money import Number, as_text
from coulisse.domain.withdrawals import (
    Withdrawal,
    WithdrawalCap,
    cap_from_wire,
    withdrawal_from_wire,
)

Done = Mapping[str, object]
"""A result as on the wire: `state`, the seq at which it holds, and what else there is to say."""


class Withdrawals:
    """Asked for by whoever may `withdraw`; approved by another person with `admin`."""

    def __init__(self, link: Link) -> None:
        """Ask over `link`."""
        self._link = link

    async def request(
        self,
        asset: str,
        qty: Number,
        *,
        account: str | None = None,
        request_id: str | None = None,
    ) -> Done:
        """Debit an account to outside; the key's own where none is named.

        `state` is `settled`, or `pending` where it goes beyond the asset's cap for a day: then it
        is held under its `withdrawal_id` until another person approves it.
        """
        params = {"asset": asset, "qty": as_text(qty)}
        return await self._link.ask_once("account.withdraw", params, request_id, account)

    async def pending(self, account: str | None = None) -> list[Withdrawal]:
        """Return the pending withdrawals of an account; of the key's own where none is named."""
        params: dict[str, object] = {}
        items = await all_items(self._link, "withdrawals.get", "withdrawals", params, account)
        return [withdrawal_from_wire(item) for item in items]

    async def cancel(
        self, withdrawal_id: str, *, account: str | None = None, request_id: str | None = None
    ) -> Done:
        """Take back a pending withdrawal; what it held may be spent again."""
        params = {"withdrawal_id": withdrawal_id}
        return await self._link.ask_once("withdrawal.cancel", params, request_id, account)

    async def all_pending(self) -> list[Withdrawal]:
        """Return the pending withdrawals of all accounts; needs an admin key."""
        items = await all_items(self._link, "withdrawals.pending", "withdrawals", {})
        return [withdrawal_from_wire(item) for item in items]

    async def approve(self, withdrawal_id: str, *, request_id: str | None = None) -> Done:
        """Let a pending withdrawal go out; needs an admin key of another person than who asked."""
        return await self._link.ask_once(
            "withdrawal.approve", {"withdrawal_id": withdrawal_id}, request_id
        )

    async def reject(self, withdrawal_id: str, *, request_id: str | None = None) -> Done:
        """Refuse a pending withdrawal; needs an admin key."""
        return await self._link.ask_once(
            "withdrawal.reject", {"withdrawal_id": withdrawal_id}, request_id
        )

    async def caps(self) -> list[WithdrawalCap]:
        """Return the cap of each asset; needs an admin key."""
        items = await all_items(self._link, "withdrawal_caps.get", "caps", {})
        return [cap_from_wire(item) for item in items]

    async def set_cap(self, asset: str, cap: Number, *, request_id: str | None = None) -> Done:
        """Set how much an account may withdraw in a day without a second person.

        `state` is `set`, or `proposed` where it is to be raised: another person with an admin key
        must then ask for the same.
        """
        params = {"asset": asset, "cap": as_text(cap)}
        return await self._link.ask_once("withdrawal_cap.set", params, request_id)
