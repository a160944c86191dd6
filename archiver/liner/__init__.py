"""The Liner API: what it lists, how it is asked, and how its answers are read."""
