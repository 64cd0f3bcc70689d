"""The native core: engine, journal, sessions and feeds in Rust; Python drives them on its loop.

Bytes that hold messages are as `crates/types` encodes them: a record is an 80-byte header and the
body of a command; a list of events is, for each event, kind u16, body length u16, body.
Integers are little-endian. `schema_json()` lists every message with its fields.
"""

from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypedDict, final, type_check_only

from typing_extensions import disjoint_base

__all__ = [
    "BUILT_FOR",
    "PUBLICATIONS_PER_S",
    "TIME_BOUNDS_US",
    "VERSION",
    "Book",
    "Candles",
    "Conn",
    "CopyReplay",
    "Core",
    "CoreError",
    "Engine",
    "Fold",
    "History",
    "LocalSession",
    "Replica",
    "Rows",
    "SeriesFold",
    "SimDisk",
    "Traces",
    "Tuples",
    "asyncapi_json",
    "copy_journal",
    "is_public_key",
    "log_end",
    "newest_snapshot",
    "openapi_json",
    "operations",
    "plant_everywhere",
    "planted_faults",
    "protocol_docs",
    "public_key",
    "renew_journal",
    "rest_routes",
    "schema_json",
    "tables_json",
    "take_short_turns",
]

VERSION: Final[str]
BUILT_FOR: Final[str]

PUBLICATIONS_PER_S: Final[int]
"""How often in a second `Core.publish` is to be called: the core counts its times in calls."""

TIME_BOUNDS_US: Final[list[int]]
"""What times are counted under, in µs; one more count is of what is beyond."""

class CoreError(Exception):
    """What the core refuses or cannot do; `args` are (code, message)."""

def schema_json() -> str:
    """The one schema as JSON: `commands`, `events`, `rejects`, `enums`, `limits`."""

def protocol_docs() -> list[tuple[str, str]]:
    """The generated pages of docs/protocol: (file name, markdown)."""

def openapi_json() -> str:
    """The OpenAPI document of the private REST routes."""

def asyncapi_json() -> str:
    """The AsyncAPI document of the native protocol."""

def is_public_key(key: bytes) -> bool:
    """Whether 32 bytes are an Ed25519 public key that a logon can prove."""

def public_key(private_key: bytes) -> bytes:
    """The Ed25519 public key, 32 bytes, of a private one: any 32 bytes."""

def operations() -> list[tuple[str, str]]:
    """Every operation of the native protocol: (name, who may).

    Who may is `open`, `logged_on`, or what a key must be permitted: `read`, `trade`, `withdraw` or
    `admin`.
    """

def rest_routes() -> list[tuple[str, str, str]]:
    """The private REST routes: (method, path, operation)."""

def log_end(data_dir: str) -> tuple[bytes, int]:
    """Which journal is there (its genesis), and how far it is durable. Raises `CoreError`."""

def tables_json(*, series: bool = False) -> str:
    """The tables of the store, or of the time series, as JSON.

    Of each its name, doc, key, growth, fixed and columns.
    `key` and `fixed` count columns from the first on. `growth` is `adds` (rows never change),
    `writes` (a row is written over by the next with its key) or `changes` (a row is added once;
    the columns behind the fixed ones change).
    """

_CandleCells = tuple[int, int, int, int, int, int, int, int, int]
"""Start in µs, seq, open, high, low, close, qty, notional (ticks × lots), trades."""

@final
class Candles:
    """The fold of trades into candles of one interval, for trades that come from anywhere."""

    def __new__(cls, interval: str) -> Candles:
        """Begin with no trade. Raises `CoreError("INVALID_VALUE", …)`."""
    def add(self, trades: list[tuple[int, int, int, int]]) -> list[_CandleCells]:
        """Take (time in µs, price, qty, seq) of trades, in their order; return what is over."""
    def last(self) -> _CandleCells | None:
        """The candle under way; None before the first trade."""

@final
class SeriesFold:
    """An engine, its feeds and the fold of the time series, without a log: for tests."""

    def __new__(cls) -> SeriesFold: ...
    def take(self, record: bytes, *, void: bool = False) -> bytes:
        """Apply the next record, or take it for void; return its events."""
    def take_rows(self) -> Rows:
        """The rows of all that was taken since the last time."""

