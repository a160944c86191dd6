"""Text as people and programs read it: durations and sizes, strict JSON, CSV for spreadsheets,
and what pages are made of: templates, and words in every language.

Pure: bytes and values in, text out. Imports nothing of the archiver but `clock` and `errors`.
"""
