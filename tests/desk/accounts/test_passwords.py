"""Passwords are kept as salted scrypt, and a name that nobody has takes as long as any other."""

import hashlib
from typing import Any

import pytest

from archiver.desk.accounts.passwords import hash_password, is_hash, verify_password
from tests.desk.parts import CHEAP

PASSWORD = "a sentence, not a word"


def test_a_password_fits_its_hash_and_no_other_does() -> None:
    kept = hash_password(PASSWORD)
    assert verify_password(PASSWORD, kept)
    assert not verify_password(PASSWORD + " ", kept)
    assert not verify_password("", kept)


def test_the_same_password_is_kept_differently_each_time() -> None:
    kept = hash_password(PASSWORD)
    assert kept != hash_password(PASSWORD)
    assert PASSWORD not in kept
    assert is_hash(kept)


def test_letters_with_accents_may_come_composed_or_not() -> None:
    kept = hash_password("Über die Brücke", CHEAP)
    assert verify_password("U\u0308ber die Bru\u0308cke", kept)


@pytest.mark.parametrize(("password", "why"), [("short", "10 characters"), ("x" * 1025, "1024")])
def test_a_password_has_a_decent_length(password: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        hash_password(password)


def test_without_a_user_the_same_work_is_done_and_no_password_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    costs: list[tuple[int, int, int]] = []
    scrypt = hashlib.scrypt

    def counted(password: bytes, **options: Any) -> bytes:
        costs.append((options["n"], options["r"], options["p"]))
        return scrypt(password, **options)

    monkeypatch.setattr(hashlib, "scrypt", counted)
    kept = hash_password(PASSWORD)
    assert not verify_password(PASSWORD, None)
    assert not verify_password("another one, too", kept)
    assert len(costs) == 3
    assert len(set(costs)) == 1


@pytest.mark.parametrize(
    "kept",
    [
        "",
        PASSWORD,
        "scrypt:15:8:3:AAAA:AAAA",
        "bcrypt:15:8:3:" + "A" * 24 + ":" + "A" * 43 + "=",
        "scrypt:30:8:3:" + "A" * 24 + ":" + "A" * 43 + "=",
        "scrypt:15:9999999:3:" + "A" * 24 + ":" + "A" * 43 + "=",
        "scrypt:15:8:99999:" + "A" * 24 + ":" + "A" * 43 + "=",
        "scrypt:-1:8:3:" + "A" * 24 + ":" + "A" * 43 + "=",
        "scrypt:15:8:3:" + "A" * 22 + "==:" + "A" * 43 + "=:",
    ],
)
def test_what_is_no_hash_of_ours_or_too_dear_lets_nobody_in(kept: str) -> None:
    assert not is_hash(kept)
    assert not verify_password(PASSWORD, kept or "x")
