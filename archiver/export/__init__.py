"""A selection of calls as one package that plays anywhere and proves itself.

Imports `run`, to fetch what is missing, and everything below.
"""
