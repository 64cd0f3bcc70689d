"""Which fields of an order go together (sections 4.3 and 10 of the rules)."""

from tests.model.book import TIFS_THAT_MAY_REST
from tests.model.codec import ENUMS, FIELD_NAMES, Message
from tests.model.orders import PRICE_TICKS_MAX, require

AHEAD_NS_MAX = 315_360_000_000_000_000
DAY_NS = 86_400_000_000_000
TRAIL_BP_MAX = 9_999
DEFAULTS: dict[str, object] = {
    **{"self_trade": "none", "trigger": "none", "trigger_on": "last", "trigger_price": 0},
    **{"trail": 0, "display_qty": 0, "min_qty": 0, "peg": "none", "peg_offset": 0},
    **{"reduce_only": False, "expire_ns": 0},
}
COMBINATION = "INVALID_COMBINATION"


def with_terms(fields: dict[str, object]) -> Message:
    """An `OrderPlaceTerms` of these fields; those that are not given are at their defaults."""
    names = FIELD_NAMES["OrderPlaceTerms"]
    given = DEFAULTS | fields
    return Message("OrderPlaceTerms", **{name: given[name] for name in names})


def has_terms(c: Message) -> bool:
    """Whether any of the terms is not at its default."""
    return any(getattr(c, name) != default for name, default in DEFAULTS.items())


def number_of(enum: str, name: str) -> int:
    """The number of an enum's value."""
    return next(number for number, value in ENUMS[enum].items() if value == name)


def may_rest(c: Message) -> bool:
    """Limit, and one of the times in force that go on the book."""
    return c.order_type == "limit" and c.time_in_force in TIFS_THAT_MAY_REST


def check_combination(c: Message, now_ns: int) -> None:
    """All of it, in the order of the rules."""
    _check_basics(c)
    _check_time(c, now_ns)
    if c.trigger == "none":
        _check_no_trigger(c)
    else:
        _check_trigger(c)
    _check_display(c)
    _check_min_qty(c)
    _check_peg(c)
    reduces = c.reduce_only and c.notional != 0
    require(not reduces, f"{COMBINATION} reduce_only number", 1)


def _check_basics(c: Message) -> None:
    tif, both = c.time_in_force, c.notional != 0 and c.qty != 0
    if c.order_type == "market":
        stays = tif in TIFS_THAT_MAY_REST
        require(c.price == 0, f"{COMBINATION} price ticks", c.price)
        require(not c.post_only, f"{COMBINATION} post_only number", 1)
        require(not stays, f"{COMBINATION} tif number", number_of("time_in_force", tif))
        require(not both, f"{COMBINATION} notional quote_minor", c.notional)
        require(c.notional == 0 or tif != "fok", f"{COMBINATION} tif number", 2)
    else:
        require(c.notional == 0, f"{COMBINATION} notional quote_minor", c.notional)
        require(not c.post_only or may_rest(c), f"{COMBINATION} post_only number", 1)


def _check_time(c: Message, now_ns: int) -> None:
    if c.time_in_force == "gtd":
        good = now_ns < c.expire_ns <= now_ns + AHEAD_NS_MAX
        require(good, "TIME_OUT_OF_RANGE expire_time ns", c.expire_ns, now_ns)
    else:
        require(c.expire_ns == 0, f"{COMBINATION} expire_time ns", c.expire_ns)


def _check_no_trigger(c: Message) -> None:
    require(c.trigger_on == "last", f"{COMBINATION} trigger number", 1)
    require(c.trigger_price == 0, f"{COMBINATION} trigger_price ticks", c.trigger_price)
    require(c.trail == 0, f"{COMBINATION} trail number", c.trail)


def _check_trigger(c: Message) -> None:
    require(c.notional == 0, f"{COMBINATION} notional quote_minor", c.notional)
    require(not c.post_only, f"{COMBINATION} post_only number", 1)
    require(c.display_qty == 0, f"{COMBINATION} display_qty lots", c.display_qty)
    require(c.min_qty == 0, f"{COMBINATION} min_qty lots", c.min_qty)
    require(c.peg == "none", f"{COMBINATION} peg number", number_of("peg", c.peg))
    most = PRICE_TICKS_MAX
    if c.trigger in ("stop", "take_profit"):
        require(c.trail == 0, f"{COMBINATION} trail number", c.trail)
        good, what = 1 <= c.trigger_price <= most, "PRICE_OUT_OF_RANGE trigger_price ticks"
        require(good, what, c.trigger_price, most)
    else:
        require(c.order_type == "market", f"{COMBINATION} type number", 0)
        require(c.trigger_price == 0, f"{COMBINATION} trigger_price ticks", c.trigger_price)
        most = most if c.trigger == "trail_ticks" else TRAIL_BP_MAX
        require(1 <= c.trail <= most, "AMOUNT_OUT_OF_RANGE trail number", c.trail, most)


def _check_display(c: Message) -> None:
    if c.display_qty != 0:
        fits = may_rest(c) and c.peg == "none"
        require(fits, f"{COMBINATION} display_qty lots", c.display_qty)
        good, what = 1 <= c.display_qty <= c.qty, "AMOUNT_OUT_OF_RANGE display_qty lots"
        require(good, what, c.display_qty, c.qty)


def _check_min_qty(c: Message) -> None:
    if c.min_qty != 0:
        fits = c.time_in_force == "ioc" and c.notional == 0
        require(fits, f"{COMBINATION} min_qty lots", c.min_qty)
        good, what = 1 <= c.min_qty <= c.qty, "AMOUNT_OUT_OF_RANGE min_qty lots"
        require(good, what, c.min_qty, c.qty)


def _check_peg(c: Message) -> None:
    if c.peg == "none":
        require(c.peg_offset == 0, f"{COMBINATION} peg_offset ticks", c.peg_offset)
        return
    fits = may_rest(c) and not c.post_only
    require(fits, f"{COMBINATION} peg number", number_of("peg", c.peg))
    most = PRICE_TICKS_MAX
    good, what = abs(c.peg_offset) <= most, "AMOUNT_OUT_OF_RANGE peg_offset ticks"
    require(good, what, c.peg_offset, most)


def expiry_ns(c: Message, now_ns: int) -> int:
    """When an order placed now expires, 0 for never."""
    if c.time_in_force == "day":
        return (now_ns // DAY_NS + 1) * DAY_NS
    return int(c.expire_ns)
