"""An archive as a whole: storage, ledger and catalog opened together, and how they stand.

Imports everything below it: `catalog`, `ledger`, `storage`, `config`.
"""
