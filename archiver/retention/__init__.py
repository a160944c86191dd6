"""Legal requirements beyond keeping: legal holds, retention, erasure, Object Lock.

Imports `evidence`, which knows signatures, `archive` and everything below it.
"""
