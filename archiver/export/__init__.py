"""Exports: a selection of calls as one package that plays anywhere and can be verified by itself.

Imports `run`, to fetch what is missing, and everything below.
"""
