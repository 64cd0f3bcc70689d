"""The settings of a node: one frozen tree, read once.

Sources, the later wins: defaults, the TOML file, `.env`, the environment
(`COULISSE_GATEWAY__PORT`), the flags of the command line. A key or a `COULISSE_` variable that
means nothing is refused, with its name: a setting that silently does nothing is worse than none.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from dotenv import dotenv_values
from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from coulisse.config.gateway import GatewayConfig as GatewayConfig
from coulisse.config.master_key import SecretsConfig
from coulisse.config.people import PeopleConfig
from coulisse.config.redis import RedisConfig as RedisConfig
from coulisse.config.risk import RiskConfig
from coulisse.config.series import SeriesConfig as SeriesConfig
from coulisse.config.store import OFF
from coulisse.config.store import StoreConfig as StoreConfig
from coulisse.config.traces import TracesConfig
from coulisse.config.values import (
    AssetName,
    HexKey,
    NotNegative,
    Part,
    PlainName,
    Positive,
    between,
)
from coulisse.domain.errors import ConfigError
from coulisse.domain.symbols import split_symbol, wire_symbol

PREFIX = "COULISSE_"
NOT_SETTINGS = frozenset({"COULISSE_URL", "COULISSE_KEY_FILE", "COULISSE_RECORDED_DIR"})
"""Variables of our prefix that are not settings of a node."""
BUILD_VARIABLES = frozenset({"COULISSE_NO_APT", "COULISSE_SEED"})
"""Variables that the Makefile and the tests read."""
ASSET_SCALE = 8
SNAPSHOTS_KEPT_MAX = 64
"""Most snapshots that are kept, as in the journal's limits."""
ASSET_SCALE_MAX = 18
LOTS_MAX = 2**53
NODE_ID_MAX = 65_535
CPU_MAX = 1_023
"""The kernel's sets of processors hold so many."""
SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX = 2_048, 4 << 30
ARCHIVE_DAYS_MAX = 36_500
PERMISSIONS: Mapping[str, int] = {"read": 1, "trade": 2, "withdraw": 4, "admin": 8}


class LogConfig(Part):
    """Where the log is kept and when it counts as kept."""

    dir: Annotated[Path | None, Field(examples=["coulisse-data"])] = None
    """The data directory; `coulisse-data` under the working directory where none is given."""
    durability: Literal["fsync", "os"] = "fsync"
    """`fsync` survives a power cut; `os` survives the death of the process only."""
    segment_bytes: Annotated[int, between(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX)] = 67_108_864
    """Size of one segment of the journal."""
    archive: Annotated[Path | None, Field(examples=["log-archive"])] = None
    """Where segments that nothing goes on from are put, compressed; without it all stay."""
    archive_keep_days: Annotated[int, between(0, ARCHIVE_DAYS_MAX)] = 0
    """How long they are kept there; 0: for good."""
    archive_interval_s: Annotated[float, Field(gt=0, le=86_400)] = 60.0
    """Seconds between two looks for some."""


class NodeConfig(Part):
    """The process itself."""

    id: Annotated[int, between(1, NODE_ID_MAX)] = 1
    """The node's number, in the origin of every record it takes."""
    cpu: Annotated[Annotated[int, between(0, CPU_MAX)] | None, Field(examples=[0])] = None
    """Pin the process to this processor; the sync thread stays beside the loop."""


class ProjectorConfig(Part):
    """The process beside the core: follows its journal, writes snapshots, fills the store."""

    enabled: Annotated[bool | None, Field(examples=[True])] = None
    """Whether there is one. Where nothing is said, `coulisse serve` and `coulisse demo` have one
    and an engine inside a program has none."""
    snapshot_interval_s: float = 60.0
    """Seconds between two snapshots; none is written while nothing happens."""
    snapshots_kept: int = 2
    """How many snapshots stay, the newest."""
    nice: int = 10
    """How far it stands back behind the core for the processor (0 to 19)."""

    @model_validator(mode="after")
    def _in_range(self) -> ProjectorConfig:
        if not self.snapshot_interval_s > 0:
            raise ValueError("snapshot_interval_s must be more than zero")
        if not 1 <= self.snapshots_kept <= SNAPSHOTS_KEPT_MAX:
            raise ValueError(f"snapshots_kept is 1 to {SNAPSHOTS_KEPT_MAX}")
        if not 0 <= self.nice <= 19:
            raise ValueError("nice is 0 to 19")
        return self


class InstrumentConfig(Part):
    """An instrument to list at the first start. Money is written as text."""

    symbol: str
    """`BASE-QUOTE`."""
    tick_size: Positive
    """Smallest price step, in quote."""
    lot_size: Positive
    """Smallest quantity step, in base."""
    min_qty: Positive | None = None
    """Smallest order; one lot where none is given."""
    max_qty: Positive = Decimal(1_000_000)
    """Largest order."""
    min_notional: NotNegative = Decimal(0)
    """Smallest notional of an order, in quote."""
    maker_bp: NotNegative = Decimal(2)
    """Fee of the resting side, in basis points."""
    taker_bp: NotNegative = Decimal(5)
    """Fee of the arriving side, in basis points."""

    @model_validator(mode="after")
    def _is_sound(self) -> InstrumentConfig:
        split_symbol(self.symbol)
        for name, qty in (("min_qty", self.min_qty), ("max_qty", self.max_qty)):
            if qty is not None and qty / self.lot_size > LOTS_MAX:
                raise ValueError(f"{name} {qty} is more than 2^53 lots of {self.lot_size}")
        return self


