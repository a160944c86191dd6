"""Verification: the archive read back and held against its ledger; findings, never tracebacks.

Repair included, which fetches again what the source still has. Imports `run` and everything below.
"""
