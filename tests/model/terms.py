"""What orders have beyond the plain (section 10 of the rules)."""

from tests.model.codec import FIELD_NAMES, Message

DEFAULTS: dict[str, object] = {
    **{"self_trade": "none", "trigger": "none", "trigger_on": "last", "trigger_price": 0},
    **{"trail": 0, "display_qty": 0, "min_qty": 0, "peg": "none", "peg_offset": 0},
    **{"reduce_only": False, "expire_ns": 0},
}


def with_terms(fields: dict[str, object]) -> Message:
    """An `OrderPlaceTerms` of these fields; those that are not given are at their defaults."""
    names = FIELD_NAMES["OrderPlaceTerms"]
    given = DEFAULTS | fields
    return Message("OrderPlaceTerms", **{name: given[name] for name in names})