class KeyConfig(Part):
    """A key that may act for an account."""

    key_id: PlainName
    """Its public name."""
    public_key: HexKey
    """The Ed25519 public key, 64 hexadecimal digits."""
    permissions: tuple[Literal["read", "trade", "withdraw", "admin"], ...] = ("read", "trade")
    """What it may do."""

    @property
    def permission_bits(self) -> int:
        """The permissions as the core has them."""
        return sum(PERMISSIONS[name] for name in set(self.permissions))


class AccountConfig(Part):
    """An account to open at the first start."""

    name: PlainName
    """Its name: 1 to 32 of a-z 0-9 _ -."""
    deposits: dict[AssetName, Positive] = Field(default={})
    """What it starts with: asset = qty. Becomes commands in the log, once."""
    keys: tuple[KeyConfig, ...] = ()
    """Who may act for it."""


DEFAULT_INSTRUMENTS = (
    InstrumentConfig(symbol="BTC-USD", tick_size=Decimal("0.01"), lot_size=Decimal("0.00001")),
    InstrumentConfig(symbol="ETH-USD", tick_size=Decimal("0.01"), lot_size=Decimal("0.0001")),
    InstrumentConfig(symbol="SOL-USD", tick_size=Decimal("0.001"), lot_size=Decimal("0.001")),
)
ACCOUNT_EXAMPLES = (
    {
        "name": "alice",
        "deposits": {"USD": "100000", "BTC": "2"},
        "keys": (
            {
                "key_id": "alice-1",
                "public_key": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                "permissions": ("read", "trade"),
            },
        ),
    },
)


class Config(BaseSettings):
    """Everything that can be set."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        # A .env file serves other programs too; unknown names of ours are refused by hand.
        dotenv_filtering="only_existing",
        use_attribute_docstrings=True,
    )

    gateway: GatewayConfig = GatewayConfig()
    log: LogConfig = LogConfig()
    node: NodeConfig = NodeConfig()
    projector: ProjectorConfig = ProjectorConfig()
    store: StoreConfig = StoreConfig()
    series: SeriesConfig = SeriesConfig()
    redis: RedisConfig = RedisConfig()
    traces: TracesConfig = TracesConfig()
    secrets: SecretsConfig = SecretsConfig()
    people: PeopleConfig = PeopleConfig()
    asset_scales: Annotated[
        dict[AssetName, Annotated[int, between(0, ASSET_SCALE_MAX)]], Field(examples=[{"JPY": 4}])
    ] = {}
    """Decimals of an asset's minor unit, where it is not 8."""
    instruments: tuple[InstrumentConfig, ...] = DEFAULT_INSTRUMENTS
    """Instruments to list at the first start. Money is written as text."""
    accounts: Annotated[tuple[AccountConfig, ...], Field(examples=[ACCOUNT_EXAMPLES])] = ()
    """Accounts to open by the first start that finds them; each deposit is made once, ever."""
    risk: RiskConfig = RiskConfig()

    @model_validator(mode="after")
    def _name_each_once(self) -> Config:
        keys = [key.key_id for account in self.accounts for key in account.keys]
        for kind, names in (
            ("instruments: symbol", [wire_symbol(item.symbol) for item in self.instruments]),
            ("accounts: name", [account.name for account in self.accounts]),
            ("accounts.keys: key_id", keys),
        ):
            twice = [name for name in names if names.count(name) > 1]
            if twice:
                raise ValueError(f"{kind}: {twice[0]} stands there twice")
        return self

    @model_validator(mode="after")
    def _limits_bind_what_is_there(self) -> Config:
        names = {account.name for account in self.accounts}
        for limit in self.risk.limits:
            if limit.account is not None and limit.account not in names:
                raise ValueError(f"risk.limits: {limit.about}: no account {limit.account}")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file, which comes in as arguments."""
        return env_settings, dotenv_settings, init_settings

    @property
    def store_database(self) -> str | None:
        """Where history is, as it was given, with its password; None where nothing fills it."""
        return self.store.address if self.projector.enabled else None

    @property
    def series_database(self) -> str | None:
        """Where the time series are, as it was given, with its password; None for nowhere."""
        if self.series.database is not None:
            text = self.series.database.get_secret_value()
            return None if text == OFF else text
        has_store = self.store.address is not None and self.projector.enabled
        return "sqlite" if has_store else None

    def scale(self, asset: str) -> int:
        """Return the decimals of an asset's minor unit."""
        return self.asset_scales.get(asset, ASSET_SCALE)

    def with_gateway(
        self, *, host: str | None = None, port: int | None = None, workers: int | None = None
    ) -> Config:
        """Return the tree with another address or number of workers. Raises `ConfigError`."""
        given = {"host": host, "port": port, "workers": workers}
        changed = {name: value for name, value in given.items() if value is not None}
        gateway = gateway_config(**{**self.gateway.model_dump(), **changed})
        return self.model_copy(update={"gateway": gateway})

    def with_log(self, *, directory: Path | None = None, durability: str | None = None) -> Config:
        """Return the tree with another data directory or durability. Raises `ConfigError`."""
        given = {"dir": directory, "durability": durability}
        changed = {name: value for name, value in given.items() if value is not None}
        try:
            log = LogConfig.model_validate({**self.log.model_dump(), **changed})
        except ValidationError as error:
            raise ConfigError(_explain(error, None, "log")) from None
        return self.model_copy(update={"log": log})

    def with_database(self, url: str) -> Config:
        """Return the tree with a store, and the projector that fills it. Raises `ConfigError`."""
        try:
            store = StoreConfig.model_validate({**self.store.model_dump(), "database": url})
        except ValidationError as error:
            raise ConfigError(_explain(error, None, "store")) from None
        if store.address is not None and self.projector.enabled is False:
            raise ConfigError("store.database: projector.enabled is false, and nothing fills it")
        tree = self if store.address is None else self.with_projector()
        return tree.model_copy(update={"store": store})

    def with_redis(self, url: str) -> Config:
        """Return the tree with a Redis to tell. Raises `ConfigError`."""
        try:
            redis = RedisConfig.model_validate({**self.redis.model_dump(), "url": url})
        except ValidationError as error:
            raise ConfigError(_explain(error, None, "redis")) from None
        return self.model_copy(update={"redis": redis})

    def with_projector(self) -> Config:
        """Return the tree with a projector, unless the settings say that there is none."""
        if self.projector.enabled is not None:
            return self
        return self.model_copy(
            update={"projector": self.projector.model_copy(update={"enabled": True})}
        )

    def with_master_key(self, file: Path) -> Config:
        """Return the tree with a master key from `file`, unless the settings name one."""
        if self.secrets.master_key is not None or self.secrets.master_key_file is not None:
            return self
        return self.model_copy(update={"secrets": SecretsConfig(master_key_file=file)})

    def with_accounts(self, *more: AccountConfig) -> Config:
        """Return the tree with more accounts."""
        return self.model_copy(update={"accounts": (*self.accounts, *more)})


