"""Find: an index of one archive that follows its ledger, and answers within a blink.

SQLite in a file of its own, and columns in memory. Imports `catalog` for the projection of events.
"""
