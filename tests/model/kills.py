"""Risk states and kill switches in the reference exchange (section 24)."""

from tests.model.book import Order
from tests.model.codec import ENUMS, Header, Message
from tests.model.gate import Gate
from tests.model.limits import SCOPES, Scope
from tests.model.orders import require

RISK_STATES = [*ENUMS["risk_state"].values()]


class Kills(Gate):
    """What an operator stops, and how it starts again."""

    def __init__(self) -> None:
        super().__init__()
        # The youngest order that was dead after the last kill, which tells nothing of groups:
        # of an account, by its own or its group's kill; of a group and the firm, by their own.
        self.dead_up_to: dict[Scope, int] = {}

    def _risk_state_set(self, header: Header, c: Message) -> None:
        if c.scope == "instrument":
            self._instrument(c.scope_id, "scope_id")
        else:
            self._require_scope(c)
        scope, new = (c.scope, c.scope_id), RISK_STATES.index(c.state)
        present = RISK_STATES.index(self.risk_states.get(scope, "active"))
        lifts = new < present and self._binds_asker(header, c)
        require(not lifts, "LIMIT_BINDS_ASKER state number", new, present)
        self.risk_states[scope] = c.state
        if c.state == "active":
            del self.risk_states[scope]
        self.emit("RiskStateChanged", **vars(c))

    def _kill_switch(self, header: Header, c: Message) -> None:
        self._require_scope(c)
        scope, last = (c.scope, c.scope_id), self.youngest_order_id
        self.kill_switches[scope] = None
        for order in self._open_orders(scope):
            order.is_dead = True
        self.dead_up_to[scope] = last
        if c.scope == "group":
            self.dead_up_to |= {("account", member): last for member in self._members(scope)}
        self.emit("KillSwitchSet", **vars(c), last_order_id=last)

    def _kill_reset(self, header: Header, c: Message) -> None:
        self._require_scope(c)
        scope, code = (c.scope, c.scope_id), "KILL_SWITCH_STATE step number"
        binds = self._binds_asker(header, c)
        require(not binds, "LIMIT_BINDS_ASKER scope number", SCOPES.index(c.scope))
        require(c.step in (1, 2) and scope in self.kill_switches, code, c.step)
        if c.step == 1:
            self.kill_switches[scope] = header.key
            self.emit("KillResetAsked", **vars(c))
            return
        asked_by = self.kill_switches[scope]
        require(asked_by is not None, code, c.step)
        other = header.key == 0 or header.key != asked_by
        require(other, "LIMIT_BINDS_ASKER step number", c.step)
        del self.kill_switches[scope]
        self.emit("KillSwitchReset", **vars(c))

    def _sweep(self, most: int) -> int:
        """In a tick: close dead orders, at most so many; return how many it was."""
        closed = 0
        for order in sorted(self._dead_orders(), key=lambda order: (order.account, order.id)):
            # What another of its list took along does not count.
            if closed < most and order.id in self.live:
                self._close(order, "cancelled", "kill_switch")
                closed += 1
        return closed

    def _dead_orders(self) -> list[Order]:
        return [order for order in self.live.values() if order.is_dead]
