"""The description of the machine that belongs to every table of figures."""

import os
import platform
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

_PACKAGES = ("httpx", "httptools", "anyio", "tinytag")
_TOOLS = (("curl", "--version"), ("rclone", "version"), ("sha256sum", "--version"))


def describe_machine() -> dict[str, str]:
    """Processor, cores, system, and the versions of everything involved."""
    facts = {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "sha instructions": "yes" if " sha_ni" in _read("/proc/cpuinfo") else "no",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
    for name in _PACKAGES:
        try:
            facts[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            facts[name] = "not installed"
    for tool, option in _TOOLS:
        facts[tool] = _first_line(tool, option)
    return facts


def _processor() -> str:
    for line in _read("/proc/cpuinfo").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def _first_line(tool: str, option: str) -> str:
    found = shutil.which(tool)
    if found is None:
        return "not installed"
    told = subprocess.run([found, option], capture_output=True, text=True, check=False).stdout
    return " ".join(told.partition("\n")[0].split()[:3])
