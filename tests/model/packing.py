"""How the state hash writes integers and text."""


def u32(value: int) -> bytes:
    """Four bytes."""
    return value.to_bytes(4, "little")


def u64(value: int) -> bytes:
    """Eight bytes."""
    return value.to_bytes(8, "little")


def i128(*values: int) -> bytes:
    """Sixteen bytes each."""
    return b"".join([value.to_bytes(16, "little", signed=True) for value in values])


def text(value: str) -> bytes:
    """A length byte and ASCII."""
    return bytes([len(value)]) + value.encode("ascii")
