"""Peers whose machine is gone are ended and freed, and the others go on."""

from __future__ import annotations

from .silent_peers import EACH, Seen

BUFFERS_BYTES = 4 << 20
"""What kernel, transport and node keep for one, some 1.3 MiB, and what is told until it shows."""


def test_peers_that_go_silent_are_freed_and_nobody_else_notices(
    seen_of_silent_peers: Seen,
) -> None:
    seen = seen_of_silent_peers
    assert (seen.slow_closed, seen.silent_closed) == (1, 1), f"one for each reason: {seen}"
    assert seen.told_bytes < BUFFERS_BYTES, f"it kept more for the one that took nothing: {seen}"
    assert (seen.connections_more, seen.sockets_more, seen.streams_more) == (0, 0, 0), str(seen)
    assert seen.orders_left == 0, f"its order is cancelled with its connection: {seen}"
    assert seen.trades > 10 * EACH and seen.refused == 0, f"the others trade on: {seen}"