@type_check_only
class _Extent(TypedDict):
    genesis: bytes
    epoch: int
    first_seq: int
    last_seq: int
    chain: bytes
    segments: int
    bytes: int

@type_check_only
class _Copied(_Extent):
    told: tuple[int, bytes] | None

def copy_journal(from_dir: str, into_dir: str) -> _Copied:
    """Copy a journal up to what is durable, while its node runs or when none does.

    `told` is a seq within the copy at which the core told its event hash, with that hash. Every
    group is checked. Raises `CoreError`: `JOURNAL_VOID` where a node has only just started,
    `JOURNAL_CORRUPT`, `JOURNAL_VERSION`, `JOURNAL_IO`.
    """

def renew_journal(dir: str) -> int:
    """Let a copy go on as a journal of its own; return its epoch, which is a new one.

    Raises `CoreError`.
    """

def newest_snapshot(dir: str, up_to_seq: int) -> tuple[int, bytes, bytes] | None:
    """Return (seq, event hash, state hash) of the newest snapshot that is whole, if there is one.

    Raises `CoreError`.
    """

@final
class CopyReplay:
    """A copy of a journal, replayed by an engine that begins with nothing.

    Where the log's beginning is in the archive it begins with the newest snapshot in the copy.
    """

    def __new__(cls, dir: str) -> CopyReplay:
        """Check every group of the journal in `dir`, which nobody writes. Raises `CoreError`."""
    def advance(self, limit: int, last_seq: int) -> int:
        """Apply at most `limit` records, none past `last_seq`; return how many.

        Raises `CoreError` for a record that means nothing.
        """
    @property
    def seq(self) -> int:
        """The last seq applied."""
    @property
    def start_seq(self) -> int:
        """Where it began: 0, or the snapshot's seq."""
    @property
    def time_ns(self) -> int:
        """The time of the record at `seq`, in ns since the epoch."""
    def extent(self) -> _Extent:
        """What the journal holds."""
    def event_hash(self) -> bytes: ...
    def state_hash(self) -> bytes: ...

def take_short_turns(pid: int) -> bool:
    """Let a process of one thread, and all that it starts, go on for 0.1 ms where others wait.

    However nice a process is, who wakes waits for its turn to end: some 3 ms otherwise. Returns
    whether the kernel has that (Linux 6.12).
    """

def planted_faults() -> list[str]:
    """The faults that `Engine.plant` can switch on: none but in a build made for tests."""

def plant_everywhere(fault: str) -> None:
    """Switch a fault on in all that this process makes from here on: engines, cores, replicas.

    Raises `CoreError` where the build has none of this name.
    """

@final
class Engine:
    """The deterministic core alone, without a log: for models, replays and tests."""

    def __new__(cls) -> Engine: ...
    def copy(self) -> Engine:
        """An engine of its own in the same state. Cost: linear in its tables."""
    def apply(self, record: bytes) -> bytes:
        """Apply one record (its CRC is not looked at); return its events.

        A broken invariant raises `CoreError("PANIC", …)` and empties the engine.
        """
    def try_order(self, record: bytes) -> bytes:
        """Return what keeps the order of a record from being placed, as events; change nothing."""
    def void(self, record: bytes) -> bytes:
        """Apply one record that is void, whatever it says; return its events."""
    def apply_many(self, records: Sequence[bytes]) -> list[bytes]:
        """Apply records in order; return the events of each."""
    def snapshot(self) -> bytes:
        """The whole state; equal states give equal bytes. Cost: linear in the state."""
    @staticmethod
    def from_snapshot(bytes: bytes) -> Engine:
        """Read a state back. Raises `CoreError("SNAPSHOT_REFUSED", what and where)`."""
    def event_hash(self) -> bytes:
        """16 bytes over everything said so far."""
    def state_hash(self) -> bytes:
        """32 bytes over the whole state. Cost: linear in the state."""
    def check_invariants(self) -> None:
        """Raise `CoreError` if the state contradicts itself. Cost: linear in the state."""
    def plant(self, fault: str) -> None:
        """Switch a fault on. Raises `CoreError` where the build has none."""

