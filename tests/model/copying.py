"""A copy of a reference exchange that shares what never changes; `copy.deepcopy` takes far longer.

What is copied is found, not listed: every list, dictionary and object but those of `SHARED`, so a
field that the model gets is copied, too.
"""

from collections import defaultdict
from typing import TypeVar, cast

from tests.model.codec import Header, Message
from tests.model.exchange import ReferenceExchange

Exchange = TypeVar("Exchange", bound=ReferenceExchange)
# Messages are what was said and asked for, tuples hold numbers, names and messages.
SHARED = frozenset({int, str, bool, bytes, type(None), tuple, Message, Header})


def copy_of(exchange: Exchange) -> Exchange:
    """One of its own in the same state."""
    return cast(Exchange, _copy(exchange, {}))


def _copy(value: object, made: dict[int, object]) -> object:
    if type(value) in SHARED:
        return value
    known = made.get(id(value))
    if known is not None:
        return known
    if isinstance(value, list):
        return _copy_list(value, made)
    if isinstance(value, dict):
        return _copy_dict(value, made)
    return _copy_object(value, made)


def _copy_list(value: list[object], made: dict[int, object]) -> list[object]:
    made[id(value)] = new = list[object]()
    new += [one if type(one) in SHARED else _copy(one, made) for one in value]
    return new


def _copy_dict(value: dict[object, object], made: dict[int, object]) -> dict[object, object]:
    new = dict[object, object]()
    if isinstance(value, defaultdict):
        new = defaultdict(value.default_factory)
    made[id(value)] = new
    for key, one in value.items():
        new[_copy(key, made)] = one if type(one) in SHARED else _copy(one, made)
    return new


def _copy_object(value: object, made: dict[int, object]) -> object:
    made[id(value)] = new = object.__new__(type(value))
    slots: tuple[str, ...] = getattr(type(value), "__slots__", ())
    for name in getattr(value, "__dict__", slots):
        one = getattr(value, name)
        setattr(new, name, one if type(one) in SHARED else _copy(one, made))
    return new
