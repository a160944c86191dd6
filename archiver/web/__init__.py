"""The QA desk as a web application: pages, sound, and who may have them.

Imports `desk`, `monitoring` and what lies below them; the only place that imports Starlette.
"""
