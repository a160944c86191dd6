"""Monitoring of runs: history on this machine, notices, metrics, health checks.

Nothing here can fail a run. Imports `archive`, `schedule`, `http` and what is below.
"""
