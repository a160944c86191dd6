"""Reviews of recordings: notes, tags, verdicts, scorecards and review queues.

Kept in the desk's own file. Imports its neighbours in `desk`.
"""
