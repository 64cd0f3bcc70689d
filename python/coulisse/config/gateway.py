"""The settings of a node's door."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal, TypedDict

from pydantic import AfterValidator, Field

from coulisse.config.values import Host, Origin, Part, between

SEND_BUFFER_BYTES_MAX = 1 << 30
RECEIVE_BUFFER_BYTES_MAX = 1 << 30
CONNECTIONS_MAX = 1_000_000
WORKERS_MAX = 64
RATE_MAX = 100_000_000
BURST_S = 2
"""Seconds of a rate that may come at once."""


class Rules(TypedDict):
    """The rules of the door, as the core takes them; a rate is units a second and the burst."""

    deflate: bool
    logon_s: int
    key_rate: tuple[int, int]
    account_rate: tuple[int, int]
    address_rate: tuple[int, int]
    proxies: str


def _network(value: str) -> str:
    try:
        ipaddress.ip_network(value)
    except ValueError:
        raise ValueError(f"a network is 10.0.0.0/8 or an address, not {value!r}") from None
    return value


class TlsConfig(Part):
    """A certificate, and what is spoken with it: with these settings the port takes TLS alone."""

    certificate: Annotated[Path, Field(examples=["node.crt"])]
    """A PEM file: the certificate, then those between it and its authority. Read again when it or
    the key changes; sessions that are open go on."""
    key: Annotated[Path, Field(examples=["node.key"])]
    """A PEM file that others cannot read: the certificate's private key, ECDSA best."""
    min_version: Literal["1.2", "1.3"] = "1.2"
    """The oldest version of TLS that is taken."""
    handshake_timeout_s: Annotated[int, between(1, 60)] = 10
    """Seconds that a handshake may take; then the connection is ended."""


class GatewayConfig(Part):
    """Where the node listens."""

    host: Host = "127.0.0.1"
    """The address to listen on."""
    port: Annotated[int, between(0, 65_535)] = 8080
    """The port; 0 takes a free one."""
    names: tuple[str, ...] = ()
    """Host names that clients may call the node by, besides the address itself and this machine's
    own; `*` takes any. A WebSocket to another name, or a signature made for one, is refused."""
    origins: tuple[Origin, ...] = ()
    """Origins of other sites, as `https://desk.example`, whose pages may open WebSockets here; `*`
    takes any. The node's own pages always may."""
    echo: bool = False
    """Open `/v1/echo`, a WebSocket that sends every message of up to 16 MiB back: for suites of
    WebSocket conformance."""
    deflate: bool = False
    """Agree to permessage-deflate (RFC 7692) where a client of `/v1/ws` asks for it: messages of
    256 bytes and more of public channels, and of 1 KiB and more otherwise, then go compressed."""
    connections_max: Annotated[int, between(1, CONNECTIONS_MAX)] = 20_000
    """Connections at one time; fewer where the process may not open so many files. At the limit
    nobody is accepted until another has gone."""
    connections_per_address_max: Annotated[int, between(0, CONNECTIONS_MAX)] = 0
    """Connections of one address at one time; 0 for as many as there may be."""
    logon_timeout_s: Annotated[int, between(0, 3_600)] = 30
    """Seconds within which a session of the native protocol must log on or subscribe; 0: never."""
    key_rate: Annotated[int, between(0, RATE_MAX)] = 10_000
    """Requests a second of one key, by weight; twice as many may come at once. 0 is no limit."""
    account_rate: Annotated[int, between(0, RATE_MAX)] = 20_000
    """The same of one account, over all its keys."""
    address_rate: Annotated[int, between(0, RATE_MAX)] = 50_000
    """The same of one address, over all its connections, HTTP among them."""
    trusted_proxies: tuple[Annotated[str, AfterValidator(_network)], ...] = ()
    """Networks, as `10.0.0.0/8`, whose `X-Forwarded-For` is believed."""
    workers: Annotated[int, between(0, WORKERS_MAX)] = 0
    """Processes that hold the connections, beside the one with the core; 0: that one does. The
    limits of connections and rates are each worker's own."""
    tls: TlsConfig | None = None
    """Speak TLS on the port, and nothing else; absent: plain, for a balancer that does it."""
    reuse_port: bool = False
    """Let several processes listen on the port (SO_REUSEPORT)."""
    send_buffer_bytes: Annotated[int, between(1, SEND_BUFFER_BYTES_MAX)] = 65_536
    """The kernel's send buffer of a connection: bounds what a client that never reads can park."""
    receive_buffer_bytes: Annotated[int, between(1, RECEIVE_BUFFER_BYTES_MAX)] = 65_536
    """The kernel's receive buffer of a connection: bounds what waits there while the node has no
    time for it, and so how long. A client far away sends no more than this in one round trip."""

    def rules(self) -> Rules:
        """Return what the core must know of these settings."""
        return Rules(
            deflate=self.deflate,
            logon_s=self.logon_timeout_s,
            key_rate=(self.key_rate, BURST_S * self.key_rate),
            account_rate=(self.account_rate, BURST_S * self.account_rate),
            address_rate=(self.address_rate, BURST_S * self.address_rate),
            proxies=",".join(self.trusted_proxies),
        )

    @property
    def host_names(self) -> tuple[str, ...]:
        """Every name that a client's Host header may have."""
        own = f"[{self.host}]" if ":" in self.host else self.host
        return tuple(dict.fromkeys(("localhost", "127.0.0.1", "[::1]", own, *self.names)))
