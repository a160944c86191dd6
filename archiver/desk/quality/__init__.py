"""What verdicts and recordings add up to: scores, coverage and talk, by agent, week and the rest.

Imports its neighbours in `desk`.
"""
