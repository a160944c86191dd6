"""1 ENUMERATE: the Liner API, what it lists, how requests are made and responses are read.

The only place that sends the API key. Imports `config` and what is below it.
"""
