"""Keys: what they may, until when, for whom, and that no signed request counts twice."""

from tests.model.codec import Message
from tests.model.keys import NONCE_BIT
from tests.model.scenario import ANN, BOB, CYD, Scenario, an_exchange, kinds, of

DETAIL = ("code", "field", "unit", "value", "limit")


def issue(s: Scenario, key_id: str = "k", **changes: object) -> list[Message]:
    body: dict[str, object] = {"key_id": key_id, "scheme": "hmac_sha256", "material": bytes(60)}
    more = {"permissions": 2, "label": "desk", "expire_ns": 0, "waits": False}
    return s.send(Message("KeyIssue", **body | more | changes), account=ANN)


def bind(s: Scenario, accounts: list[int], instruments: list[int]) -> list[Message]:
    lists = [
        b"".join([one.to_bytes(4, "little") for one in ids]) for ids in (accounts, instruments)
    ]
    bounds = {"accounts": lists[0], "instruments": lists[1], "networks": b""}
    return s.send(Message("KeyBind", key_id="k", **bounds))


def buy(s: Scenario, account: int = ANN, **header: int) -> list[Message]:
    body: dict[str, object] = {"side": "buy", "order_type": "limit", "time_in_force": "gtc"}
    rest = {"instrument": 1, "post_only": False, "qty": 1, "price": 1, "notional": 0}
    order = Message("OrderPlace", **body, **rest, client_order_id="")
    session = header.get("session", 0)
    return s.send(order, account=account, key=header.get("key", 1), session=session)


def refusal(events: list[Message]) -> tuple[object, ...]:
    (detail,) = of(events, "Rejected", *DETAIL)
    return detail


def test_an_order_sequenced_after_the_revocation_is_refused() -> None:
    s = an_exchange()
    assert kinds(issue(s)) == ["KeyIssued"]
    assert "OrderAccepted" in kinds(buy(s))
    assert kinds(s.send(Message("KeyRevoke", key_id="k"))) == ["KeyRevoked"]
    assert refusal(buy(s)) == ("KEY_REVOKED", "key_id", "number", 1, 0)
    again = s.send(Message("KeyRevoke", key_id="k"))
    assert refusal(again) == ("KEY_REVOKED", "key_id", "number", 1, 0)
    assert refusal(issue(s))[:2] == ("ALREADY_EXISTS", "key_id")


def test_a_key_that_waits_works_once_it_is_bound_and_then_only_there() -> None:
    s = an_exchange()
    issue(s, waits=True)
    assert refusal(buy(s))[0] == "KEY_NOT_BOUND"
    assert refusal(bind(s, [9], []))[:2] == ("UNKNOWN_ACCOUNT", "accounts")
    assert refusal(bind(s, [], [1, 1]))[:2] == ("INVALID_COMBINATION", "symbols")
    assert kinds(bind(s, [BOB], [1])) == ["KeyBound"]
    assert "OrderAccepted" in kinds(buy(s))
    assert "OrderAccepted" in kinds(buy(s, BOB))
    assert refusal(buy(s, CYD))[:2] == ("NOT_PERMITTED", "account")
    after = s.send(Message("CancelAfter", timeout_ns=1), account=ANN, key=1)
    assert refusal(after) == ("NOT_PERMITTED", "symbol", "number", 0, 0)


def test_an_order_of_an_instrument_that_the_key_may_not_trade_is_as_one_that_is_not_there() -> None:
    s = an_exchange()
    eth = Message("AssetCreate", name="ETH", scale=0)
    s.send(eth)
    rules = vars(s.twins.exchange.instruments[0].rules) | {"symbol": "ETH-USD", "base": 3}
    s.send(Message(**rules))
    issue(s)
    s.place(ANN, "buy", 1, 1, client_order_id="a")
    placed = s.place(ANN, "buy", 1, 1)
    (order_id,) = of(placed, "OrderAccepted", "order_id")[0]
    bind(s, [], [2])
    named = {"order_id": 0, "client_order_id": "a"}
    cancel = s.send(Message("OrderCancel", **named), account=ANN, key=1)
    assert refusal(cancel) == ("ORDER_NOT_FOUND", "client_order_id", "", 0, 0)
    numbered = {"order_id": order_id, "client_order_id": ""}
    amend = s.send(Message("OrderAmend", **numbered, qty=2, price=0), account=ANN, key=1)
    assert refusal(amend) == ("ORDER_NOT_FOUND", "order_id", "number", order_id, 0)
    bind(s, [], [])
    assert "OrderClosed" in kinds(s.send(Message("OrderCancel", **named), account=ANN, key=1))


