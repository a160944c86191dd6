"""What a check is, and what it needs besides the configuration (pure)."""

import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeAlias

from archiver.clock import Clock, system_clock
from archiver.config import Config, state_folder
from archiver.errors import ArchiverError, UsageError


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Check:
    """What one check found; `exit_code` is that of a problem."""

    name: str
    verdict: Verdict
    finding: str
    hint: str = ""
    exit_code: int = 5

    @classmethod
    def ok(cls, name: str, finding: str) -> "Check":
        """Nothing to do."""
        return cls(name, Verdict.OK, finding)

    @classmethod
    def warning(cls, name: str, finding: str, hint: str) -> "Check":
        """It works, but needs attention."""
        return cls(name, Verdict.WARNING, finding, hint)

    @classmethod
    def problem(cls, name: str, finding: str, hint: str) -> "Check":
        """A run would fail on this."""
        return cls(name, Verdict.PROBLEM, finding, hint)

    @classmethod
    def failed(cls, name: str, error: ArchiverError) -> "Check":
        """A run would fail on this error; the exit code is 2 if the configuration is to blame."""
        code = 2 if isinstance(error, UsageError) else 5
        return cls(name, Verdict.PROBLEM, str(error), error.hint, code)

    @property
    def is_problem(self) -> bool:
        """Whether a run would fail on this."""
        return self.verdict is Verdict.PROBLEM

    def as_json(self) -> dict[str, Any]:
        """The check as one JSON object."""
        return {
            "name": self.name,
            "verdict": self.verdict.value,
            "finding": self.finding,
            "hint": self.hint,
        }


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The machine for the checks. `free_bytes` raises OSError if unknown; `config_path` is None if
    the configuration came from no file."""

    state_folder: Callable[[Config], Path]
    environ: Mapping[str, str] = field(default_factory=dict)
    config_path: Path | None = None
    clock: Clock = system_clock
    free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free

    @classmethod
    def of(cls, environ: Mapping[str, str], config_path: Path) -> "Surroundings":
        """Those of this machine."""
        return cls(lambda config: state_folder(environ, config.catalog.path), environ, config_path)

    def catalog_folder(self, config: Config) -> Path:
        """The path of the catalog; ConfigError if there is none."""
        path = config.catalog.path
        return self.state_folder(config) if path is None else path.parent


Examiner: TypeAlias = Callable[[Config, Surroundings], Awaitable[list[Check]]]
