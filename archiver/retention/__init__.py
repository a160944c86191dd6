"""Legal requirements beyond keeping: legal holds, retention, erasure, Object Lock.

Imports `evidence` (signatures), `desk` (tags), `archive` and everything below it.
"""
