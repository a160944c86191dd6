"""The statement: what of a period is archived, open, lost, checked and vouched for, as a page.

`gather` reads catalog, acts, verifications and evidence into a typed value; `document` puts it into
words, in each language; `page` and `pdf` set these. Only `gather` goes in or out.

Imports `retention`, `evidence`, `monitoring`, `desk` and what lies below.
"""
