"""Runs migrations on the connection that `migrate` gives: read by Alembic, not imported."""

from __future__ import annotations

from alembic import context

from coulisse.store.sql.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    # SQLite can change little of a table that is there: it is made anew.
    render_as_batch=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
