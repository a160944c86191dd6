"""The statement of a period: what is archived, open, lost, verified and witnessed, as a page.

`gather` reads catalog, acts, verifications and evidence into a typed value; `document` puts it into
words, in each language; `page` and `pdf` render it. Only `gather` does I/O.

Imports `retention`, `evidence`, `monitoring`, `desk` and what is below.
"""
