"""Checks of what a package is encrypted with: a password, or public keys of age."""

import re
from typing import Final, Literal, TypeAlias

from archiver.errors import WrongInput
from archiver.extras import extra
from archiver.secrets import Secret

SHORTEST, LONGEST = 12, 99
"""Characters of a password. Guessing is cheap in this format (1,000 rounds); 7-Zip accepts 99."""

MOST_KEYS: Final = 20
_LEAST_DIFFERENT: Final = 5

Flaw: TypeAlias = Literal["too-short", "too-long", "repetitive", "not-ascii"]


def flaw_of(password: str) -> Flaw | None:
    """Why it is too easy to guess, or encoded differently by programs; None if it is good."""
    if len(password) < SHORTEST:
        return "too-short"
    if len(password) > LONGEST:
        return "too-long"
    if len(set(password)) < _LEAST_DIFFERENT:
        return "repetitive"
    return None if password.isascii() and password.isprintable() else "not-ascii"


def is_public_key(text: str) -> bool:
    """Whether it is a public key of age, `age1…`. ExtraMissing without the library."""
    with extra("encryption"):
        import pyrage
    try:
        pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        return False
    return True


def chosen_password(password: str, again: str) -> Secret | None:
    """The password that was typed twice into a form, or None. WrongInput if it is rejected."""
    if not password and not again:
        return None
    if password != again:
        raise WrongInput("password", "the passwords do not match", problem="mismatch")
    flaw = flaw_of(password)
    if flaw is not None:
        limit = {"too-short": SHORTEST, "too-long": LONGEST}.get(flaw)
        raise WrongInput("password", f"the password is {flaw}", problem=flaw, limit=limit)
    return Secret(password)


def chosen_keys(text: str) -> tuple[str, ...]:
    """The public keys in a text, separated by blanks, commas or line ends. WrongInput for anything
    else, and for too many."""
    keys = tuple(dict.fromkeys(one for one in re.split(r"[\s,;]+", text) if one))
    if len(keys) > MOST_KEYS:
        raise WrongInput("keys", "too many public keys", problem="too-many", limit=MOST_KEYS)
    if not all(map(is_public_key, keys)):
        raise WrongInput("keys", "this is no public key of age", problem="no-key")
    return keys
