"""Crews: what fetches and stores recordings after the API has listed them.

A unit is one recording. The run sends what it knows about the recording; the crew returns ledger
events, or a reason why it was not archived. All decisions (claims, erasures, the API's request
limit, catalog and ledger) stay in the run.
Imports `archive`, `recordings` and what is below them; never the catalog.
"""
