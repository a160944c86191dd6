"""Checks of everything that a run depends on, part by part.

Every check is made, whatever the earlier ones found; an error that one raises becomes its finding.
A problem means that a run would fail; a warning, that it would work but needs attention. Imports
`run` and everything below.
"""

from collections.abc import AsyncIterator
from typing import Final

from archiver.config import Config
from archiver.doctor.api import try_api, try_proxy
from archiver.doctor.archive import try_archive
from archiver.doctor.check import Check, Examiner, Surroundings, Verdict
from archiver.doctor.crew import try_crew
from archiver.doctor.desk import try_desk
from archiver.doctor.evidence import try_evidence
from archiver.doctor.machine import (
    try_catalog,
    try_configuration,
    try_secrets,
    try_space,
    try_spool,
)
from archiver.doctor.monitoring import try_metrics, try_notices
from archiver.doctor.replica import try_replica
from archiver.errors import ArchiverError

__all__ = ["Check", "Surroundings", "Verdict", "examine"]

_EXAMINERS: Final[tuple[tuple[str, Examiner], ...]] = (
    ("configuration", try_configuration),
    ("secrets", try_secrets),
    ("proxy", try_proxy),
    ("API", try_api),
    ("archive", try_archive),
    ("replica", try_replica),
    ("evidence", try_evidence),
    ("catalog", try_catalog),
    ("spool", try_spool),
    ("Dask", try_crew),
    ("space", try_space),
    ("notices", try_notices),
    ("metrics", try_metrics),
    ("desk", try_desk),
)


async def examine(config: Config, around: Surroundings) -> AsyncIterator[Check]:
    """Every check, in the order in which a run would meet the parts. Raises no ArchiverError."""
    for name, examiner in _EXAMINERS:
        for check in await _found(name, examiner, config, around):
            yield check


async def _found(
    name: str, examiner: Examiner, config: Config, around: Surroundings
) -> list[Check]:
    try:
        return await examiner(config, around)
    except ArchiverError as error:
        return [Check.failed(name, error)]