@final
class Book:
    """One order book without accounts: prices in ticks, quantities in lots."""

    def __new__(cls, orders_max: int) -> Book: ...
    def add(
        self, order_id: int, buy: bool, price: int | None, qty: int, tif: str
    ) -> list[tuple[int, int, int]]:
        """Place an order; return its trades as (maker order id, price, qty).

        Raises `CoreError` for a live order id or a full book. A `price` of None is a market order.
        """
    def cancel(self, order_id: int) -> tuple[bool, int, int]:
        """Cancel; return (buy, price, qty left). Raises `CoreError` for an unknown order id."""
    def best(self, buy: bool) -> int | None:
        """The best price of one side in ticks."""
    def levels(self, buy: bool, depth: int) -> list[tuple[int, int]]:
        """(price, qty) of one side, best first; depth 0 is all."""
    def reduce(self, order_id: int, by: int) -> int:
        """Take `by` lots off, keeping priority; return what is left.

        Raises `CoreError` unless 0 < by < left.
        """
    def front(self, buy: bool) -> int | None:
        """The order id at the head of the best level."""
    def level(self, buy: bool, price: int) -> int:
        """All that rests at a price; 0 for no level."""
    def level_orders(self, buy: bool, price: int) -> list[tuple[int, int]]:
        """(order id, qty left) of one level, oldest first."""
    def orders(self) -> list[tuple[int, bool, int, int]]:
        """(order id, buy, price, qty left) of all orders, bids first, best first, oldest first."""

@final
class SimDisk:
    """A disk in memory that loses what was not synced: for tests of durability."""

    def __new__(cls, *, lie_on_sync: bool = False) -> SimDisk: ...
    def crash(self, seed: int | None = None) -> None:
        """Drop every write since the last sync; with a seed, keep an arbitrary part of them."""
    def flip_bit(self, file: str, offset: int, bit: int) -> None:
        """Flip one bit of what is stored."""
    def fail_next_sync(self) -> None:
        """Make the next sync of a file fail, once."""
    def files(self) -> dict[str, int]:
        """The files and their bytes."""

@type_check_only
class Transport(Protocol):
    """The part of asyncio's transport that a connection uses."""

    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...

@disjoint_base
class Conn:
    """Base of the protocol object of one TCP connection; mixed with `asyncio.BufferedProtocol`.

    It reads the HTTP head itself. `/v1/ws` is the native protocol and stays here; `/ws` carries
    plain texts to `plain_opened`, `plain_message`, `plain_closed` of the subclass; any other
    request is handed, untouched, to `hand_over` of the subclass.

    It pauses the reading of its transport while its peer has not been told what it asked for, or
    has had its share of the loop's turn, and resumes it afterwards.
    """

    def __new__(cls, core: Core) -> Conn: ...
    @property
    def transport(self) -> Transport | None:
        """The transport, while there is one."""
    def connection_made(self, transport: Transport) -> None: ...
    def get_buffer(self, sizehint: int) -> memoryview: ...
    def buffer_updated(self, nbytes: int) -> None: ...
    def eof_received(self) -> bool: ...
    def connection_lost(self, exc: Exception | None) -> None: ...
    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...
    def send_text(self, text: bytes) -> None:
        """Send one text on a plain `/ws` connection, once all that was applied is durable."""
    def hand_over(self, data: bytes) -> None:
        """Overridden: give the connection, with what it has sent so far, to another protocol."""
    def plain_opened(self) -> None:
        """Overridden: a plain WebSocket connection is open."""
    def plain_message(self, text: bytes) -> None:
        """Overridden: it sent a text."""
    def plain_closed(self) -> None:
        """Overridden: it is gone."""

@final
class LocalSession:
    """A logged-on session inside the process: the same requests and replies, without a socket."""

    def request(self, text: bytes) -> None:
        """Take one request of the native protocol; its replies come to the session's callback."""
    def close(self) -> None:
        """End the session and its subscriptions."""

