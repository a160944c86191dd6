"""The sound of recordings: decoded, measured, and checked by rules.

`decoding` reads untrusted audio within limits, `measure` computes figures, `rules` derives findings
from them. Knows neither the archive nor the API. Imports `tasks` and nothing else of the
archiver; besides the desk, the only place that imports numpy and soundfile.
"""
