"""A scorecard is what it asks: known by its digest, scored by its weights, refused by its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.desk.review.scorecard import (
    Kind,
    Mark,
    Scorecard,
    dump_scorecard,
    load_scorecard,
    parse_scorecard,
    read_scorecard,
)
from archiver.errors import ConfigError, WrongInput

TEXT = """
title: {en: Sales, ru: Продажи}
questions:
  - {id: hello, text: Said hello, kind: yes_no, section: Start}
  - {id: name, text: {en: Gave a name, ru: Представился}, kind: yes_no, section: Start, weight: 2}
  - {id: tone, text: Tone, kind: scale, weight: 0.5}
"""


def card(text: str = TEXT) -> Scorecard:
    return parse_scorecard(text, "card.yaml")


def test_the_one_in_the_package_speaks_both_languages() -> None:
    shipped = read_scorecard(None)
    assert len(shipped.questions) >= 6
    texts = [shipped.title, *(one.text for one in shipped.questions)]
    texts += [one.section for one in shipped.questions if one.section]
    for text in texts:
        assert text.said("en") != text.said("ru")
    assert {one.kind for one in shipped.questions} == set(Kind)


def test_texts_fall_back_to_the_language_they_have() -> None:
    hello, name, tone = card().questions
    assert (name.text.said("en"), name.text.said("ru")) == ("Gave a name", "Представился")
    assert hello.text.said("ru") == hello.text.said("en") == "Said hello"
    assert [(part and part.said("en"), len(asked)) for part, asked in card().sections] == [
        ("Start", 2),
        (None, 1),
    ]
    assert (hello.weight, tone.weight) == (1, 0.5)


def test_whatever_it_asks_differently_makes_it_another_one() -> None:
    digests = {
        card(text).digest
        for text in (
            TEXT,
            TEXT.replace("Said hello", "Said hi"),
            TEXT.replace("id: hello", "id: hi"),
            TEXT.replace("weight: 2", "weight: 3"),
            TEXT.replace("kind: scale", "kind: yes_no"),
            TEXT.replace("Представился", "Назвался"),
        )
    }
    assert len(digests) == 6
    assert card(f"# a comment\n{TEXT}").digest == card().digest


def test_it_is_kept_and_read_back_as_it_was() -> None:
    for one in (card(), read_scorecard(None)):
        assert load_scorecard(dump_scorecard(one)) == one
        assert load_scorecard(dump_scorecard(one)).digest == one.digest


@pytest.mark.parametrize(
    ("marks", "score"),
    [
        ({}, None),
        ({"hello": None, "name": None, "tone": None}, None),
        ({"hello": True, "name": True, "tone": 5}, 100.0),
        ({"hello": False, "name": False, "tone": 1}, 0.0),
        ({"hello": True, "name": False}, 33.3),
        ({"hello": True, "name": None, "tone": 3}, 83.3),
        ({"tone": 2}, 25.0),
    ],
)
def test_the_score_is_the_weighted_mean_of_what_applies(
    marks: dict[str, Mark], score: float | None
) -> None:
    assert card().score(marks) == score


@given(st.data())
def test_a_better_answer_never_lowers_the_score(data: st.DataObject) -> None:
    answers = {"hello": st.booleans(), "name": st.booleans(), "tone": st.integers(1, 5)}
    marks: dict[str, Mark] = {name: data.draw(answer) for name, answer in answers.items()}
    better = dict(marks)
    name = data.draw(st.sampled_from(list(marks)))
    better[name] = 5 if name == "tone" else True
    low, high = card().score(marks), card().score(better)
    assert low is not None
    assert high is not None
    assert 0 <= low <= high <= 100


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        ("other", True),
        ("hello", 1),
        ("hello", "yes"),
        ("tone", True),
        ("tone", 0),
        ("tone", 6),
        ("tone", 2.5),
        ("tone", "3"),
    ],
)
def test_what_is_no_answer_is_refused_by_its_question(name: str, mark: object) -> None:
    with pytest.raises(WrongInput) as caught:
        card().check({"hello": True, name: mark})
    assert caught.value.field == name


def test_what_is_not_answered_is_told_in_the_order_of_the_questions() -> None:
    marks = card().check({"tone": None})
    assert card().unanswered(marks) == ["hello", "name"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title: x", "questions must be 1 to 100 questions"),
        ("questions: []", "questions must be 1 to 100 questions"),
        ("questions: x", "line 1: questions must be a list"),
        ("questions: [{id: a, text: A}]", "line 1: questions.kind is missing"),
        ("questions: [{text: A, kind: scale}]", "questions.id is missing"),
        ("questions: [{id: a, kind: scale}]", "questions.text is missing"),
        ("questions: [{id: a, kind: scale, text: {}}]", "questions.text has no text"),
        ("questions: [{id: a, kind: scale, text: {de: x}}]", "unknown key questions.text.de"),
        ("questions:\n- {id: A, text: A, kind: scale}", "line 2: questions.id must be lower-case"),
        ("questions: [{id: a, text: A, kind: stars}]", "must be yes_no or scale"),
        ("questions: [{id: a, text: A, kind: scale, weight: 0}]", "questions.weight must be"),
        ("questions: [{id: a, text: A, kind: scale, wieght: 1}]", "did you mean questions.weight"),
        (
            "questions:\n- {id: a, text: A, kind: scale}\n- {id: a, text: B, kind: scale}",
            "questions contain the id a twice",
        ),
    ],
)
def test_a_wrong_scorecard_is_refused_by_its_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        card(text)
    assert message in f"{caught.value} {caught.value.hint}"
