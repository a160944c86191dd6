"""Verification: the archive read back and compared with its ledger; findings, never tracebacks.

Includes repair, which fetches again what the source still has. Imports `run` and everything below.
"""
