"""Searching: an index of one archive that follows its ledger, and answers within milliseconds.

SQLite in a separate file, and columns in memory. Imports `catalog` for the projection of events.
"""
