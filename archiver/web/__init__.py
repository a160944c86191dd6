"""The QA desk as a web application: pages, audio, and access to them.

Imports `desk`, `monitoring`, `statement` and what is below them; the only place that imports
Starlette.
"""