@final
class Traces:
    """Single records of a core and when they passed each stage, for whoever tells them."""

    def __new__(cls, core: Core, one_in: int) -> Traces:
        """Note one record in so many, by its seq, from now on. Raises `ValueError` for 0."""
    def take(self) -> tuple[list[tuple[int, int, int, tuple[int, int, int, int, int]]], int]:
        """Take those that have left, and how many had no room meanwhile.

        Each is its seq, the number of its command, its account, and when it was read, stamped,
        applied, durable and let out, in ns since the epoch.
        """

@final
class History:
    """The questions of history of a core, for whoever reads the store.

    Rows are tuples of the columns that `coulisse.store.sql.history` reads.
    """

    def __new__(cls, core: Core) -> History:
        """Answer them from now on; without it each is refused with `STORE_DOWN`."""
    @property
    def fd(self) -> int:
        """Readable when there are some: call `take`. Closed with the core."""
    def take(self) -> list[dict[str, object]]:
        """Take them: the fields of `coulisse.store.sql.history.Asked`."""
    def found(
        self,
        number: int,
        op: str,
        seq: int,
        rows: list[tuple[object, ...]],
        looked_to: tuple[int, int] | None = None,
    ) -> None:
        """Say what a store that had come to `seq` has. Raises `ValueError` for what is no row."""
    def down(self, number: int) -> None:
        """Say that it cannot be read."""

