"""Legal requirements beyond keeping: legal holds, retention, erasure, Object Lock.

Imports `evidence`, which knows signatures, `desk`, which knows tags, `archive` and everything below
it.
"""
