"""The QA desk without its pages: finding, listening, judging. It reads the archive, never writes."""
