"""The part of the traffic that is about withdrawals: caps, who approves, who takes back."""

import random
from dataclasses import dataclass, replace

from tests.model.codec import Header, Message
from tests.model.exchange import ReferenceExchange
from tests.model.orders import ASSET_TOTAL_MINOR_MAX
from tests.model.withdrawals import NOTHING
from tests.model.world import World

ADMIN = 8


@dataclass(slots=True)
class WithdrawalsTraffic:
    """The next command of section 27 beside `Withdraw`, good and bad."""

    rng: random.Random
    world: World

    def next(self, exchange: ReferenceExchange, header: Header) -> tuple[Header, Message]:
        """Mostly about what waits, and mostly by who may."""
        rng = self.rng
        kind = rng.randrange(100)
        if kind < 30 or not exchange.waiting:
            return self._cap(exchange, header)
        which = rng.choice([*exchange.waiting])
        one = exchange.waiting[which]
        if kind < 36:
            which = rng.choice((0, which - 1, exchange.last_seq + 1, 2**64 - 1))
        if kind < 80:
            header = replace(header, key=self._approver(exchange, one.asked_by))
            return header, Message("WithdrawalApprove", withdrawal_id=which)
        if kind < 90:
            return header, Message("WithdrawalReject", withdrawal_id=which)
        own = one.account if rng.randrange(4) else header.account
        header = replace(header, account=own, key=header.key * (rng.randrange(2)))
        return header, Message("WithdrawalCancel", withdrawal_id=which)

    def _cap(self, exchange: ReferenceExchange, header: Header) -> tuple[Header, Message]:
        """A cap; often by a key, and often the one that is proposed."""
        rng, world = self.rng, self.world
        proposed = {a: c for a, c in exchange.caps.items() if c.proposed != NOTHING}
        asset = rng.randrange(1, len(exchange.assets) + 1)
        purse = world.purse_minor(min(asset, world.instruments + 1))
        cap = rng.choice((0, 1, purse // 9, purse // 2, purse, purse * 50))
        if rng.randrange(100) < 8:
            cap = rng.choice((-1, ASSET_TOTAL_MINOR_MAX, ASSET_TOTAL_MINOR_MAX + 1))
        if proposed and rng.randrange(3):
            asset = rng.choice([*proposed])
            cap, asked_by = proposed[asset].proposed, proposed[asset].proposed_by
            header = replace(header, key=self._approver(exchange, asked_by))
        elif rng.randrange(2):
            header = replace(header, key=self._approver(exchange, 0))
        asset = rng.choice((0, 99)) if rng.randrange(100) < 4 else asset
        return header, Message("WithdrawalCapSet", asset=asset, cap=cap)

    def _approver(self, exchange: ReferenceExchange, asked_by: int) -> int:
        """An operator's key; seldom the asker's, or anyone's."""
        rng = self.rng
        if rng.randrange(100) < 15:
            return rng.choice((0, asked_by, rng.randrange(1, len(exchange.keys) + 1)))
        keys = enumerate(exchange.keys, start=1)
        fit = [index for index, (c, _) in keys if c.permissions & ADMIN and c.state == "active"]
        return rng.choice(fit or [0])
