"""What a recording sounds like: decoded, measured, and judged by rules with evidence.

`decoding` reads audio of strangers within bounds, `measure` computes figures, `rules` turns figures
into findings. Knows no archive and no API. Imports `tasks` and nothing else of the
archiver; besides the desk, the only place that imports numpy and soundfile.
"""
