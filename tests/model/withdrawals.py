"""Money to outside in the reference exchange, and the second person above a cap (section 27)."""

from dataclasses import dataclass

from tests.model.cancelling import Cancelling
from tests.model.codec import Header, Message
from tests.model.limits import SCOPES
from tests.model.orders import ASSET_TOTAL_MINOR_MAX, DAY_NS, require

WAITING_MAX, WAITING_PER_ACCOUNT_MAX = 4_096, 16
WAIT_NS = 3 * DAY_NS
TAKEN_ROWS_MAX = 65_536
ENDED_PER_TICK_MAX = 256
NOTHING = -1


@dataclass(slots=True)
class Cap:
    """What an account may take out in a day by itself, and what that is to be raised to."""

    cap: int = 0
    version: int = 0
    proposed: int = NOTHING
    proposed_by: int = 0


class Withdrawals(Cancelling):
    """What goes out at once, and what waits."""

    def __init__(self) -> None:
        super().__init__()
        self.caps: dict[int, Cap] = {}
        self.taken_day = 0
        self.taken: dict[tuple[int, int], int] = {}
        # By id: the event that said it, which has all that is known of it.
        self.waiting: dict[int, Message] = {}

    def _withdraw(self, header: Header, c: Message) -> None:
        account = header.account
        self._require_asset("asset", c.asset)
        self._require_amount("amount", c.amount, 1)
        self._require_free_to_go(account)
        available = self.ledger.available[account, c.asset]
        enough = c.amount <= available
        require(enough, "INSUFFICIENT_BALANCE available asset_minor", c.amount, available)
        if self._is_within_cap(account, c):
            self.ledger.post(c.asset, c.amount, ("available", account), ("external", 0))
            whose = {"account": account, "request_id": header.request_id}
            self.emit("Withdrawn", **vars(c) | whose)
            return
        own = [one for one in self.waiting.values() if one.account == account]
        for many, most in ((self.waiting, WAITING_MAX), (own, WAITING_PER_ACCOUNT_MAX)):
            require(len(many) < most, "TABLE_FULL count number", most, most)
        self.ledger.post(c.asset, c.amount, ("available", account), ("held", account))
        expire_ns = min(self.now_ns + WAIT_NS, 2**63 - 1)
        who = {"asked_by": header.key, "request_id": header.request_id, "expire_ns": expire_ns}
        ids = {"withdrawal_id": header.seq, "account": account}
        self.emit("WithdrawalHeld", **vars(c) | who | ids)
        self.waiting[header.seq] = self.events[-1]

    def _is_within_cap(self, account: int, c: Message) -> bool:
        """Whether a withdrawal needs no second person; then it is counted."""
        day = self.now_ns // DAY_NS
        if day > self.taken_day:
            self.taken_day, self.taken = day, {}
        key = (account, c.asset)
        total = self.taken.get(key, 0) + int(c.amount)
        room = key in self.taken or len(self.taken) < TAKEN_ROWS_MAX
        fits = total <= self.caps.get(c.asset, Cap()).cap and room
        if fits:
            self.taken[key] = total
        return fits

    def _withdrawal_approve(self, header: Header, c: Message) -> None:
        one = self._pending(c)
        in_time = self.now_ns < one.expire_ns
        require(in_time, "TIME_OUT_OF_RANGE expire_time ns", self.now_ns, one.expire_ns)
        second = self._is_another_person(header.key, one.asked_by)
        second = second and not self._acts_for(header.key, one.account)
        require(second, "SECOND_PERSON_NEEDED key_id number", header.key, one.asked_by)
        self._require_free_to_go(one.account)
        self._end_withdrawal(one, "approved", header.key)
        names = ("account", "asset", "amount", "request_id")
        self.emit("Withdrawn", **{name: getattr(one, name) for name in names})

    def _withdrawal_reject(self, header: Header, c: Message) -> None:
        self._end_withdrawal(self._pending(c), "rejected", header.key)

    def _withdrawal_cancel(self, header: Header, c: Message) -> None:
        one = self._pending(c)
        own = one.account == header.account
        require(own, "UNKNOWN_WITHDRAWAL withdrawal_id number", c.withdrawal_id)
        self._end_withdrawal(one, "cancelled", header.key)

    def _pending(self, c: Message) -> Message:
        known = c.withdrawal_id in self.waiting
        require(known, "UNKNOWN_WITHDRAWAL withdrawal_id number", c.withdrawal_id)
        return self.waiting[c.withdrawal_id]

    def _end_withdrawal(self, one: Message, end: str, ended_by: int) -> None:
        to = ("external", 0) if end == "approved" else ("available", one.account)
        self.ledger.post(one.asset, one.amount, ("held", one.account), to)
        names = ("withdrawal_id", "account", "asset", "amount")
        fields = {name: getattr(one, name) for name in names}
        self.emit("WithdrawalEnded", **fields, end=end, ended_by=ended_by)
        del self.waiting[one.withdrawal_id]

    def _due_withdrawals(self) -> list[int]:
        due = [(w.expire_ns, w.withdrawal_id) for w in self.waiting.values()]
        return [which for at_ns, which in sorted(due) if at_ns <= self.now_ns]

    def _expire_withdrawals(self) -> None:
        """In a tick: end those whose time is over, as many as one tick may."""
        for which in self._due_withdrawals()[:ENDED_PER_TICK_MAX]:
            self._end_withdrawal(self.waiting[which], "expired", 0)

    def _withdrawal_cap_set(self, header: Header, c: Message) -> None:
        self._require_asset("asset", c.asset)
        self._require_amount("cap", c.cap, 0)
        present = self.caps.get(c.asset, Cap())
        second = c.cap == present.proposed
        second = second and self._is_another_person(header.key, present.proposed_by)
        if c.cap <= present.cap or header.key == 0 or second:
            self.caps[c.asset] = Cap(c.cap, present.version + 1)
            self.emit("WithdrawalCapChanged", **vars(c) | {"version": present.version + 1})
            return
        self.caps[c.asset] = Cap(present.cap, present.version, c.cap, header.key)
        self.emit("WithdrawalCapProposed", **vars(c) | {"asked_by": header.key})

    def _is_another_person(self, key: int, other: int) -> bool:
        if key == 0 or other == 0:
            return key != 0
        (mine, my_account), (others, others_account) = self.keys[key - 1], self.keys[other - 1]
        return my_account != others_account and (not mine.label or mine.label != others.label)

    def _acts_for(self, key: int, account: int) -> bool:
        mine, own = self.keys[key - 1]
        listed = [mine.accounts[at : at + 4] for at in range(0, len(mine.accounts), 4)]
        return account == own or account.to_bytes(4, "little") in listed

    def _require_free_to_go(self, account: int) -> None:
        """No kill switch is on and no risk state set, for the firm, the group or the account."""
        scopes = [(scope, SCOPES.index(scope[0])) for scope in self._scopes(account)]
        for scope, number in scopes:
            require(scope not in self.kill_switches, "KILL_SWITCH_ON scope number", number)
        for state in ("halted", "reducing"):
            for scope, number in scopes:
                free = self.risk_states.get(scope) != state
                require(free, f"RISK_{state.upper()} scope number", number)

    def _require_amount(self, field: str, amount: int, least: int) -> None:
        most = ASSET_TOTAL_MINOR_MAX
        what = f"AMOUNT_OUT_OF_RANGE {field} asset_minor"
        require(least <= amount <= most, what, amount, most)
