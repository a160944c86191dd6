"""2 FETCH, 3 PROVE, 4 STORE: one recording, from its address to its place in the archive.

Streaming, resuming, hashing and measuring (`lengths/`), then audio and sidecar under their final
names. Imports `storage`, `liner`, `ledger` and what lies below; never the catalog.
"""
