"""What the traffic asks for: everything, or the subjects that `COULISSE_SUBJECTS` names.

For whoever builds part of the rules: `COULISSE_SUBJECTS=time,iceberg` leaves the others out.
"""

import os

SUBJECTS = (
    *("time", "iceberg", "min_qty", "self_trade", "conditional", "pegs"),
    *("replace", "lists", "states", "bands", "pro_rata", "risk", "keys"),
    "withdrawals",
)
# Those that are terms of an order.
TERMS = SUBJECTS[:6]
_CHOSEN = tuple(filter(None, os.environ.get("COULISSE_SUBJECTS", ",".join(SUBJECTS)).split(",")))
assert set(_CHOSEN) <= set(SUBJECTS), f"COULISSE_SUBJECTS: choose from {','.join(SUBJECTS)}"


def wants(subject: str) -> bool:
    """Whether the traffic has this subject."""
    assert subject in SUBJECTS, subject
    return subject in _CHOSEN
