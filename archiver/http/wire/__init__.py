"""HTTP/1.1 as an archiver needs it: requests and responses over connections that a policy allows.

`connection.py` implements the protocol, `dialling.py` opens connections, `pool.py` keeps them;
responses are parsed by llhttp. Errors are those of httpx, so that `transport.py` only has to add
the origin.
"""
