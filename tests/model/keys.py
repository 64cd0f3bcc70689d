"""Keys in the reference exchange: who may do what and how keys come about (1, 2 and 26)."""

import re

from tests.model.codec import Header, Message
from tests.model.configure import Configuring
from tests.model.orders import require

PERMISSIONS = {"read": 1, "trade": 2, "withdraw": 4, "admin": 8}
NEEDED = {
    **{"Genesis": 0, "NodeStarted": 0, "Void": 0},
    **{"AssetCreate": 8, "InstrumentCreate": 8, "AccountCreate": 8},
    **{"KeyCreate": 8, "Deposit": 8, "Withdraw": 4},
    **{"OrderPlace": 2, "OrderCancel": 2, "OrderAmend": 2, "OrderCancelAll": 2},
    **{"OrderPlaceTerms": 2, "OrderReplace": 2, "OrderListPlace": 2, "CancelAfter": 2, "Tick": 0},
    **{"GroupCreate": 8, "AccountConfigure": 8, "InstrumentConfigure": 8, "MarkSet": 8},
    **{"TradingStateSet": 8, "AuctionSchedule": 8},
    **{"FeeTierSet": 8, "LimitSet": 8, "RiskStateSet": 8, "KillSwitch": 8, "KillReset": 8},
    **{"KeyIssue": 8, "KeyBind": 8, "KeyRevoke": 8},
    **{"PasswordSet": 15, "SessionEnd": 15, "CancelOnDisconnect": 15},
    **{"WithdrawalCapSet": 8, "WithdrawalApprove": 8, "WithdrawalReject": 8},
    **{"WithdrawalCancel": 4},
}
FOR_AN_ACCOUNT = (
    *("KeyCreate", "KeyIssue", "Deposit", "Withdraw", "AccountConfigure", "CancelAfter"),
    "WithdrawalCancel",
    "CancelOnDisconnect",
    *[kind for kind in NEEDED if "Order" in kind],
)
REQUESTS = (
    *("AssetCreate", "InstrumentCreate", "AccountCreate", "KeyCreate", "Deposit", "Withdraw"),
    *("GroupCreate", "AccountConfigure", "InstrumentConfigure", "MarkSet"),
    *("TradingStateSet", "AuctionSchedule", "FeeTierSet", "LimitSet"),
    *("RiskStateSet", "KillSwitch", "KillReset", "KeyIssue", "KeyBind", "KeyRevoke"),
    *("WithdrawalCapSet", "WithdrawalApprove", "WithdrawalReject", "WithdrawalCancel"),
)
NONCE_BIT, NONCE_WINDOW = 1 << 63, 1_024
MATERIAL_BYTES = {"ed25519": 32, "hmac_sha256": 60, "password": 60}
# What names one instrument that it trades in; what is about all names 0.
TRADES_IN = (
    *("OrderPlace", "OrderPlaceTerms", "OrderReplace", "OrderListPlace", "OrderCancelAll"),
    "CancelAfter",
)


def ids_of(listed: bytes) -> list[int]:
    """The ids of a list."""
    return [int.from_bytes(listed[at : at + 4], "little") for at in range(0, len(listed), 4)]


