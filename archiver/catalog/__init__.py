"""5 RECORD, the index: a SQLite database of the archive, fast and disposable.

Everything in it can be rebuilt from the ledger. Imports `ledger`, `recordings` and what is below.
"""
