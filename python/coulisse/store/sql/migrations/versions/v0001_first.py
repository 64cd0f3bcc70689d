"""The first tables.

A migration is a picture of its time: it names everything itself.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from coulisse.store.sql.guards import guards

revision = "0001"
down_revision = None

# Name and columns of the key; then each column with what it holds.
TABLES = """
assets 1
  asset:int name:text scale:int seq:int
instruments 1
  instrument:int symbol:text base:int quote:int tick_minor:int lot_minor:int min_qty:int
  max_qty:int min_notional:minor maker_fee_ppm:int taker_fee_ppm:int created_seq:int
  version:int matching:text reference:text collar_ppm:int slippage_ppm:int band_ppm:int
  auction_ns:int auction_fee_ppm:int state:text state_reason:text until_ns:int
  auction_start_ns:int auction_end_ns:int seq:int
account_groups 1
  group_id:int name:text seq:int
accounts 1
  account:int name:text created_seq:int created_ns:int group_id:int trade_group:int seq:int
keys 1
  key_index:int key_id:text account:int scheme:text permissions:int label:text expire_ns:int
  created_seq:int state:text accounts:text instruments:text networks:text seq:int
orders 1
  order_id:int account:int instrument:int side:text order_type:text tif:text post_only:flag
  notional:minor client_order_id:text accepted_seq:int accepted_ns:int qty:int price:int
  state:text reason:text filled:int remaining:int closed_seq:int closed_ns:int seq:int
  time_ns:int
order_terms 1
  order_id:int seq:int self_trade:text trigger_type:text trigger_on:text trigger_price:int
  trail:int display_qty:int min_qty:int peg:text peg_offset:int reduce_only:flag
  expire_ns:int
order_lists 1
  list_id:int seq:int account:int instrument:int kind:text leg_1:int leg_2:int
order_events 2
  seq:int item:int time_ns:int order_id:int account:int instrument:int kind:text qty:int
  price:int filled:int remaining:int detail:text
fills 2
  seq:int item:int time_ns:int order_id:int account:int instrument:int trade_id:int
  side:text role:text price:int qty:int notional:minor fee:minor filled:int remaining:int
  client_order_id:text
trades 2
  instrument:int trade_id:int seq:int time_ns:int price:int qty:int taker_side:text
  maker_order_id:int taker_order_id:int
ledger 2
  seq:int item:int time_ns:int asset:int debit:int credit:int amount:minor kind:text
  instrument:int trade_id:int order_id:int
balances 2
  account:int asset:int available:minor held:minor seq:int time_ns:int
positions 2
  account:int instrument:int qty:int cost:minor realised:minor fees:minor seq:int
  time_ns:int
audit 2
  seq:int item:int time_ns:int kind:text account:int key_index:int node:int details:text
rejects 2
  seq:int item:int time_ns:int account:int key_index:int code:text field:text unit:text
  value:minor bound:minor client_order_id:text
"""
INDEXES = """
orders account order_id
order_events order_id seq item
fills account seq item
fills order_id
ledger debit seq item
ledger credit seq item
"""


def _type(kind: str, *, is_postgresql: bool) -> sa.types.TypeEngine[Any]:
    if kind == "int":
        return sa.BigInteger() if is_postgresql else sa.Integer()
    if kind == "minor" and is_postgresql:
        return sa.Numeric(39, 0)
    return sa.Boolean() if kind == "flag" else sa.Text()


def _checks(table: str, column: str, kind: str) -> list[sa.CheckConstraint]:
    """See that SQLite, which takes anything anywhere, holds what the column is for."""
    if kind == "minor":
        digits = f"ltrim(\"{column}\", '-') NOT GLOB '*[^0-9]*'"
        plain = f"(\"{column}\" = '0' OR \"{column}\" GLOB '[1-9]*' OR \"{column}\" GLOB '-[1-9]*')"
        return [sa.CheckConstraint(f"{plain} AND {digits}", f"{table}_{column}_is_whole")]
    if kind == "flag":
        return [sa.CheckConstraint(f'"{column}" IN (0, 1)', f"{table}_{column}_is_flag")]
    return []


def upgrade() -> None:
    """Make the tables."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    rows = TABLES.replace("\n  ", " ").split("\n")[1:-1]
    for row in rows:
        name, key, *columns = row.split()
        parts: list[Any] = []
        for number, column in enumerate(columns):
            title, _, kind = column.partition(":")
            parts.append(
                sa.Column(
                    title,
                    _type(kind, is_postgresql=is_postgresql),
                    primary_key=number < int(key),
                    autoincrement=False,
                    nullable=False,
                )
            )
            if not is_postgresql:
                parts.extend(_checks(name, title, kind))
        op.create_table(name, *parts, sqlite_with_rowid=False)
    for row in INDEXES.split("\n")[1:-1]:
        name, *indexed = row.split()
        op.create_index(f"{name}_by_{'_'.join(indexed)}", name, indexed)
    checkpoint = op.create_table(
        "checkpoint",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("genesis", sa.Text(), nullable=False),
        sa.Column("seq", _type("int", is_postgresql=is_postgresql), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", "checkpoint_is_one"),
    )
    op.bulk_insert(checkpoint, [{"id": 1, "genesis": "", "seq": 0, "chain": "00" * 32}])
    for statement in guards(op.get_bind().dialect.name):
        op.execute(statement)
