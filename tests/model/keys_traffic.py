"""The part of the traffic that is about keys and nonces."""

import random
from dataclasses import dataclass

from tests.model.codec import Message
from tests.model.exchange import ReferenceExchange
from tests.model.keys import MATERIAL_BYTES, NONCE_BIT
from tests.model.subjects import wants

KEY_NAMES = tuple(f"key-{n}" for n in range(9))
# Those of the set-up, by which most is asked for, are rarely touched.
FIRST_NAMES = tuple(f"first-{n}" for n in range(6))
MOST = NONCE_BIT - 1


@dataclass(slots=True)
class KeysTraffic:
    """The next command of section 26, good and bad."""

    rng: random.Random

    def next(self, exchange: ReferenceExchange, now_ns: int) -> Message:
        """Mostly about keys that exist, and mostly right."""
        rng = self.rng
        made = [key.key_id for key, _ in exchange.keys[6:]]
        key_id = rng.choice(made or KEY_NAMES)
        chance = rng.randrange(100)
        if chance < 8:
            key_id = rng.choice((*KEY_NAMES, "nobody"))
        kind = rng.randrange(100)
        if kind < 38:
            return self._issue(now_ns)
        if kind < 62:
            return self._password(exchange, key_id)
        if kind < 70:
            until_ns = now_ns + rng.choice((1, 1, 10**12, 10**18, 0, -1))
            session = rng.getrandbits(64)
            if kind > 66:
                return Message("CancelOnDisconnect", session=session, enabled=until_ns > now_ns)
            return Message("SessionEnd", session=session, until_ns=until_ns)
        if kind < 90:
            if chance > 96:
                key_id = rng.choice(FIRST_NAMES)
            return self._bind(exchange, key_id)
        return Message("KeyRevoke", key_id=key_id)

    def _issue(self, now_ns: int) -> Message:
        rng = self.rng
        scheme = rng.choice(("ed25519", "hmac_sha256", "password"))
        length = MATERIAL_BYTES[scheme] if rng.randrange(10) else rng.choice((0, 1, 32, 60))
        later = rng.choice((0, 0, now_ns + 1_000, now_ns + 300_000, now_ns + 10**15))
        if rng.randrange(10) == 0:
            later = rng.choice((now_ns, now_ns - 1, -1, 2**63 - 1))
        what: dict[str, object] = {"key_id": rng.choice(KEY_NAMES), "scheme": scheme}
        how = {"permissions": rng.choice((2, 2, 6, 15, 15, 0, 16)), "expire_ns": later}
        more = {"label": rng.choice(("", "desk:7")), "waits": rng.randrange(4) == 0}
        return Message("KeyIssue", **what, **how, **more, material=rng.randbytes(length))

    def _password(self, exchange: ReferenceExchange, key_id: str) -> Message:
        rng = self.rng
        people = [key for key, _ in exchange.keys if key.scheme == "password"]
        lasting = [key for key in people if key.state != "revoked"] or people
        if lasting and rng.randrange(8):
            key_id = rng.choice(lasting).key_id
        length = 60 if rng.randrange(10) else rng.choice((0, 32))
        return Message("PasswordSet", key_id=key_id, material=rng.randbytes(length))

    def _bind(self, exchange: ReferenceExchange, key_id: str) -> Message:
        rng = self.rng
        networks = b"".join([rng.randbytes(16) + bytes([rng.randrange(129)]) for _ in range(2)])
        bounds = {
            "accounts": self._ids(len(exchange.accounts)),
            "instruments": self._ids(len(exchange.instruments)),
            "networks": rng.choice((b"", networks[:17], networks)),
        }
        if rng.randrange(8) == 0:
            bad = (b"\1", bytes(4), bytes(8), b"\2\0\0\0\1\0\0\0", b"\xff" * 4)
            bounds[rng.choice(("accounts", "instruments"))] = rng.choice(bad)
        if rng.randrange(12) == 0:
            bounds["networks"] = rng.choice((b"\1" * 16, networks[:16] + b"\x81"))
        return Message("KeyBind", key_id=key_id, **bounds)

    def _ids(self, last: int) -> bytes:
        some = self.rng.sample(range(1, last + 1), self.rng.randrange(min(last, 3) + 1))
        return b"".join([one.to_bytes(4, "little") for one in sorted(some)])

    def nonce(self, exchange: ReferenceExchange, key: int) -> int:
        """Now and then the nonce of a signed request: new, used or too old; 0 for none."""
        rng = self.rng
        if not wants("keys") or key == 0 or rng.randrange(100) >= 12:
            return 0
        highest, used = exchange.nonces.get(key, (0, ()))
        nonce = highest + rng.choice((1, 1, 2, 70, 1_023, 1_500))
        chance = rng.randrange(100)
        if chance < 35:
            nonce = max(0, highest - rng.choice((0, 1, 2, 63, 64, 1_000, 1_023, 1_024, 1_025)))
        elif chance < 42 and used:
            nonce = rng.choice(used)
        elif chance == 42:
            nonce = rng.choice((0, MOST))
        return NONCE_BIT | min(nonce, MOST)
