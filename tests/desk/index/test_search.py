"""What a person types becomes a question that SQLite cannot misread."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.desk.index import search

TEXTS = (
    "The customer asked for a refund of order 4817.",
    "Клиент ещё раз спросил про доставку, приём в среду.",
    "Café Élan: parcel 22-81 is late.",
)


@pytest.fixture(scope="module")
def words() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", check_same_thread=False)) as db:
        db.execute(
            "CREATE VIRTUAL TABLE words USING fts5("
            "summary, tokenize = 'unicode61 remove_diacritics 2')"
        )
        db.executemany("INSERT INTO words VALUES (?)", [(search.fold(one),) for one in TEXTS])
        yield db


def found(db: sqlite3.Connection, typed: str) -> list[int]:
    """The places of the texts that answer what was typed; all of them when nothing is asked."""
    expression = search.match(typed)
    if expression is None:
        return [1, 2, 3]
    rows = db.execute("SELECT rowid FROM words WHERE words MATCH ? ORDER BY 1", (expression,))
    return [row[0] for row in rows]


@pytest.mark.parametrize(
    ("typed", "places"),
    [
        ("refund", [1]),
        ("REFUND Customer", [1]),
        ("refund parcel", []),
        ("ref*", [1]),
        ("ref", []),
        ('"a refund"', [1]),
        ('"refund a"', []),
        ('"a refund', [1]),
        ("еще", [2]),
        ("ЕЩЁ", [2]),
        ("е\u0308ще", [2]),
        ("еще\u0308", [2]),
        ("достав*", [2]),
        ("прие\u0308м", [2]),
        ("cafe elan", [3]),
        ("22-81", [3]),
        ("81-22", []),
        ("refund OR parcel", []),
        ("NOT refund", []),
        ("summary:refund", []),
        ("^refund", [1]),
        ("(refund)", [1]),
        ("refund+order", []),
        ("-refund", [1]),
        ("!!! ---", [1, 2, 3]),
        ("", [1, 2, 3]),
    ],
)
def test_words_phrases_and_beginnings_are_found_as_they_are_typed(
    words: sqlite3.Connection, typed: str, places: list[int]
) -> None:
    assert found(words, typed) == places


@given(
    st.text(max_size=80) | st.text(alphabet='"*^:-+(){}ANDORNT near а\u0308\0\ud800 ', max_size=60)
)
def test_nothing_that_can_be_typed_is_a_syntax_error(words: sqlite3.Connection, typed: str) -> None:
    assert set(found(words, typed)) <= {1, 2, 3}
    assert (search.number(typed) or 1) > 0
    assert search.phone_ending(typed) is None or len(typed) >= 3


@given(st.text(max_size=40))
def test_sqlite_folds_texts_as_the_questions_are_folded(typed: str) -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        told = search.clean(typed)
        (folded,) = db.execute("SELECT replace(replace(?, 'ё', 'е'), 'Ё', 'Е')", (told,)).fetchone()
    assert folded == search.fold(told)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("50280", 50280),
        (" +7 (900) 005-02-80 ", 79000050280),
        ("order 50280", None),
        ("", None),
        ("0", None),
        ("9" * 30, None),
        ("٣", 3),
    ],
)
def test_a_text_of_digits_alone_is_a_number_too(typed: str, number: int | None) -> None:
    assert search.number(typed) == number


@pytest.mark.parametrize(
    ("typed", "ending"),
    [
        ("+7 (900) 005-02-80", (9000050280, 10**10)),
        ("8 900 005 02 80", (9000050280, 10**10)),
        ("0280", (280, 10**4)),
        ("80", None),
        ("anonymous", None),
    ],
)
def test_a_telephone_number_is_known_by_its_end(typed: str, ending: tuple[int, int] | None) -> None:
    assert search.phone_ending(typed) == ending
