"""Recordings as telephony makes them, most of which no browser plays."""

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import soundfile

from archiver.sandbox.audio import Audio

RATE = 8000
SECONDS = 4.0
FFMPEG = shutil.which("ffmpeg")

SNDFILE_FORMS = {
    "gsm": ("WAV", "GSM610", "audio/wav", "wav"),
    "ima": ("WAV", "IMA_ADPCM", "audio/wav", "wav"),
    "alaw": ("WAV", "ALAW", "audio/wav", "wav"),
    "ulaw": ("WAV", "ULAW", "audio/wav", "wav"),
    "aiff": ("AIFF", "PCM_16", "audio/aiff", "aiff"),
    "au": ("AU", "ULAW", "audio/basic", "au"),
}
FFMPEG_FORMS = ("amr", "g722", "g729", "wma")
G729 = Path(__file__).with_name("tone.g729")
"""`tone`, encoded by bcg729 1.1.1: ffmpeg has no encoder."""


def tone() -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """A tone that comes and goes."""
    at = np.arange(int(SECONDS * RATE)) / RATE
    return np.asarray(0.4 * np.sin(2 * np.pi * 300 * at) * (at % 1 < 0.7), np.float64)


def recorded(name: str) -> Audio:
    """Four seconds in that form."""
    if name in SNDFILE_FORMS:
        container, codec, kind, extension = SNDFILE_FORMS[name]
        file = io.BytesIO()
        soundfile.write(file, tone(), RATE, format=container, subtype=codec)
        return Audio(file.getvalue(), kind, extension, SECONDS)
    if name == "amr":  # frames of silence at 12.2 kbit/s: there is no free encoder
        return Audio(b"#!AMR\n" + (b"\x3c" + bytes(31)) * 200, "audio/amr", "amr", SECONDS)
    if name == "g729":
        return Audio(G729.read_bytes(), "audio/g729", "g729", SECONDS)
    return _by_ffmpeg(name)


def _by_ffmpeg(name: str) -> Audio:
    kind, form, codec = {
        "g722": ("audio/g722", "g722", "g722"),
        "wma": ("audio/x-ms-wma", "asf", "wmav2"),
    }[name]
    samples = io.BytesIO()
    soundfile.write(samples, tone(), RATE, format="WAV")
    made = subprocess.run(
        [
            str(FFMPEG), "-v", "error", "-i", "-", "-ar", "16000", "-c:a", codec, "-f", form, "-",
        ],
        input=samples.getvalue(),
        capture_output=True,
        check=True,
    )  # fmt: skip
    return Audio(made.stdout, kind, name, SECONDS)


def without_ffmpeg(folder: Path) -> str:
    """A PATH on which there is no ffmpeg."""
    folder.mkdir(exist_ok=True)
    return str(folder)
