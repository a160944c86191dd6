"""An embedded Liner API with sample calls and real audio, for trying out and for tests.

`server` runs it, `world` and `synthetic` hold the calls, `faults` make it misbehave on cue;
`scenarios` gives some of them names for people. Imports `errors` only: it stands in for what is
not ours.
"""
