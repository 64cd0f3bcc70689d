"""Fee tiers, rebates and what rounding up gains, in the reference exchange (section 21)."""

from tests.model.book import PPM, Instrument, Order
from tests.model.codec import Header, Message
from tests.model.orders import ASSET_TOTAL_MINOR_MAX, require
from tests.model.positions import Positions

FEE_TIERS_MAX = 16
FEE_PPM_MAX = REBATE_PPM_MAX = 100_000
FEE_DAYS = 30


class Fees(Positions):
    """Which rates an order pays, and what of a trade."""

    def __init__(self) -> None:
        super().__init__()
        # Tiers of each quote asset that ever had one, by number.
        self.tiers: dict[int, dict[int, Message]] = {}
        # Notional traded by (account, quote asset) and day, since the asset first had a tier.
        self.traded: dict[tuple[int, int], dict[int, int]] = {}

    def _fee_tier_set(self, header: Header, c: Message) -> None:
        self._require_asset("asset", c.asset)
        code, within = "AMOUNT_OUT_OF_RANGE", 1 <= c.tier <= FEE_TIERS_MAX
        require(within, f"{code} tier number", c.tier, FEE_TIERS_MAX)
        if c.threshold >= 0:
            within = -REBATE_PPM_MAX <= c.maker_fee <= FEE_PPM_MAX
            require(within, f"{code} maker_fee ppm", c.maker_fee, FEE_PPM_MAX)
            within = max(0, c.maker_fee) <= c.taker_fee <= FEE_PPM_MAX
            require(within, f"{code} taker_fee ppm", c.taker_fee, FEE_PPM_MAX)
            most = ASSET_TOTAL_MINOR_MAX
            within = c.threshold <= most
            require(within, f"{code} threshold asset_minor", c.threshold, most)
            self.tiers.setdefault(c.asset, {})[c.tier] = c
        else:
            self.tiers.get(c.asset, {}).pop(c.tier, None)
        self.emit("FeeTierChanged", **vars(c))

    def traded_notional(self, account: int, asset: int) -> int:
        """What an account traded in a quote asset today and on the 29 days before."""
        days = self.traded.get((account, asset), {})
        return sum(notional for day, notional in days.items() if self.today - day < FEE_DAYS)

    def _rates(self, account: int, instrument: Instrument) -> tuple[int, int]:
        """The maker and the taker rate of an order that is accepted now."""
        asset = instrument.rules.quote
        traded = self.traded_notional(account, asset)
        reached = [tier for tier in self.tiers.get(asset, {}).values() if tier.threshold <= traded]
        last = max(reached, key=lambda tier: (tier.threshold, tier.tier), default=instrument.rules)
        return last.maker_fee, last.taker_fee

    def _count_fill(self, order: Order, qty: int, notional: int, fee: int) -> None:
        super()._count_fill(order, qty, notional, fee)
        asset = order.instrument.rules.quote
        if asset in self.tiers:
            days = self.traded.setdefault((order.account, asset), {})
            days[self.today] = days.get(self.today, 0) + notional

    def _charge(self, order: Order, rate: int, notional: int, most_rebate: int = 0) -> int:
        """Charge one side of a trade and return its fee; a rebate beyond the most is forfeited."""
        fee = max(order.charge_with(rate, notional) - order.charged, -most_rebate)
        is_cut = fee > order.charge_with(rate, notional) - order.charged
        order.traded += notional
        order.charged += fee
        if is_cut:
            order.fee_parts = min(order.fee_parts, PPM * order.charged)
        else:
            order.fee_parts += rate * notional
        return fee

    def _after_close(self, order: Order) -> None:
        super()._after_close(order)
        self._round_off(order)

    def _round_off(self, order: Order) -> None:
        """The minor unit that rounding up added leaves the fees."""
        if order.fee_parts % PPM != 0:
            self.ledger.post(order.instrument.rules.quote, 1, ("fees", 0), ("rounding", 0))
