"""Withdrawals: what goes out at once, what waits, who lets it go; written by hand."""

import pytest

from tests.model.codec import Message
from tests.model.orders import DAY_NS
from tests.model.scenario import ANN, BOB, CYD, Scenario, an_exchange, kinds, of
from tests.model.withdrawals import WAIT_NS, WAITING_PER_ACCOUNT_MAX

USD = 1
DETAIL = ("code", "field", "unit", "value", "limit")
ENDED = ("withdrawal_id", "end", "ended_by")
# Keys of the scenario below, by index: who they are and what they may.
ANNS, BOBS, BOBS_OTHER, CYDS = 1, 2, 3, 4


def a_firm(cap: int = 100) -> Scenario:
    """Ann withdraws; bob, with two keys, and cyd are operators."""
    s = an_exchange(keys_max=9)
    keys = ((ANN, "anns", 4, ""), (BOB, "bobs", 15, "bob"), (BOB, "bobs-other", 15, ""))
    for account, key_id, permissions, label in (*keys, (CYD, "cyds", 12, "cyd")):
        material = {"scheme": "ed25519", "material": bytes(32), "expire_ns": 0, "waits": False}
        body = {"key_id": key_id, "permissions": permissions, "label": label}
        s.send(Message("KeyIssue", **body, **material), account=account)
    s.send(Message("WithdrawalCapSet", asset=USD, cap=cap))
    return s


def funds(s: Scenario, account: int = ANN) -> tuple[int, int]:
    """Available and held."""
    return s.balance(account, USD)


def withdraw(s: Scenario, amount: int, key: int = ANNS, account: int = ANN) -> list[Message]:
    return s.send(Message("Withdraw", asset=USD, amount=amount), account=account, key=key)


def approve(s: Scenario, which: int, key: int) -> list[Message]:
    return s.send(Message("WithdrawalApprove", withdrawal_id=which), key=key)


def held(events: list[Message]) -> int:
    """The id of what waits now."""
    ((which,),) = of(events, "WithdrawalHeld", "withdrawal_id")
    assert isinstance(which, int)
    return which


def refusal(events: list[Message]) -> tuple[object, ...]:
    (detail,) = of(events, "Rejected", *DETAIL)
    return detail


def test_without_a_cap_everything_waits() -> None:
    s = an_exchange()
    before = funds(s)[0]
    events = withdraw(s, 1, key=0)
    assert kinds(events) == ["WithdrawalHeld", "BalanceChanged"]
    assert funds(s) == (before - 1, 1)


def test_up_to_the_cap_of_a_day_money_goes_at_once_however_it_is_cut() -> None:
    s = a_firm(cap=100)
    before = funds(s)[0]
    assert kinds(withdraw(s, 60)) == ["Withdrawn", "BalanceChanged"]
    assert kinds(withdraw(s, 40)) == ["Withdrawn", "BalanceChanged"]
    assert funds(s) == (before - 100, 0)
    assert kinds(withdraw(s, 1)) == ["WithdrawalHeld", "BalanceChanged"]
    s.now_ns += DAY_NS
    assert kinds(withdraw(s, 100)) == ["Withdrawn", "BalanceChanged"]
    assert funds(s) == (before - 201, 1)


def test_another_person_lets_it_go_once_and_with_the_id_of_the_request() -> None:
    s = a_firm()
    before = funds(s)[0]
    what = Message("Withdraw", asset=USD, amount=500)
    which = held(s.send(what, account=ANN, key=ANNS, request_id=7))
    assert funds(s) == (before - 500, 500)
    events = approve(s, which, BOBS)
    assert kinds(events) == ["WithdrawalEnded", "Withdrawn", "BalanceChanged"]
    assert of(events, "WithdrawalEnded", *ENDED) == [(which, "approved", BOBS)]
    assert of(events, "Withdrawn", "account", "amount", "request_id") == [(ANN, 500, 7)]
    assert funds(s) == (before - 500, 0)
    assert refusal(approve(s, which, CYDS))[:2] == ("UNKNOWN_WITHDRAWAL", "withdrawal_id")
    again = s.send(what, account=ANN, key=ANNS, request_id=7)
    assert of(again, "RequestDuplicate", "first_seq") == [(which,)]
    assert funds(s) == (before - 500, 0)


@pytest.mark.parametrize(("asked_by", "approved_by"), [(BOBS, BOBS), (BOBS, BOBS_OTHER), (0, 0)])
def test_keys_of_one_account_are_one_person_and_the_node_is_none(
    asked_by: int, approved_by: int
) -> None:
    s = a_firm()
    which = held(withdraw(s, 500, key=asked_by))
    detail = ("SECOND_PERSON_NEEDED", "key_id", "number", approved_by, asked_by)
    assert refusal(approve(s, which, approved_by)) == detail
    assert "Withdrawn" in kinds(approve(s, which, CYDS))


def test_keys_of_one_label_are_one_person() -> None:
    s = a_firm()
    body = {"scheme": "ed25519", "material": bytes(32), "expire_ns": 0, "waits": False}
    bob_again = Message("KeyIssue", key_id="again", permissions=15, label="bob", **body)
    s.send(bob_again, account=CYD)
    which = held(withdraw(s, 500, key=BOBS))
    assert refusal(approve(s, which, 5))[0] == "SECOND_PERSON_NEEDED"


