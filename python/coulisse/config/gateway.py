"""The settings of a node's door."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from coulisse.config.parts import Part, between

SEND_BUFFER_BYTES_MAX = 1 << 30


def _origin(value: str) -> str:
    scheme, _, rest = value.partition("://")
    if value != "*" and (scheme not in ("http", "https") or not rest or "/" in rest):
        raise ValueError(f"an origin is https://host[:port] or *, not {value!r}")
    return value


def _host(value: str) -> str:
    if not value.strip():
        # The kernel would take it for every address of the machine.
        raise ValueError(f"{value!r} is no address; 0.0.0.0 listens on all of them")
    return value


class GatewayConfig(Part):
    """Where the node listens."""

    host: Annotated[str, AfterValidator(_host)] = "127.0.0.1"
    """The address to listen on."""
    port: Annotated[int, between(0, 65_535)] = 8080
    """The port; 0 takes a free one."""
    names: tuple[str, ...] = ()
    """Host names that clients may call the node by, besides the address itself and this machine's
    own; `*` takes any. A WebSocket to another name, or a signature made for one, is refused."""
    origins: tuple[Annotated[str, AfterValidator(_origin)], ...] = ()
    """Origins of other sites, as `https://desk.example`, whose pages may open WebSockets here; `*`
    takes any. The node's own pages always may."""
    echo: bool = False
    """Open `/v1/echo`, a WebSocket that sends every message of up to 16 MiB back: for suites of
    WebSocket conformance."""
    reuse_port: bool = False
    """Let several processes listen on the port (SO_REUSEPORT)."""
    send_buffer_bytes: Annotated[int, between(1, SEND_BUFFER_BYTES_MAX)] = 65_536
    """The kernel's send buffer of a connection: bounds what a client that never reads can park."""

    @property
    def host_names(self) -> tuple[str, ...]:
        """Every name that a client's Host header may have."""
        own = f"[{self.host}]" if ":" in self.host else self.host
        return tuple(dict.fromkeys(("localhost", "127.0.0.1", "[::1]", own, *self.names)))