def gateway_config(**settings: Any) -> GatewayConfig:  # noqa: ANN401  # checked right here
    """Return where to listen. Raises `ConfigError`."""
    try:
        return GatewayConfig.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(_explain(error, None, "gateway")) from None


def load_config(file: Path | None = None, environ: Mapping[str, str] | None = None) -> Config:
    """Read the settings. Raises `ConfigError` that names the key and the source."""
    variables = os.environ if environ is None else environ
    refuse_unknown_variables(variables)
    tree = {} if file is None else read_toml(file)
    dotenv = Path(".env") if Path(".env").is_file() else None
    if dotenv is not None:
        refuse_unknown_variables(_dotenv_names(dotenv), str(dotenv))
    try:
        return Config(_env_file=dotenv, **tree)
    except ValidationError as error:
        raise ConfigError(_explain(error, file)) from None
    except ValueError as error:
        raise ConfigError(f"settings: {error}") from None


def _dotenv_names(file: Path) -> Iterable[str]:
    """Return what a file of variables sets. Raises `ConfigError`."""
    try:
        return dotenv_values(file)
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"{file}: {error}") from None


def refuse_unknown_variables(environ: Iterable[str], source: str = "environment") -> None:
    """Raise `ConfigError` for a variable of our prefix that no setting reads."""
    parts = {f"{PREFIX}{name.upper()}" for name in Config.model_fields}
    for name in sorted(environ):
        ours = name.startswith(PREFIX) and name not in NOT_SETTINGS | BUILD_VARIABLES
        if ours and name.split("__")[0] not in parts:
            raise ConfigError(f"{source}: {name} is not a setting")


def read_toml(file: Path) -> dict[str, Any]:
    """Return a file as it stands. Raises `ConfigError`."""
    try:
        return tomllib.loads(file.read_text())
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from None
    except ValueError as error:
        # What is no TOML, or not even text.
        raise ConfigError(f"{file}: {error}") from None


def _explain(error: ValidationError, file: Path | None, branch: str = "") -> str:
    where = "settings" if file is None else str(file)
    lines = []
    for fault in error.errors(include_url=False):
        parts = [branch, *(str(part) for part in fault["loc"] if part != "[key]")]
        key = "".join(f"{part}." for part in parts if part)[:-1]
        lines.append(": ".join(part for part in (where, key, _what_is_wrong(fault)) if part))
    return "; ".join(lines)


def _what_is_wrong(fault: ErrorDetails) -> str:
    if fault["type"] == "extra_forbidden":
        return "no such setting"
    if fault["type"] in ("value_error", "missing"):
        # Ours, which name the value themselves; and of what is missing there is none.
        return fault["msg"].removeprefix("Value error, ")
    return f"{fault['msg']}, not {str(fault['input'])[:80]!r}"
