"""The first tables."""

from __future__ import annotations

from alembic import op

from coulisse.store.sql.migrations.scripts import statements

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    connection = op.get_bind()
    for statement in statements(revision, connection.dialect.name):
        connection.exec_driver_sql(statement)
