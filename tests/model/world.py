"""Small worlds for the traffic: limits, assets, instruments, accounts, keys, and their money."""

import random
from dataclasses import dataclass

from tests.model.codec import Header, Message

ASSETS = (("USD", 2), ("BTC", 3), ("ETH", 0), ("EUR", 18), ("XAU", 1))
FEES_PPM = ((0, 0), (100, 250), (1_000, 2_500), (7, 13), (0, 100_000), (100_000, 100_000))
EDGES_I64 = (0, -1, 2**53, 2**53 + 1, 2**63 - 1, -(2**63))
PRIVILEGES = (2, 15, 6, 3, 8, 4)


@dataclass(slots=True, frozen=True)
class Scale:
    """The numbers that orders of a world are drawn from."""

    mid_ticks: int
    spread_ticks: int
    qty_lots_max: int
    tick_lot_minor: int
    # Some orders rest far from all others, over many powers of two.
    wide: bool = False


SCALES = (
    Scale(mid_ticks=100, spread_ticks=4, qty_lots_max=9, tick_lot_minor=1),
    Scale(mid_ticks=100, spread_ticks=4, qty_lots_max=9, tick_lot_minor=1),
    Scale(mid_ticks=7, spread_ticks=2, qty_lots_max=40, tick_lot_minor=3),
    Scale(mid_ticks=60_000, spread_ticks=9, qty_lots_max=1_000, tick_lot_minor=10),
    Scale(mid_ticks=5_000, spread_ticks=2_500, qty_lots_max=20, tick_lot_minor=1),
    Scale(mid_ticks=1 << 13, spread_ticks=3, qty_lots_max=9, tick_lot_minor=1, wide=True),
    Scale(mid_ticks=1 << 50, spread_ticks=3, qty_lots_max=1 << 49, tick_lot_minor=1),
    Scale(mid_ticks=1 << 20, spread_ticks=5, qty_lots_max=1 << 30, tick_lot_minor=10**15),
)


@dataclass(slots=True, frozen=True)
class World:
    """What exists at the start, and how large things are."""

    scale: Scale
    limits: dict[str, object]
    accounts: int
    instruments: int
    fees_ppm: tuple[int, int]
    min_qty_lots: int
    min_notional_minor: int
    poor: bool
    bounded: bool

    def purse_minor(self, asset: int) -> int:
        """What an account has of an asset when it is neither rich nor poor."""
        scale = self.scale
        lots = scale.qty_lots_max * (6 if self.poor else 40)
        if asset == 1:
            return min(lots * scale.mid_ticks * scale.tick_lot_minor, 10**31)
        return lots * int(10 ** ASSETS[asset - 1][1])

    def listing(self, base: int, quote: int) -> Message:
        """An instrument that may be listed, if both assets exist."""
        symbol = f"{ASSETS[base - 1][0]}-{ASSETS[quote - 1][0]}"
        maker_fee, taker_fee = self.fees_ppm
        lot_minor = 10 ** ASSETS[base - 1][1]
        ids: dict[str, object] = {"symbol": symbol, "base": base, "quote": quote}
        steps = {"tick_minor": self.scale.tick_lot_minor, "lot_minor": lot_minor}
        bounds = {"min_qty": self.min_qty_lots, "max_qty": self.scale.qty_lots_max * 3}
        fees = {"maker_fee": maker_fee, "taker_fee": taker_fee}
        least = self.min_notional_minor
        return Message("InstrumentCreate", **ids, **steps, **bounds, **fees, min_notional=least)

    def bounds(self) -> Message:
        """The first instrument takes no price far from a reference that it does not have yet."""
        how: dict[str, object] = {"instrument": 1, "matching": "price_time", "reference": "last"}
        within = {"collar_ppm": 500_000, "slippage_ppm": 200_000, "band_ppm": 0}
        return Message("InstrumentConfigure", **how, **within, auction_ns=0, auction_fee=0)

    def setup(self) -> list[tuple[Header, Message]]:
        """The records that build the world, after its genesis."""
        node = Header(0)
        commands = [(node, Message("NodeStarted", incarnation=1))]
        node = Header(0, incarnation=1)
        for name, scale in ASSETS[: self.instruments + 1]:
            commands.append((node, Message("AssetCreate", name=name, scale=scale)))
        for base in range(2, self.instruments + 2):
            commands.append((node, self.listing(base, 1)))
        for account in range(1, self.accounts + 1):
            commands.append((node, Message("AccountCreate", name=f"trader-{account}")))
        for index, permissions in enumerate(PRIVILEGES):
            own = Header(0, incarnation=1, account=index % self.accounts + 1)
            body = {"key_id": f"first-{index}", "public_key": bytes([index] * 32)}
            commands.append((own, Message("KeyCreate", **body, permissions=permissions)))
        for account in range(1, self.accounts + 1):
            own = Header(0, incarnation=1, account=account)
            for asset in range(1, self.instruments + 2):
                amount = self.purse_minor(asset) // (account % 2 + 1)
                commands.append((own, Message("Deposit", asset=asset, amount=amount)))
        return commands + [(node, self.bounds()) for _ in range(self.bounded)]


def a_world(rng: random.Random) -> World:
    """Draw a world."""
    scale = rng.choice(SCALES)
    accounts, instruments = rng.randrange(2, 5), rng.randrange(1, 3)
    roomy = rng.randrange(3) == 0
    limits = {
        "hash_seed": rng.getrandbits(64),
        "shard": rng.choice((0, 0, 1, 511)),
        "assets_max": instruments + rng.randrange(1, 3),
        "instruments_max": instruments + rng.randrange(2),
        "accounts_max": accounts + rng.randrange(2),
        "keys_max": 9 + rng.randrange(3),
        "live_orders_max": 200 if roomy else rng.randrange(24, 70),
        "open_orders_per_account_max": 60 if roomy else rng.randrange(7, 20),
        "fills_per_command_max": rng.choice((1, 2, 3, 5, 50, 50, 50)),
        "client_order_ids_max": 300 if roomy else rng.randrange(14, 36),
        "closed_ids_per_account_max": rng.choice((0, 1, 3, 6, 6, 6)),
        "request_ids_max": rng.choice((0, 1, 3, 6, 6)),
    }
    return World(
        scale=scale,
        limits=dict(limits),
        accounts=accounts,
        instruments=instruments,
        fees_ppm=rng.choice(FEES_PPM),
        min_qty_lots=rng.choice((1, 1, 2)),
        min_notional_minor=rng.choice((0, 1, scale.mid_ticks * scale.tick_lot_minor * 2)),
        poor=rng.randrange(3) == 0,
        bounded=rng.randrange(4) == 0,
    )
