"""Optional parts of the package, and what to install for them: one row per extra.

A nightly job on a disk needs neither an S3 client nor a web server. Imports of an optional part are
in a block `with extra(NAME):`, at the place where it is first needed.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Final

from msgspec import Struct

from archiver.errors import ExtraMissing

DISTRIBUTION: Final = "liner-archiver"


class Extra(Struct, frozen=True):
    """An extra of the package: the part that needs it, and its modules."""

    part: str
    modules: frozenset[str]


EXTRAS: Final[Mapping[str, Extra]] = {
    "dask": Extra("fetching on several machines", frozenset({"distributed"})),
    "s3": Extra("storage on S3", frozenset({"boto3", "botocore"})),
    "sound": Extra("the part that decodes sound", frozenset({"numpy", "soundfile"})),
    "evidence": Extra("signing and time stamps", frozenset({"cryptography", "rfc3161_client"})),
    "notify": Extra("sending notices through Apprise", frozenset({"apprise"})),
    "pdf": Extra("PDF output", frozenset({"typst"})),
    "encryption": Extra("encryption of exports", frozenset({"pyrage", "pyzipper"})),
    "table": Extra("writing of Parquet files", frozenset({"pyarrow"})),
    "desk": Extra("the QA desk", frozenset({"numpy", "soundfile", "starlette", "uvicorn"})),
}
"""By their names in pyproject.toml."""


def is_installed(name: str) -> bool:
    """Whether every module of this extra is installed; loads none of them."""
    return all(find_spec(module) is not None for module in EXTRAS[name].modules)


def how_to_install(name: str) -> str:
    """The command that installs this extra."""
    return f"pip install '{DISTRIBUTION}[{name}]'"


@contextmanager
def extra(name: str) -> Iterator[None]:
    """For imports of this extra. Raises ExtraMissing if one of its modules is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in EXTRAS[name].modules:
            raise
        raise ExtraMissing(
            f"{EXTRAS[name].part} is not installed: {missing} is missing",
            hint=f"install it: {how_to_install(name)}",
        ) from None
