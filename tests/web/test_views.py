"""A view is an address, and every address is a view."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from archiver.desk.index.view import Sort, State, View
from archiver.web.excerpt import excerpt, marked
from archiver.web.view_address import GREATEST_ID, Toggles, query, read_view, toggled

IDS = st.integers(0, GREATEST_ID)
WORDS = st.text(st.characters(codec="utf-8"), max_size=30).map(str.strip)
CODES = WORDS.filter(lambda word: word != "-")
DATES = st.dates(date(1970, 1, 1), date(2999, 12, 31))
VIEWS = st.builds(
    View,
    text=WORDS,
    lead=st.none() | IDS,
    phone=WORDS,
    days=st.lists(DATES, max_size=3, unique=True).map(tuple),
    since=st.none() | DATES,
    until=st.none() | DATES,
    orders=st.lists(IDS, max_size=3, unique=True).map(tuple),
    agents=st.lists(IDS, max_size=3, unique=True).map(tuple),
    directions=st.lists(CODES, max_size=3, unique=True).map(tuple),
    statuses=st.lists(CODES, max_size=3, unique=True).map(tuple),
    states=st.lists(st.sampled_from(State), max_size=3, unique=True).map(tuple),
    tags=st.lists(WORDS.filter(bool), max_size=3, unique=True).map(tuple),
    has_summary=st.none() | st.booleans(),
    is_reviewed=st.none() | st.booleans(),
    is_held=st.none() | st.booleans(),
    min_seconds=st.none() | st.integers(0, 100_000).map(float),
    max_seconds=st.none() | st.integers(0, 100_000).map(float),
    sort=st.sampled_from(Sort),
    ascending=st.booleans(),
    cursor=WORDS,
)


@given(VIEWS)
def test_a_view_comes_back_from_its_address(view: View) -> None:
    assert read_view(QueryParams(query(view).removeprefix("?"))) == (view, [])


def test_question_and_answer_of_a_form_make_one_filter() -> None:
    form = "answer=tone:2&question=greeting&is=no&question=&is=any"
    assert read_view(QueryParams(form)) == (View(answers=("tone:2", "greeting:no")), [])
    assert read_view(QueryParams("question=greeting&is=maybe")) == (View(), ["answer"])


@given(st.text(max_size=200))
def test_no_address_is_an_error(text: str) -> None:
    view, _ = read_view(QueryParams(text))
    again, senseless = read_view(QueryParams(query(view).removeprefix("?")))
    assert (again, senseless) == (view, [])


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("lead=abc", "lead"),
        ("lead=-1", "lead"),
        (f"lead={2**63}", "lead"),
        ("agent=99999999999999999999999999", "agent"),
        ("day=yesterday", "day"),
        ("since=2026-13-01", "since"),
        ("state=lost", "state"),
        ("summary=maybe", "summary"),
        ("min=1:2:3:4", "min"),
        ("sort=colour", "sort"),
    ],
)
def test_what_makes_no_sense_is_left_out_and_named(asked: str, name: str) -> None:
    assert read_view(QueryParams(f"{asked}&q=refund")) == (View(text="refund"), [name])


def test_a_choice_is_added_and_taken_away_again() -> None:
    one = toggled(View(cursor="x"), "agents", 101)
    assert one == View(agents=(101,))
    assert toggled(toggled(one, "agents", 102), "agents", 101) == View(agents=(102,))
    assert toggled(toggled(one, "is_held", True), "is_held", True) == one


@pytest.mark.parametrize(
    "view",
    [
        View(),
        View(text="a&b", agents=(101, 102), is_held=True, sort=Sort.AGENT, cursor="x"),
        View(directions=("",), tags=("Später & mehr",), is_held=False, min_seconds=60),
    ],
)
@pytest.mark.parametrize(
    ("member", "value"),
    [("agents", 101), ("agents", 7), ("tags", "Später & mehr"), ("directions", ""),
     ("is_held", True), ("is_held", False), ("days", date(2026, 11, 2))],
)  # fmt: skip
def test_the_address_of_a_choice_is_that_of_the_view_with_it(
    view: View, member: str, value: object
) -> None:
    assert Toggles(view).query(member, value) == query(toggled(view, member, value))


def test_hits_are_marked_by_the_beginning_of_words_in_any_case() -> None:
    pieces = marked("The courier was late. Курьер ещё в пути", 'COUR* "еще"')
    assert [text for text, is_hit in pieces if is_hit] == ["courier", "ещё"]
    assert "".join(text for text, _ in pieces) == "The courier was late. Курьер ещё в пути"


@given(st.text(max_size=300), st.text(max_size=20))
def test_marking_never_changes_the_text(text: str, search: str) -> None:
    assert "".join(piece for piece, _ in marked(text, search)) == text
    assert "".join(piece for piece, _ in excerpt(text, search)).endswith(text[-20:])
