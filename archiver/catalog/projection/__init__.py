"""How each event of the ledger changes the tables of the catalog.

One module for each family of events. Imports `ledger.events` and its neighbours in `catalog`.
"""
