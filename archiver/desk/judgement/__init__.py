"""What people say about recordings: notes, tags, verdicts, and whose turn it is to listen."""
