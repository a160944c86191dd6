"""Who learns how the runs went: history on this machine, notices, metrics, health checks.

Nothing here can fail a run. Imports `archive`, `schedule`, `http` and what lies below.
"""
