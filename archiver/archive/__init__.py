"""An archive as a whole: storage, ledger and catalog opened together, and their status.

Imports everything below it: `catalog`, `ledger`, `storage`, `config`.
"""
