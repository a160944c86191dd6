"""2 FETCH, 3 PROVE, 4 STORE: one recording, from its address to the archive.

Downloading, resuming, hashing and measuring (`lengths/`), then storing audio and sidecar under
their final names. Imports `storage`, `liner`, `ledger` and what is below; never the catalog.
"""