class Keys(Configuring):
    """Keys: made, bound, revoked, asked for."""

    def _permit(self, header: Header, c: Message) -> None:
        """Steps 3 to 5 of section 1, for a key that exists."""
        key, account = self.keys[header.key - 1]
        require(key.state != "revoked", "KEY_REVOKED key_id number", header.key)
        require(key.state != "waits", "KEY_NOT_BOUND key_id number", header.key)
        in_time = key.expire_ns == 0 or header.time_ns < key.expire_ns
        require(in_time, "KEY_EXPIRED key_id ns", header.time_ns, key.expire_ns)
        if header.session & NONCE_BIT:
            self._take_nonce(header.key, header.session - NONCE_BIT)
        bits, needed = key.permissions, NEEDED[c.kind]
        require(bits & needed, "NOT_PERMITTED permissions number", bits, needed)
        if c.kind in FOR_AN_ACCOUNT and not bits & PERMISSIONS["admin"]:
            own = header.account in (account, *ids_of(key.accounts))
            require(own, "NOT_PERMITTED account number", header.account, account)
        if c.kind in TRADES_IN:
            instrument = getattr(c, "instrument", 0)
            allowed = self._may_trade(header.key, instrument)
            require(allowed, "NOT_PERMITTED symbol number", instrument)

    def _take_nonce(self, key: int, nonce: int) -> None:
        highest, used = self.nonces.get(key, (0, ()))
        free = nonce + NONCE_WINDOW > highest and nonce not in used and nonce > 0
        require(free, "NONCE_USED nonce number", nonce, highest)
        highest = max(highest, nonce)
        kept = [one for one in (*used, nonce) if one + NONCE_WINDOW > highest]
        self.nonces[key] = (highest, tuple(kept))

    def _may_trade(self, key: int, instrument: int) -> bool:
        listed = self.keys[key - 1][0].instruments if key else b""
        return not listed or instrument in ids_of(listed)

    def _key_create(self, header: Header, c: Message) -> None:
        self._check_key(c)
        fields = {"scheme": "ed25519", "material": c.public_key, "label": "", "expire_ns": 0}
        self._add_key(header, c, state="active", **fields)
        ids = {"key": len(self.keys), "account": header.account}
        self.emit("KeyCreated", **vars(c) | ids)

    def _key_issue(self, header: Header, c: Message) -> None:
        self._check_key(c)
        self._check_material(c.scheme, c.material)
        good = c.expire_ns == 0 or c.expire_ns > header.time_ns
        require(good, "TIME_OUT_OF_RANGE expire_time ns", c.expire_ns, header.time_ns)
        fields = {name: getattr(c, name) for name in ("scheme", "material", "label", "expire_ns")}
        self._add_key(header, c, state="waits" if c.waits else "active", **fields)
        ids = {"key": len(self.keys), "account": header.account}
        self.emit("KeyIssued", **vars(c) | ids)

    def _check_material(self, scheme: str, material: bytes) -> None:
        length, wanted = len(material), MATERIAL_BYTES[scheme]
        require(length == wanted, "INVALID_COMBINATION material number", length, wanted)

    def _check_key(self, c: Message) -> None:
        require(re.fullmatch("[a-z0-9_-]{1,32}", c.key_id), "INVALID_NAME key_id")
        some = 1 <= c.permissions <= 15
        require(some, "AMOUNT_OUT_OF_RANGE permissions number", c.permissions, 15)

    def _add_key(self, header: Header, c: Message, **fields: object) -> None:
        self._require_free("key_id", [key.key_id for key, _ in self.keys], c.key_id)
        self._require_room(self.keys, self.limits.keys_max)
        unbound = {"accounts": b"", "instruments": b"", "networks": b""}
        names = {"key_id": c.key_id, "permissions": c.permissions}
        self.keys.append((Message("Key", **names, **unbound, **fields), header.account))

    def _key_bind(self, header: Header, c: Message) -> None:
        key = self._living_key(c.key_id)
        self._check_list("accounts", "UNKNOWN_ACCOUNT", c.accounts, len(self.accounts))
        many = len(self.instruments)
        self._check_list("symbols", "UNKNOWN_INSTRUMENT", c.instruments, many)
        good = len(c.networks) % 17 == 0 and all(bits <= 128 for bits in c.networks[16::17])
        require(good, "INVALID_COMBINATION networks")
        bounds = {name: getattr(c, name) for name in ("accounts", "instruments", "networks")}
        self._change_key(key, **bounds, state="active")
        self.emit("KeyBound", key=key, **bounds)

    def _check_list(self, field: str, unknown: str, listed: bytes, last: int) -> None:
        ids = ids_of(listed)
        good = len(listed) % 4 == 0 and ids == sorted(set(ids))
        require(good, f"INVALID_COMBINATION {field}")
        for one in ids:
            require(1 <= one <= last, f"{unknown} {field} number", one)

    def _key_revoke(self, header: Header, c: Message) -> None:
        key = self._living_key(c.key_id)
        self._change_key(key, state="revoked")
        self.emit("KeyRevoked", key=key, key_id=c.key_id)

    def _password_set(self, header: Header, c: Message) -> None:
        if header.key:
            asker, _ = self.keys[header.key - 1]
            mine = asker.key_id == c.key_id or asker.permissions & PERMISSIONS["admin"]
            require(mine, "NOT_PERMITTED key_id number", header.key)
        key = self._living_key(c.key_id)
        scheme = self.keys[key - 1][0].scheme
        require(scheme == "password", "INVALID_COMBINATION key_id number", key)
        self._check_material(scheme, c.material)
        self._change_key(key, material=c.material)
        self.emit("PasswordChanged", key=key, key_id=c.key_id)

    def _session_end(self, header: Header, c: Message) -> None:
        require(header.key, "UNKNOWN_KEY key_id")
        good = c.until_ns > header.time_ns
        require(good, "TIME_OUT_OF_RANGE expire_time ns", c.until_ns, header.time_ns)
        self.emit("SessionEnded", key=header.key, **vars(c))

    def _cancel_on_disconnect(self, header: Header, c: Message) -> None:
        self.emit("CancelOnDisconnectSet", account=header.account, **vars(c))

    def _living_key(self, key_id: str) -> int:
        names = [key.key_id for key, _ in self.keys]
        require(key_id in names, "UNKNOWN_KEY key_id")
        number = names.index(key_id) + 1
        living = self.keys[number - 1][0].state != "revoked"
        require(living, "KEY_REVOKED key_id number", number)
        return number

    def _change_key(self, number: int, **changes: object) -> None:
        key, account = self.keys[number - 1]
        self.keys[number - 1] = (Message(**vars(key) | changes), account)