@final
class Core:
    """The core of a node: engine, journal with its sync thread, sessions and feeds.

    All methods belong to the loop's thread. Nothing that a method hands to a callback or a
    connection leaves before the log is durable up to the seq it was made at.
    """

    def __new__(
        cls,
        *,
        data_dir: str | None = None,
        disk: SimDisk | None = None,
        durability: str = "fsync",
        segment_bytes: int = 67108864,
        node: int = 1,
        host: str = "localhost",
        origins: str = "",
        hash_seed: int = 0,
        master_key: bytes | None = None,
    ) -> Core:
        """Open the journal in `data_dir` (or on `disk`), recover, start the sync thread.

        The state is the newest snapshot's that fits the journal, with what follows it replayed.

        `host` holds the names that clients may call this server by, `origins` the origins of other
        sites' pages that may open sockets, each with commas between; `*` takes any.

        `master_key`, 32 bytes, opens the data keys of HMAC keys, in the file `data_keys` of
        `data_dir`; without it none are made, and a journal that has some is not opened.

        A new journal gets its `Genesis` with `hash_seed`; every start appends `NodeStarted`.
        Raises `CoreError` (`JOURNAL_CORRUPT`, `JOURNAL_VERSION`, `JOURNAL_LOCKED`, …).
        """
    @staticmethod
    def worker(
        *,
        data_dir: str,
        node: int = 1,
        number: int = 1,
        host: str = "localhost",
        origins: str = "",
        master_key: bytes | None = None,
    ) -> Core:
        """Open a gateway worker of the core process whose journal is in `data_dir`.

        It has a replica of the core, from the newest snapshot and the journal, and takes each
        record from the core process once it is durable; the commands of its sessions go there. In
        its hellos it is `nNODE.NUMBER`. Its
        `eventfd` is readable when that process has said something; when it is gone, or says other
        events than the replica, `on_fatal` is called.

        Raises `CoreError` (`LINK` where no core process takes it, `JOURNAL_IO`, …).
        """
    def serve_workers(self) -> int:
        """Let workers attach through a socket in the data directory.

        Returns a descriptor that is readable when they have news: call `on_workers`. Raises
        `CoreError` (`LINK`).
        """
    def on_workers(self) -> None:
        """Take what workers have sent: it joins the batch of this turn."""
    @property
    def unanswered(self) -> int:
        """Commands of a worker's sessions that the core process has not answered yet."""
    def set_rules(
        self,
        *,
        echo: bool = False,
        deflate: bool = False,
        logon_s: int = 0,
        key_rate: tuple[int, int] = ...,
        account_rate: tuple[int, int] = ...,
        address_rate: tuple[int, int] = ...,
        proxies: str = "",
    ) -> None:
        """Set the rules of the door, before it opens.

        `echo` opens `/v1/echo`, which sends every message back: for suites of conformance.
        `deflate` agrees to permessage-deflate. A native session must log on or subscribe within
        `logon_s` seconds (0: never). A rate is units a second (0: no limit) and the burst.
        `proxies` holds networks, with commas between, whose `X-Forwarded-For` is believed.
        Raises `CoreError` (`INVALID_VALUE`) for what is no network.
        """

    def set_people(
        self,
        *,
        threads: int,
        waiting_max: int,
        memory_kib: int,
        passes: int,
        password_min: int,
        token_s: int,
        session_s: int,
        audience: str,
    ) -> None:
        """Set the rules of people, before the door opens.

        A password is hashed in one of `threads`, with `memory_kib` in so many `passes`; past
        `waiting_max` that wait, `RETRY_LOGON`. Tokens last `token_s` seconds, sessions `session_s`.
        """
    @property
    def people_fd(self) -> int:
        """Readable when passwords were hashed: call `on_people`."""
    def on_people(self) -> None:
        """Go on with what waited for passwords."""
    def attach(
        self,
        call_soon: Callable[[Callable[[], None]], object],
        on_fatal: Callable[[str], None],
        loop_fd: int | None = None,
    ) -> None:
        """Name the loop's `call_soon`, and what to call when the journal has failed.

        `loop_fd` is readable while something waits that the loop listens to: public feeds give way
        to it. Without it they are only sent in slices.
        """
    @property
    def eventfd(self) -> int:
        """Readable when the durable seq has moved: call `on_durable`."""
    @property
    def seq(self) -> int:
        """The last seq applied."""
    @property
    def durable_seq(self) -> int:
        """The last seq that is durable."""
    @property
    def recovery(self) -> dict[str, int]:
        """What the start found.

        `records` in the log, of which `replayed` came behind the snapshot at `snapshot_seq` (0 for
        none), `groups`, `segments`, `cut_bytes`, `snapshot_us`, `replay_us`, `incarnation`,
        `epoch`.
        """
    @property
    def voided(self) -> list[tuple[int, str | None, bool]]:
        """The void records behind the snapshot, by seq: (seq, symbol, whether this start did it).

        A record is void because it broke the core twice; its instrument is halted.
        """
    @property
    def snapshots_passed_over(self) -> list[tuple[str, str]]:
        """(file name, reason) of each snapshot that was newer and did not fit."""
    def flush(self) -> None:
        """End the loop tick's batch: stamp, journal, apply. It schedules itself by `call_soon`."""
    def on_durable(self) -> None:
        """Release what waited for the durable seq."""
    def tick(self) -> bool:
        """Do what is due by now (expiries, deadlines), in ticks of its own; return whether more is.

        Does nothing once the node stops.
        """
    def publish(self) -> None:
        """Send the public feeds what has changed since the last call.

        Call it `PUBLICATIONS_PER_S` times a second: what the core ends in time, it counts in calls.
        """
    def command(
        self,
        kind: int,
        body: bytes,
        done: Callable[[int, bytes], None],
        *,
        account: int = 0,
        key: int = 0,
        request_id: int = 0,
    ) -> None:
        """Submit any command; `done(seq, events)` is called once it is durable."""
    def hold(self, done: Callable[[], None]) -> None:
        """Call `done` once all that is applied now is durable (at once, if it is)."""
    def session(self, account: str, on_message: Callable[[bytes], None]) -> LocalSession:
        """A session logged on for `account`; `on_message` gets each reply and feed message."""
    def account_id(self, name: str) -> int | None:
        """The id of an account."""
    def key(self, key_id: str) -> tuple[int, bytes] | None:
        """(account id, public key) of a key."""
    def request_done(self, account: int, request_id: int) -> bool | None:
        """Whether a request with this id was done; None where that may have been forgotten."""
    def asset(self, name: str) -> tuple[int, int] | None:
        """(id, scale) of an asset."""
    def has_limit(self, scope: str, scope_id: int, kind: str, subject: int) -> bool:
        """Whether a limit of this kind, about this, is in force for a scope."""
    def instrument_id(self, symbol: str) -> int | None:
        """The id of an instrument."""
    def instrument_json(self, symbol: str) -> bytes | None:
        """One instrument's rules as JSON, or None."""
    def instruments_json(self) -> bytes:
        """All instruments as JSON: {"seq":…,"instruments":[…]}."""
    def book_json(self, symbol: str, depth: int) -> bytes | None:
        """The book's image as JSON; depth 0 is all. None for an unknown symbol."""
    def trades_json(self, symbol: str, limit: int) -> bytes | None:
        """The latest trades, newest first, as JSON. None for an unknown symbol."""

    def latest_candles(self, symbol: str, interval: str) -> tuple[int, list[_CandleCells]] | None:
        """The seq, and the latest candles that the node keeps, oldest first; None: no such symbol.

        Raises `CoreError("INVALID_VALUE", …)` for an interval that there is not.
        """
    def candles_page(
        self, symbol: str, interval: str, page: tuple[int, list[_CandleCells], int | None]
    ) -> bytes | None:
        """The body of `GET /v1/candles/{symbol}`.

        `page` is the seq, candles, and the cursor of older ones, where there may be some.
        """
    def balances_json(self, account: str) -> bytes | None:
        """An account's balances as JSON, or None."""
    def event_hash(self) -> bytes: ...
    def state_hash(self) -> bytes: ...
    def check_invariants(self) -> None: ...
    def metrics(self) -> dict[str, int | dict[str, int] | list[int]]:
        """What is counted, by the names of `coulisse.telemetry.catalogue`.

        A number; a number for each row of labels, `|` between them; or counts of times, one under
        each of `TIME_BOUNDS_US` and one beyond, and behind them the sum in µs.
        """
    def take_audit(self) -> tuple[list[dict[str, str | int | None]], int]:
        """Take the logons and the operators' commands since the last call, and how many were lost.

        Of each: what, key_id, account, address (of a logon), session, seq (of a command), outcome.
        """
    def go_away(self, reason: str, *, is_now: bool = True) -> None:
        """Tell every session that the node stops, and refuse new commands (`SHUTTING_DOWN`).

        Where it is not now that it stops, they are told, and nothing is refused yet.
        """
    def close(self) -> None:
        """Flush, sync, seal and close the journal; stop the sync thread. Idempotent."""

