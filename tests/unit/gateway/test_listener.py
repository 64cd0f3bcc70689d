"""Binding a port."""

from __future__ import annotations

import socket

import pytest

from coulisse.config import GatewayConfig
from coulisse.domain.errors import StartError
from coulisse.gateway.listener import Listener, bind


def new_conn() -> object:
    raise AssertionError("nobody connects here")


def test_port_0_takes_a_free_one_and_tells_it() -> None:
    listener = Listener(GatewayConfig(port=0), new_conn)  # type: ignore[arg-type]
    assert listener.port > 0 and listener.address == f"127.0.0.1:{listener.port}"
    listener.close()


def test_an_ipv6_address_is_written_as_urls_want_it() -> None:
    listener = Listener(GatewayConfig(host="::1", port=0), new_conn)  # type: ignore[arg-type]
    assert listener.address == f"[::1]:{listener.port}"
    listener.close()


def test_accepted_connections_have_small_buffers_and_no_delay() -> None:
    listening = bind(GatewayConfig(port=0, send_buffer_bytes=65_536, receive_buffer_bytes=32_768))
    listening.listen()
    with socket.create_connection(listening.getsockname()):
        listening.setblocking(True)
        accepted, _ = listening.accept()
        # Linux doubles what is asked for.
        assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 2 * 65_536
        assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) <= 2 * 32_768
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
        accepted.close()
    listening.close()


@pytest.mark.parametrize("host", ["203.0.113.1", "not-an-address"])
def test_an_address_that_is_not_here_is_one_line(host: str) -> None:
    with pytest.raises(StartError) as caught:
        bind(GatewayConfig(host=host, port=0))
    assert host in str(caught.value) and "\n" not in str(caught.value)


def test_two_processes_share_a_port_only_where_they_are_told_to() -> None:
    first = bind(GatewayConfig(port=0, reuse_port=True))
    port = int(first.getsockname()[1])
    first.listen()
    second = bind(GatewayConfig(port=port, reuse_port=True))
    with pytest.raises(StartError, match="in use"):
        bind(GatewayConfig(port=port))
    first.close()
    second.close()
