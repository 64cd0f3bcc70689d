"""Items 13 to 16 of the state hash: ranges, terms, switches, lists (section 7 of the rules)."""

import struct

from tests.model.book import Instrument, Order
from tests.model.exchange import ReferenceExchange
from tests.model.lists import OrderList
from tests.model.packing import i128, text, u32
from tests.model.terms import has_terms, number_of

PHASES = ("waits", "due", "pair")


def terms_content(exchange: ReferenceExchange) -> bytes:
    """All of it, in the order of the rules."""
    live = [order for _, order in sorted(exchange.live.items())]
    parts = [_off_the_book(instrument, live) for instrument in exchange.instruments]
    parts.append(_counted([_terms(order) for order in live if _has_more(order)]))
    switches = sorted(exchange.deadlines.items())
    parts.append(_counted([struct.pack("<Iq", *switch) for switch in switches]))
    lists = sorted(exchange.lists, key=lambda of_list: of_list.legs[0].id)
    parts.append(_counted([_list(exchange, of_list) for of_list in lists]))
    placed_by = [(o.id, o.header.session, o.header.node) for o in live if o.header.session]
    parts.append(_counted([struct.pack("<QQH", *row) for row in placed_by]))
    return b"".join(parts)


def order_content(o: Order) -> bytes:
    """The fields of an order in item 5."""
    head = struct.pack("<QIqqq", o.id, o.account, o.price, o.qty, o.filled)
    rates = struct.pack("<BiiQ", o.placed.post_only, o.maker_rate, o.taker_rate, o.first_seq)
    return head + i128(o.charged, o.traded, o.fee_parts) + rates + text(o.placed.client_order_id)


def _counted(rows: list[bytes]) -> bytes:
    return u32(len(rows)) + b"".join(rows)


def _off_the_book(instrument: Instrument, live: list[Order]) -> bytes:
    ranges = (*instrument.touched.values(), *instrument.touched_for_trailing.values())
    parts = [struct.pack("<qq", seen.low, seen.high) for seen in ranges]
    waiting = [o for o in live if o.instrument is instrument and o.rests_at == 0]
    rows = [bytes([number_of("side", o.side)]) + order_content(o) for o in waiting]
    return b"".join(parts) + _counted(rows)


def _has_more(order: Order) -> bool:
    return has_terms(order.placed) or order.placed.time_in_force in ("gtd", "day")


def _terms(o: Order) -> bytes:
    c = o.placed
    kinds = [number_of("order_type", c.order_type), number_of("time_in_force", c.time_in_force)]
    kinds += [number_of("self_trade", c.self_trade), number_of("trigger", c.trigger)]
    kinds.append(number_of("trigger_on", c.trigger_on))
    trigger = struct.pack("<qqqB", o.trigger_price, c.trail, o.best, o.is_due)
    shown = o.shown if o.rests_at else 0
    sizes = struct.pack("<qqq", c.display_qty, shown, c.min_qty)
    peg = struct.pack("<Bqq", number_of("peg", c.peg), c.peg_offset, o.rests_at)
    rest = struct.pack("<BqB", c.reduce_only, o.expires_ns, _waits_for(o))
    return struct.pack("<Q", o.id) + bytes(kinds) + trigger + sizes + peg + rest


def _waits_for(order: Order) -> int:
    """Nothing, on the book; its trigger; what its peg follows; leg 0 of its list."""
    if order.is_pending:
        return 3
    if order.rests_at:
        return 0
    return 2 if order.is_pegged else 1


def _list(exchange: ReferenceExchange, of_list: OrderList) -> bytes:
    ids = [leg.id if leg.id in exchange.live else 0 for leg in of_list.legs]
    ids += [0] * (3 - len(ids))
    kind, phase = number_of("list_kind", of_list.kind), PHASES.index(of_list.phase)
    return struct.pack("<QB", of_list.legs[0].id, kind) + struct.pack("<QQQB", *ids, phase)
