"""5 RECORD, the evidence: the append-only, hash-chained history of an archive.

Events, segments, and the log that appends and reads them. Imports `storage` and what is below.
"""