@final
class Rows:
    """What a batch of records does to the tables of a store."""

    @property
    def seq(self) -> int:
        """The last record."""
    @property
    def chain(self) -> bytes:
        """The chain hash there, 32 bytes."""
    @property
    def records(self) -> int: ...
    @property
    def events(self) -> int: ...
    @property
    def count(self) -> int:
        """All rows."""
    def parts(self) -> list[tuple[str, bool, int]]:
        """(table, whether rows that exist change, rows), in the order in which to write them.

        A row that changes has the key and the columns that may; None leaves one as it is.
        """
    def copy(self, table: str, is_change: bool) -> bytes:
        """The rows of a part in the binary form of PostgreSQL's COPY."""
    def tuples(self, table: str, is_change: bool) -> Tuples:
        """The rows of a part; minor units are text, flags 0 and 1."""

@final
class Tuples:
    """Makes rows one by one, as they are asked for."""

    def __iter__(self) -> Tuples: ...
    def __next__(self) -> tuple[int | str | None, ...]: ...

@final
class Fold:
    """The fold from events to rows, without a log: for models and tests."""

    def __new__(cls) -> Fold: ...
    def take(self, record: bytes, events: bytes) -> None:
        """Take a record and the events that followed from it."""
    def take_rows(self) -> Rows:
        """Return the rows of all that was taken since the last time."""

