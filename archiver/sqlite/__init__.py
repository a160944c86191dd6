"""What all our databases share: how they are opened and migrated, what their errors mean.

Knows no tables: those belong to `catalog`, `desk` and `verify`. Imports `errors` only.
"""
