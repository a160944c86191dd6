"""The QA desk as a web application: pages, sound, and who may have them.

Imports `desk` and `monitoring`; the only place that imports Starlette.
"""
