"""The options of `archiver export` for redaction, masking, certificates and encryption."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.cli.parsing import Parser, margin_argument
from archiver.cli.passwords import password_from_terminal, password_in_file
from archiver.console import Console
from archiver.errors import UsageError

if TYPE_CHECKING:
    from archiver.export.encryption import Lock
    from archiver.export.masking import Mask
    from archiver.export.redactions import Redactions


def add_omissions(parser: Parser) -> None:
    """The options for redaction and masking."""
    parser.add_argument(
        "--redact",
        type=Path,
        metavar="FILE",
        help="replace spans of recordings: CSV or JSON with recordId, start, end (seconds), side "
        "(left, right or both) and reason; these recordings are decoded and encoded again",
    )
    parser.add_argument(
        "--redact-with",
        choices=("silence", "tone"),
        help="what replaces a span (default: silence)",
    )
    parser.add_argument(
        "--redact-margin",
        type=margin_argument,
        metavar="SECONDS",
        help="how much is replaced before and after each span, up to 1 (default: 0.2)",
    )
    parser.add_argument(
        "--redact-format",
        choices=("wav", "flac"),
        help="the format of redacted recordings; flac is smaller, and stores MP3 and Opus "
        "with 16 bits (default: wav)",
    )
    parser.add_argument(
        "--mask",
        action="append",
        default=[],
        metavar="WHAT",
        help="leave out summaries, phones, names (of agents), or several, such as phones,names",
    )


def add_certificate(parser: Parser) -> None:
    """The option for a certificate to print."""
    parser.add_argument(
        "--certificate-pdf",
        action="store_true",
        help="add certificate.pdf: the same as certificate.html, to print and sign",
    )


def add_lock(parser: Parser) -> None:
    """The options for encryption."""
    parser.add_argument(
        "--password",
        action="store_true",
        help="encrypt the zip file (AES-256, for 7-Zip and WinZip); prompts for the password",
    )
    parser.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help="the same, with the password in this file",
    )
    parser.add_argument(
        "--encrypt-to",
        action="append",
        default=[],
        metavar="age1…",
        help="encrypt for this public key of age; PATH must end in .zip.age. Can be repeated",
    )


def redactions_by(arguments: argparse.Namespace) -> "Redactions | None":
    """The redactions by `--redact` and its options. UsageError for an invalid list, and for options
    without one: the package would be handed over with nothing redacted."""
    from archiver.export.redactions import Redactions, load_redactions
    from archiver.sound.spans import MARGIN

    options = {
        "--redact-with": arguments.redact_with,
        "--redact-margin": arguments.redact_margin,
        "--redact-format": arguments.redact_format,
    }
    given = [name for name, value in options.items() if value is not None]
    if arguments.redact is None:
        if given:
            raise UsageError(
                f"{given[0]} needs --redact FILE: nothing would be redacted",
                hint="name the file with the spans",
            )
        return None
    margin = arguments.redact_margin
    return Redactions(
        spans=load_redactions(arguments.redact),
        margin=MARGIN if margin is None else margin,
        fill=arguments.redact_with or "silence",
        form=arguments.redact_format or "wav",
    )


def masks_by(arguments: argparse.Namespace) -> "frozenset[Mask]":
    """The masks by `--mask`. UsageError for an unknown one."""
    from archiver.export.masking import read_masks

    return frozenset(one for said in arguments.mask for one in read_masks(said))


def lock_by(arguments: argparse.Namespace, console: Console) -> "Lock | None":
    """Who can open the package; None: anyone. UsageError for a weak password, for what is no
    public key, and for a name of the package that does not fit. The console never shows it."""
    from archiver.export.encryption import checked_password, checked_recipients

    name = arguments.to.name.lower()
    has_password = arguments.password or arguments.password_file is not None
    if has_password and arguments.encrypt_to:
        raise UsageError("a password and --encrypt-to cannot be combined", hint="use one of them")
    if arguments.encrypt_to:
        _check_ending(name, ".zip.age", "--encrypt-to")
        return checked_recipients(arguments.encrypt_to)
    if name.endswith(".age"):
        raise UsageError(
            f"{arguments.to} would not be encrypted", hint="say for whom, with --encrypt-to age1…"
        )
    if not has_password:
        return None
    _check_ending(name, ".zip", "a password")
    if arguments.password_file is not None:
        text = password_in_file(arguments.password_file, "--password-file")
    else:
        text = password_from_terminal(otherwise="use --password-file")
    console.protect(text)
    return checked_password(text)


def _check_ending(name: str, ending: str, what: str) -> None:
    if not name.endswith(ending):
        raise UsageError(
            f"with {what} the name in --to must end in {ending}",
            hint="only a zip file is encrypted, and its name says how",
        )
