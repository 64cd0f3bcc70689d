"""What happens when its time has come, in the reference exchange (sections 9 and 24)."""

from tests.model.codec import Header, Message
from tests.model.orders import require
from tests.model.terms import AHEAD_NS_MAX
from tests.model.withdrawals import Withdrawals

TIMERS_PER_TICK_MAX = 256


class Timers(Withdrawals):
    """Expiries and dead man's switches."""

    def __init__(self) -> None:
        super().__init__()
        # When the orders of an account are cancelled; only switches that are on.
        self.deadlines: dict[int, int] = {}

    def _cancel_after(self, header: Header, c: Message) -> None:
        good = 0 <= c.timeout_ns <= AHEAD_NS_MAX
        require(good, "TIME_OUT_OF_RANGE timeout ns", c.timeout_ns, AHEAD_NS_MAX)
        self._set_deadline(header.account, self.now_ns + c.timeout_ns if c.timeout_ns else 0)

    def _set_deadline(self, account: int, deadline_ns: int) -> None:
        self.deadlines.pop(account, None)
        if deadline_ns:
            self.deadlines[account] = deadline_ns
        self.emit("CancelAfterSet", account=account, deadline_ns=deadline_ns)

    def _tick(self, header: Header, c: Message) -> None:
        self._tick_auctions()
        closed = self._close_for_dead_men(TIMERS_PER_TICK_MAX)
        closed += self._close_expired(TIMERS_PER_TICK_MAX - closed)
        closed += self._sweep(TIMERS_PER_TICK_MAX - closed)
        self._expire_withdrawals()
        more = bool(self._due_switches() or self._due_expiries() or self._dead_orders())
        more = more or bool(self._due_withdrawals())
        self.emit("Ticked", closed=closed, more=more)

    def _due_switches(self) -> list[int]:
        """The accounts whose deadline has come, in the order in which they are taken."""
        due = [(at, account) for account, at in self.deadlines.items() if at <= self.now_ns]
        return [account for _, account in sorted(due)]

    def _close_for_dead_men(self, most: int) -> int:
        closed = 0
        for account in self._due_switches()[:TIMERS_PER_TICK_MAX]:
            for order in self._own_orders(account):
                if closed == most:
                    return closed
                if order.id in self.live:
                    self._close(order, "cancelled", "dead_man")
                    closed += 1
            self._set_deadline(account, 0)
        return closed

    def _due_expiries(self) -> list[tuple[int, int]]:
        """Time and id of the orders that expire, in the order in which they do."""
        live = self.live.values()
        return sorted((o.expires_ns, o.id) for o in live if 0 < o.expires_ns <= self.now_ns)

    def _close_expired(self, most: int) -> int:
        closed = 0
        for _, order_id in self._due_expiries():
            if closed < most and order_id in self.live:
                self._close(self.live[order_id], "expired", "expiry")
                closed += 1
        return closed
