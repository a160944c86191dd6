"""What a recording sounds like: decoded, measured, and judged by rules with evidence.

`decoding` reads audio of strangers within bounds, `measure` computes figures, `rules` turns figures
into findings. Knows no archive and no API. Imports nothing of the archiver; the only place, besides
the desk's waveform, that imports numpy and soundfile.
"""
