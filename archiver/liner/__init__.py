"""1 ENUMERATE: the Liner API, what it lists, how it is asked and how its answers are read.

The only place that sends the API key. Imports `config` and what lies below it.
"""
