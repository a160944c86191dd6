"""The QA desk without its pages: finding, listening, judging. It never writes to the archive."""
