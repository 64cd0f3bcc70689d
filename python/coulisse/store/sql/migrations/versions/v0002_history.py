"""Indexes for history: when an account's orders ended, and orders by the client's id."""

from __future__ import annotations

from alembic import op

from coulisse.store.sql.migrations.scripts import statements

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the indexes."""
    connection = op.get_bind()
    for statement in statements(revision, connection.dialect.name):
        connection.exec_driver_sql(statement)
