"""Every night, unattended: when a run is due, what is remembered of each, and who is told."""
