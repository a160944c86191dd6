"""The QA desk as a web application: pages, audio, and access to them.

Imports `desk`, `monitoring` and what is below them; the only place that imports Starlette.
"""
