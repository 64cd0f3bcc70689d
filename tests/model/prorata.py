"""How an order is shared among the orders of a level by their size (section 19 of the rules)."""

# How many orders of a level one pass looks at.
PRO_RATA_ORDERS_MAX = 1_000


def shares(displayed: list[int], wanted: int) -> list[int]:
    """What each gets, oldest first: its part rounded down, then what is left by age."""
    total = sum(displayed)
    if wanted >= total:
        return displayed
    got = [wanted * shown // total for shown in displayed]
    left = wanted - sum(got)
    for at, shown in enumerate(displayed):
        more = min(left, shown - got[at])
        got[at] += more
        left -= more
    return got
