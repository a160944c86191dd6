"""An embedded Liner API with sample calls and real audio, for trying out and for tests.

`server` runs it, `world` and `synthetic` have the calls, `faults` make it misbehave on demand;
`scenarios` names some of them for users. Imports `errors` only: it replaces a system that is
not ours.
"""
