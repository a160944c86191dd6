"""The ledger: the append-only, hash-chained history of an archive, in write-once segments."""
