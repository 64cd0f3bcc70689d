"""The check sum of the files of a journal, for tests that forge one."""

from __future__ import annotations


def crc32c(content: bytes | bytearray) -> int:
    """CRC-32C (RFC 3720, appendix B.4), bit by bit."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
