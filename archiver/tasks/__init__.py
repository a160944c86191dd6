"""How work runs, whatever the work is: retries, bounded parallelism, batches, orderly ends.

Nothing here knows calls, recordings or storages. Imports `clock` and `errors` only.
"""
