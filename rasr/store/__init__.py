"""The store: accounts, hot words and usage in one SQLite file, or in PostgreSQL.

It is opened where it is needed, by `rasr.store.store.Store`; what goes wrong is told as
`rasr.store.errors`.
"""
