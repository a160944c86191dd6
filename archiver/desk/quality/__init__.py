"""Quality reports: scores, coverage and talk, by agent, week and other groups.

Imports its neighbours in `desk`.
"""
