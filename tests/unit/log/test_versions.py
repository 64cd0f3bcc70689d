"""A log that another version wrote is refused in words, and left as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from coulisse.config import Config, GatewayConfig, LogConfig
from coulisse.config.master_key import SecretsConfig
from coulisse.domain.errors import CoulisseError, StartError
from coulisse.log.file import open_core
from coulisse.node.backup import make_backup
from tests.crc32c import crc32c

HEADER_BYTES = 512
VERSION_AT = slice(12, 16)
CHECKSUM_AT = slice(8, 12)


def made_by_a_newer_version(segment: Path) -> bytes:
    """Raise the version in a segment's header, with its check sum right."""
    content = bytearray(segment.read_bytes())
    content[VERSION_AT] = (1).to_bytes(4, "little")
    covered = content[VERSION_AT.start : HEADER_BYTES]
    content[CHECKSUM_AT] = crc32c(covered).to_bytes(4, "little")
    segment.write_bytes(content)
    return bytes(content)


def test_a_log_of_a_newer_format_is_refused_and_not_touched(tmp_path: Path) -> None:
    config = Config(
        log=LogConfig(dir=tmp_path), secrets=SecretsConfig.model_validate({"master_key": "5a" * 32})
    )
    open_core(config, [GatewayConfig()]).close()
    (segment,) = tmp_path.glob("journal-*.seg")
    content = made_by_a_newer_version(segment)
    with pytest.raises(StartError) as refused:
        open_core(config, [GatewayConfig()])
    said = str(refused.value)
    assert f"JOURNAL_VERSION: {segment.name} is of format version 1, and this build reads 0" in said
    assert "was not touched" in said and "docs/operating/upgrades.md" in said
    with pytest.raises(CoulisseError, match="is of format version 1"):
        make_backup(tmp_path, tmp_path / "backup")
    assert segment.read_bytes() == content
