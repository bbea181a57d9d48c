"""Records in SQL: one schema for SQLite and PostgreSQL, one writer, queries. SQLAlchemy stops here."""
