"""Who fetches and stores recordings, once the API has listed them: a crew.

A unit is one recording: what is known of it goes in, ledger events or a reason come out. Whatever
decides (claims, what is known, erasures, the API's budget, catalog and ledger) stays with the run.
Imports `archive`, `recordings` and what lies below them; never the catalog.
"""
