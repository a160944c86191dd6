"""`archiver key`: make and rotate the key that signs the ledger, and sign the newest head."""

import argparse
import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
from anyio import to_thread

from archiver.cli.context import Context
from archiver.cli.opening import archive_to_announce
from archiver.cli.parsing import Parser, add_act, add_today
from archiver.clock import system_clock
from archiver.config import Config
from archiver.errors import KeyUnusable, UsageError

if TYPE_CHECKING:
    from archiver.evidence.attest import Attestation
    from archiver.evidence.keys import PublicKey

_SHORTEST: Final = 8


def add_to(parser: Parser, common: Parser) -> None:
    """Give the command its options."""
    parser.description = (
        "If evidence.sign is set, every run signs the head of the ledger, so that `verify` "
        "detects a rewritten history. The private key stays outside the archive; the public key "
        "is stored in it. Keep a copy of FILE.pub elsewhere, to verify with --key."
    )
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)
    new = add_act(acts, common, make, "new", "create a key")
    _add_key_options(new)
    turn = add_act(acts, common, rotate, "rotate", "create a new key, announced by the current one")
    _add_key_options(turn)
    add_today(turn)
    add_today(
        add_act(acts, common, sign, "sign", "sign, witness and time-stamp the newest head now")
    )


def _add_key_options(parser: Any) -> None:
    parser.add_argument(
        "--to",
        type=Path,
        required=True,
        metavar="FILE",
        help="the file of the private key, outside the archive; its public key goes to FILE.pub",
    )
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--no-passphrase", action="store_true", help="protect it by file permissions only"
    )
    group.add_argument(
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help="read the passphrase from this file instead of asking for it at the terminal",
    )


def make(arguments: argparse.Namespace, context: Context) -> int:
    """Create a key. KeyUnusable if the file exists or would be inside the archive."""
    public = _make(arguments, context)
    lines = [
        f"Created key {public.key_id[:16]} in {arguments.to}, its public key in "
        f"{arguments.to}.pub.",
        f"Set evidence.sign to {arguments.to}; the next run signs. Keep copies of both files "
        "elsewhere.",
    ]
    context.console.result(*lines)
    context.console.json({"keyId": public.key_id, "file": str(arguments.to)})
    return 0


def rotate(arguments: argparse.Namespace, context: Context) -> int:
    """Make a key and announce it in the archive, signed by the present one."""
    from archiver.evidence.keys import load_signer, signer_of
    from archiver.evidence.rotation import check_current
    from archiver.evidence.rotation import rotate as announce

    config = context.load_config(needs_key=False)
    old = signer_of(config.evidence)
    phrase = _passphrase(arguments)

    async def act() -> "PublicKey":
        async with archive_to_announce(config, context, today=arguments.today) as archive:
            await check_current(archive.storage, old.public.key_id)
            made = await to_thread.run_sync(_make, arguments, context, phrase)
            new = await to_thread.run_sync(load_signer, arguments.to, phrase)
            head = await archive.catalog.head()
            await announce(archive.storage, archive.archive_id, head, old, new, clock=system_clock)
            return made

    public = anyio.run(act)
    context.console.result(
        f"The key {public.key_id[:16]} replaces {old.public.key_id[:16]}, which is not valid for "
        "new signatures.",
        f"Set evidence.sign to {arguments.to} before the next run.",
    )
    context.console.json({"keyId": public.key_id, "previous": old.public.key_id})
    return 0


def sign(arguments: argparse.Namespace, context: Context) -> int:
    """Create evidence for the newest head; the exit code is 5 if any of it fails."""
    config = context.load_config(needs_key=False)
    if not config.evidence.is_configured:
        raise UsageError(
            "nothing is configured in the section evidence of archive.yaml",
            hint="set evidence.sign, evidence.timestamp_url or evidence.witnesses",
        )
    done = anyio.run(_sign, config, arguments, context)
    if done is None:
        raise UsageError("the ledger is empty", hint="run `archiver run` first")
    told = done.as_json()
    context.console.json(told)
    if done.signed_at is not None:
        context.console.result(f"Signed        segment {done.head}")
    if done.stamped_at is not None:
        context.console.result(f"Time stamp    {told['stampedAt']}")
    context.console.result(*(f"Witnessed by  {url}" for url, has in done.witnesses.items() if has))
    return 5 if done.troubles else 0


async def _sign(
    config: Config, arguments: argparse.Namespace, context: Context
) -> "Attestation | None":
    from archiver.cli.evidence import attested

    async with archive_to_announce(config, context, today=arguments.today) as archive:
        return await attested(archive, config, context.console)


def _make(
    arguments: argparse.Namespace, context: Context, phrase: bytes | None = None
) -> "PublicKey":
    from archiver.evidence.keys import make_key

    _refuse_inside(arguments.to, context)
    return make_key(arguments.to, phrase if phrase is not None else _passphrase(arguments))


def _refuse_inside(path: Path, context: Context) -> None:
    """The key must not be in the archive, where others can read it."""
    if not context.config_path.exists():
        return
    storage = context.load_config(needs_key=False).storage
    root = os.path.realpath(storage.url)
    if storage.is_local and Path(os.path.realpath(path)).is_relative_to(root):
        raise KeyUnusable(
            f"{path} is inside the archive", hint="choose a folder outside the archive with --to"
        )


def _passphrase(arguments: argparse.Namespace) -> bytes | None:
    """The passphrase, entered twice; None if none is wanted."""
    if arguments.no_passphrase:
        return None
    if arguments.passphrase_file is not None:
        from archiver.config.files import read_secret

        phrase = read_secret(arguments.passphrase_file, "--passphrase-file")
    elif sys.stdin.isatty():
        phrase = getpass.getpass("Passphrase: ")
        if phrase != getpass.getpass("Repeat it: "):
            raise UsageError("the passphrases do not match", hint="try again")
    else:
        raise UsageError(
            "no terminal to enter a passphrase",
            hint="use --passphrase-file FILE, or --no-passphrase",
        )
    if len(phrase) < _SHORTEST:
        raise UsageError(
            f"the passphrase has fewer than {_SHORTEST} characters", hint="choose a longer one"
        )
    return phrase.encode()
