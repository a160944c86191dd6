"""HTTP/1.1 as an archiver needs it: questions out, answers in, where a policy admits it.

`connection.py` speaks it, `dialling.py` makes connections, `pool.py` keeps them; the grammar of an
answer is left to llhttp. Errors are those of httpx, so that `transport.py` has only to add whom it
asked.
"""