@final
class Replica:
    """A replica of the core that follows the journal of another process and writes snapshots.

    There is one a data directory. It goes from one pair (seq, event hash) that the core published
    to the next and compares at each.
    """

    def __new__(
        cls,
        *,
        data_dir: str | None = None,
        disk: SimDisk | None = None,
        newest_seq: int = ...,
        only_one: bool = True,
    ) -> Replica:
        """Start from the newest snapshot up to `newest_seq` that fits what is durable.

        One that is not the only one of its directory reads beside another, and writes nothing.

        Raises `CoreError`: `REPLICA_LOCKED`, `JOURNAL_VOID` where no node has opened the journal
        since the boot, `JOURNAL_CORRUPT`, `JOURNAL_VERSION`, `JOURNAL_IO`.
        """
    def ahead(self) -> Replica:
        """Return another one of this process, begun at the newest snapshot that there is.

        It may write snapshots if this one may, and makes no rows. Raises what a new one does.
        """
    def catch_up(self, limit: int) -> int:
        """Apply at most `limit` records, up to the newest published pair; return how many.

        Raises `CoreError("REPLICA_DIVERGED", …)` where the hashes differ there.
        """
    @property
    def seq(self) -> int:
        """The last seq applied."""
    @property
    def compared_seq(self) -> int:
        """The last seq at which the hashes were compared and agreed; 0 before the first time."""
    @property
    def snapshot_seq(self) -> int:
        """The snapshot it started from; 0 for none."""
    @property
    def passed_over(self) -> list[tuple[str, str]]:
        """(file name, reason) of each snapshot that was newer and did not fit."""
    def event_hash(self) -> bytes: ...
    def state_hash(self) -> bytes: ...
    def write_snapshot(self, keep: int = 2, needed_seq: int | None = None) -> int:
        """Write the state down durably and keep the newest `keep`; return the file's bytes.

        Raises `CoreError("REPLICA_NOT_COMPARED", …)` unless `compared_seq` is `seq`.
        """
    @property
    def genesis(self) -> bytes:
        """16 bytes that name the journal."""
    def follow(
        self, seq: int, chain: bytes, *, keep_events: bool = False, series: bool = False
    ) -> None:
        """Make rows of what follows `seq`, at which a store has come to `chain` (32 bytes).

        Those of the store, or those of the time series.


        Raises `CoreError`: `STORE_AHEAD` where the log has not come so far, `STORE_DIFFERS`, here
        or by `catch_up`, where it has another history, `REPLICA_PASSED` where this replica is past
        it. With `keep_events` the events are kept as well, for `take_events`.
        """
    def unfollow(self) -> None:
        """Make no more rows; forget those that were not taken."""
    def take_rows(self) -> Rows | None:
        """Return the rows of all that was applied since the last time.

        None where there are none, or within a batch of the log.
        """
    @property
    def waiting_events(self) -> int:
        """Events whose rows were not taken yet."""
    def take_events(self) -> list[tuple[int, int, int, int, int, bytes]]:
        """Return (seq, time in ns, account, key, node, events) of each record since the last."""
    def listen(self, account: str) -> int:
        """Open a session in this replica for an account, or "" for nobody; return its number.

        Raises `CoreError("UNKNOWN_ACCOUNT", …)`.
        """
    def ask(self, session: int, text: bytes) -> None:
        """Give a session a request of the native protocol: `subscribe`, say."""
    def hear(self) -> list[tuple[int, str, bytes]]:
        """All that the sessions were told since the last time: (session, channel, messages).

        The messages are JSON with line feeds between; the channel of candles is followed by their
        interval, as `candles:1m`; that of answers to requests is `reply`. Feeds that conflate tell
        how they are now.
        """
    def deafen(self) -> None:
        """Close all sessions; what was not heard is forgotten."""
    def account_names(self, skip: int, count: int) -> list[str]:
        """The names of so many accounts, by id, without the first ones."""
    def symbols(self, skip: int) -> list[str]:
        """The symbols of instruments, by id, without the first ones."""
    def instruments_json(self) -> bytes:
        """The body of `GET /v1/instruments`."""
    def book_json(self, symbol: str, depth: int) -> bytes | None:
        """The body of `GET /v1/book/{symbol}`; None where there is no such instrument."""
    def balances(self) -> list[tuple[int, int, str, str]]:
        """Return (account, asset, available, held) of all that was ever touched, minor units."""
    def open_orders(self) -> list[tuple[int, int, int, int, int, int, str]]:
        """Return (order id, account, instrument, qty, filled, remaining, state) of each."""
    @property
    def durable_seq(self) -> int:
        """How far the log may be read."""
    @property
    def dead_orders(self) -> int:
        """Orders that a kill switch has ended and that are not closed yet."""
    def plant(self, fault: str) -> None:
        """Switch a fault on, as `Engine.plant`."""
