"""At which price an auction trades, and how much (section 18, step 3 of the rules)."""

from tests.model.book import Instrument


def at_price(instrument: Instrument, price: int) -> tuple[int, int]:
    """Lots bid at this price or above, and lots asked at it or below, hidden ones included."""
    bids = [o.remaining for o in instrument.book["buy"] if o.rests_at >= price]
    asks = [o.remaining for o in instrument.book["sell"] if o.rests_at <= price]
    return sum(bids), sum(asks)


def uncross_price(instrument: Instrument) -> tuple[int, int]:
    """The price and what trades there; 0 and 0 where nothing would."""
    reference = instrument.reference()
    candidates = {o.rests_at for side in instrument.book.values() for o in side}
    if reference != 0:
        candidates.add(reference)

    def worth(price: int) -> tuple[int, int, int, int]:
        bids, asks = at_price(instrument, price)
        away = abs(price - reference) if reference else 0
        return -min(bids, asks), abs(bids - asks), away, price

    if not candidates:
        return 0, 0
    best = min(candidates, key=worth)
    qty = min(at_price(instrument, best))
    return (best, qty) if qty else (0, 0)