def test_a_key_expires_by_the_time_of_the_record() -> None:
    s = an_exchange()
    s.now_ns = 100
    assert refusal(issue(s, expire_ns=100)) == ("TIME_OUT_OF_RANGE", "expire_time", "ns", 100, 100)
    issue(s, expire_ns=200)
    s.now_ns = 199
    assert "OrderAccepted" in kinds(buy(s))
    s.now_ns = 200
    assert refusal(buy(s)) == ("KEY_EXPIRED", "key_id", "ns", 200, 200)


def test_a_nonce_counts_once_even_where_its_request_was_refused() -> None:
    s = an_exchange()
    issue(s)
    assert "OrderAccepted" in kinds(buy(s, session=NONCE_BIT | 5_000))
    assert refusal(buy(s, session=NONCE_BIT | 5_000)) == (
        "NONCE_USED",
        "nonce",
        "number",
        5_000,
        5_000,
    )
    assert refusal(buy(s, CYD, session=NONCE_BIT | 4_000))[0] == "NOT_PERMITTED"
    assert refusal(buy(s, session=NONCE_BIT | 4_000))[0] == "NONCE_USED"
    assert "OrderAccepted" in kinds(buy(s, session=NONCE_BIT | 3_977))
    for gone in (3_976, 1, 0):
        assert refusal(buy(s, session=NONCE_BIT | gone))[0] == "NONCE_USED"
    s.send(Message("KeyRevoke", key_id="k"))
    assert refusal(buy(s, session=NONCE_BIT | 6_000))[0] == "KEY_REVOKED"


def test_a_person_sets_the_own_password_and_no_other_and_the_old_one_proves_nothing() -> None:
    s = an_exchange()
    issue(s, "ann", scheme="password", material=b"1" * 60)
    issue(s, "bob", scheme="password", material=b"2" * 60)
    issue(s, "bot")
    new = Message("PasswordSet", key_id="ann", material=b"3" * 60)
    assert kinds(s.send(new, key=1)) == ["PasswordChanged"]
    for other in ("bob", "nobody"):
        theirs = Message("PasswordSet", key_id=other, material=bytes(60))
        assert refusal(s.send(theirs, key=1)) == ("NOT_PERMITTED", "key_id", "number", 1, 0)
    bot = Message("PasswordSet", key_id="bot", material=bytes(60))
    assert refusal(s.send(bot)) == ("INVALID_COMBINATION", "key_id", "number", 3, 0)
    short = Message("PasswordSet", key_id="ann", material=bytes(32))
    assert refusal(s.send(short)) == ("INVALID_COMBINATION", "material", "number", 32, 60)
    s.send(Message("KeyRevoke", key_id="ann"))
    assert refusal(s.send(new)) == ("KEY_REVOKED", "key_id", "number", 1, 0)


def test_a_session_is_ended_by_the_key_that_it_is_of() -> None:
    s = an_exchange()
    issue(s)
    (ended,) = s.send(Message("SessionEnd", session=7, until_ns=2**62), key=1)
    assert (ended.kind, ended.key, ended.session) == ("SessionEnded", 1, 7)
    assert refusal(s.send(Message("SessionEnd", session=7, until_ns=2**62)))[0] == "UNKNOWN_KEY"
    past = s.send(Message("SessionEnd", session=7, until_ns=0), key=1)
    assert refusal(past)[:3] == ("TIME_OUT_OF_RANGE", "expire_time", "ns")
