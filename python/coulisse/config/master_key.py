"""The branch of the settings that holds the master key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr

from coulisse.config.values import Part
from coulisse.domain.errors import ConfigError

_MASTER_KEY = re.compile("[0-9a-fA-F]{64}")


def _master_key(value: object) -> object:
    # Whatever is wrong with it, it is not repeated.
    digits = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not isinstance(digits, str) or not _MASTER_KEY.fullmatch(digits):
        raise ValueError("a master key is 64 hexadecimal digits")
    return value


class SecretsConfig(Part):
    """What the secrets of HMAC keys are encrypted with: `coulisse serve` needs one of the two."""

    master_key: Annotated[SecretStr, BeforeValidator(_master_key)] | None = None
    """64 hexadecimal digits, as `openssl rand -hex 32` draws them. Better in the environment
    (`COULISSE_SECRETS__MASTER_KEY`) than in a file. Never printed."""
    master_key_file: Annotated[Path | None, Field(examples=["master.key"])] = None
    """A file that holds the same, and that others cannot read."""

    def read(self) -> bytes | None:
        """Return the 32 bytes, if there are any. Raises `ConfigError`."""
        if self.master_key is not None:
            return bytes.fromhex(self.master_key.get_secret_value())
        if self.master_key_file is None:
            return None
        where = f"secrets.master_key_file: {self.master_key_file}"
        try:
            mode = self.master_key_file.stat().st_mode
            digits = self.master_key_file.read_text().strip()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "no text"
            raise ConfigError(f"{where}: {reason}") from None
        if mode & 0o077:
            raise ConfigError(f"{where}: others may read it; chmod 600")
        if not _MASTER_KEY.fullmatch(digits):
            raise ConfigError(f"{where}: a master key is 64 hexadecimal digits")
        return bytes.fromhex(digits)
