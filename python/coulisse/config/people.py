"""The settings of people: their passwords and sessions."""

from __future__ import annotations

import re
from typing import Annotated, TypedDict

from pydantic import AfterValidator, model_validator

from coulisse.config.values import Part, between

MEMORY_KIB_MIN = 7_168
"""The least that OWASP's password storage cheat sheet (2024) has in a row of its table."""
POOL_KIB_MAX = 262_144
"""What hashing may take of a process: half of what a node may."""
_AUDIENCE = re.compile("[A-Za-z0-9._:/-]{1,64}")


class PeopleRules(TypedDict):
    """These settings, as the core takes them."""

    threads: int
    waiting_max: int
    memory_kib: int
    passes: int
    password_min: int
    token_s: int
    session_s: int
    audience: str


def _audience(value: str) -> str:
    if not _AUDIENCE.fullmatch(value):
        raise ValueError(f"an audience is 1 to 64 of A-Z a-z 0-9 . _ : / -, not {value!r}")
    return value


class PeopleConfig(Part):
    """Passwords and sessions of people, in each process that holds connections."""

    threads: Annotated[int, between(1, 16)] = 1
    """Passwords that are hashed at one time: each takes a processor and `memory_kib`."""
    waiting_max: Annotated[int, between(1, 1_000)] = 32
    """Passwords that may wait or be hashed; more are told to come again (`RETRY_LOGON`)."""
    memory_kib: Annotated[int, between(MEMORY_KIB_MIN, POOL_KIB_MAX)] = 19_456
    """Memory of one argon2id hash. What was hashed with other settings is still checked."""
    passes: Annotated[int, between(1, 64)] = 3
    """Passes over it: with 19 MiB, 3 take some 60 ms."""
    password_min: Annotated[int, between(8, 64)] = 12
    """Characters of a password that is set, at least."""
    token_s: Annotated[int, between(1, 86_400)] = 900
    """Seconds that a token lasts."""
    session_s: Annotated[int, between(1, 2_592_000)] = 43_200
    """Seconds after which the password is asked for again, however often it was refreshed."""
    audience: Annotated[str, AfterValidator(_audience)] = "coulisse"
    """Whose tokens these are: nodes with one master key and two audiences take none of each
    other's."""

    @model_validator(mode="after")
    def _fits(self) -> PeopleConfig:
        if self.threads * self.memory_kib > POOL_KIB_MAX:
            raise ValueError(f"people: threads times memory_kib is above {POOL_KIB_MAX}")
        return self

    def rules(self) -> PeopleRules:
        """Return what the core must know of these settings."""
        return PeopleRules(
            threads=self.threads,
            waiting_max=self.waiting_max,
            memory_kib=self.memory_kib,
            passes=self.passes,
            password_min=self.password_min,
            token_s=self.token_s,
            session_s=self.session_s,
            audience=self.audience,
        )
