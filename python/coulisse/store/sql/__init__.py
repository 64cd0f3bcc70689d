"""The tables in SQL: PostgreSQL where a user has one, SQLite in the data directory where not."""
