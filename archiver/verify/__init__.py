"""Verification: the archive read back and held against its ledger; findings, never tracebacks."""