def test_whoever_gains_does_not_approve() -> None:
    s = a_firm()
    which = held(withdraw(s, 500, key=CYDS, account=BOB))
    assert refusal(approve(s, which, BOBS))[0] == "SECOND_PERSON_NEEDED"
    bob = int(BOB).to_bytes(4, "little")
    s.send(Message("KeyIssue", key_id="d", scheme="ed25519", material=bytes(32), permissions=8,
                   label="", expire_ns=0, waits=False), account=ANN)  # fmt: skip
    s.send(Message("KeyBind", key_id="d", accounts=bob, instruments=b"", networks=b""))
    assert refusal(approve(s, which, 5))[0] == "SECOND_PERSON_NEEDED"


def test_a_key_without_admin_approves_nothing_and_one_without_withdraw_asks_for_nothing() -> None:
    s = a_firm()
    which = held(withdraw(s, 500))
    assert refusal(approve(s, which, ANNS))[:2] == ("NOT_PERMITTED", "permissions")
    body = {"scheme": "ed25519", "material": bytes(32), "expire_ns": 0, "waits": False}
    s.send(Message("KeyIssue", key_id="r", permissions=11, label="", **body), account=ANN)
    assert refusal(withdraw(s, 1, key=5))[:2] == ("NOT_PERMITTED", "permissions")
    assert refusal(withdraw(s, 1, key=ANNS, account=BOB))[:2] == ("NOT_PERMITTED", "account")


def test_what_is_refused_taken_back_or_too_late_is_the_accounts_again() -> None:
    s = a_firm()
    before = funds(s)
    first, second, third = [held(withdraw(s, 200)) for _ in range(3)]
    events = s.send(Message("WithdrawalReject", withdrawal_id=first), key=BOBS)
    assert of(events, "WithdrawalEnded", *ENDED) == [(first, "rejected", BOBS)]
    other = s.send(Message("WithdrawalCancel", withdrawal_id=second), account=BOB, key=BOBS)
    assert refusal(other)[0] == "UNKNOWN_WITHDRAWAL"
    events = s.send(Message("WithdrawalCancel", withdrawal_id=second), account=ANN, key=ANNS)
    assert of(events, "WithdrawalEnded", *ENDED) == [(second, "cancelled", ANNS)]
    s.now_ns += WAIT_NS
    assert refusal(approve(s, third, BOBS))[:3] == ("TIME_OUT_OF_RANGE", "expire_time", "ns")
    events = s.send(Message("Tick"))
    assert of(events, "WithdrawalEnded", *ENDED) == [(third, "expired", 0)]
    assert kinds(events)[-2:] == ["Ticked", "BalanceChanged"]
    assert funds(s) == before


def test_what_is_held_is_not_spent_and_not_withdrawn_again() -> None:
    s = a_firm()
    available = funds(s)[0]
    withdraw(s, available)
    assert refusal(withdraw(s, 1))[0] == "INSUFFICIENT_BALANCE"


def test_a_kill_switch_and_a_state_stop_what_is_asked_for_and_what_waits() -> None:
    s = a_firm()
    which = held(withdraw(s, 500))
    for stop, start, code in (
        (Message("KillSwitch", scope="account", scope_id=ANN), None, "KILL_SWITCH_ON"),
        (a_state("firm", 0, "halted"), a_state("firm", 0, "active"), "RISK_HALTED"),
        (a_state("account", ANN, "reducing"), a_state("account", ANN, "active"), "RISK_REDUCING"),
    ):
        s.send(stop)
        assert refusal(withdraw(s, 1))[:2] == (code, "scope")
        assert refusal(approve(s, which, BOBS))[:2] == (code, "scope")
        for step in (1, 2) if start is None else ():
            s.send(Message("KillReset", scope="account", scope_id=ANN, step=step))
        if start is not None:
            s.send(start)
    assert "Withdrawn" in kinds(approve(s, which, BOBS))


def a_state(scope: str, scope_id: int, state: str) -> Message:
    return Message("RiskStateSet", scope=scope, scope_id=scope_id, state=state)


def test_one_person_lowers_a_cap_and_two_raise_it() -> None:
    s = a_firm(cap=100)

    def cap(to: int, key: int) -> list[str]:
        return kinds(s.send(Message("WithdrawalCapSet", asset=USD, cap=to), key=key))

    assert cap(50, BOBS) == ["WithdrawalCapChanged"]
    assert cap(900, BOBS) == ["WithdrawalCapProposed"]
    assert cap(900, BOBS_OTHER) == ["WithdrawalCapProposed"]
    assert cap(901, CYDS) == ["WithdrawalCapProposed"]
    assert kinds(withdraw(s, 51)) == ["WithdrawalHeld", "BalanceChanged"]
    assert cap(901, BOBS) == ["WithdrawalCapChanged"]
    assert cap(901, CYDS) == ["WithdrawalCapChanged"], "no more than there is"
    assert cap(902, BOBS) == ["WithdrawalCapProposed"]
    assert cap(0, CYDS) == ["WithdrawalCapChanged"], "and nothing is proposed any more"
    assert cap(902, CYDS) == ["WithdrawalCapProposed"]


def test_no_account_fills_the_table_of_what_waits() -> None:
    s = a_firm(cap=0)
    for _ in range(WAITING_PER_ACCOUNT_MAX):
        held(withdraw(s, 1))
    most = WAITING_PER_ACCOUNT_MAX
    assert refusal(withdraw(s, 1)) == ("TABLE_FULL", "count", "number", most, most)
    held(withdraw(s, 1, key=BOBS, account=BOB))
