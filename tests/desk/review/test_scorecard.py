"""A scorecard is what it asks: known by its digest, scored by its weights, refused by its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.desk.review.card_file import parse_card_file, parse_scorecard, read_card_files
from archiver.desk.review.scorecard import (
    AutoFail,
    Kind,
    Mark,
    Scorecard,
    dump_scorecard,
    load_scorecard,
)
from archiver.errors import ConfigError, WrongInput

TEXT = """
title: {en: Sales, ru: Продажи}
questions:
  - {id: hello, text: Said hello, kind: yes_no, section: Start}
  - {id: name, text: {en: Gave a name, ru: Представился}, kind: yes_no, section: Start, weight: 2}
  - {id: tone, text: Tone, kind: scale, weight: 0.5}
"""

STRICT = """
title: Strict
for: {orders: [12, 13], directions: [incoming], tags: [Complaint]}
questions:
  - id: consent
    text: Said that the call is recorded
    help: {en: Before anything else, ru: До начала разговора}
    kind: yes_no
    auto_fail: card
    section: Rules
    causes: [{id: forgot, text: {en: Forgot, ru: Забыл}}, {id: late, text: Too late}]
  - {id: tone, text: Tone, kind: scale, section: Talk, weight: 3, auto_fail: section}
  - {id: need, text: Need, kind: scale, section: Talk}
"""
WEIGHED = STRICT + "sections: [{section: Rules, weight: 80}, {section: Talk, weight: 20}]\n"


def card(text: str = TEXT) -> Scorecard:
    return parse_scorecard(text, "card.yaml")


def test_the_one_in_the_package_speaks_both_languages() -> None:
    shipped = read_card_files(None)[0].card
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
    for one in (card(), card(STRICT), card(WEIGHED), read_card_files(None)[0].card):
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


@pytest.mark.parametrize(
    ("marks", "score", "failed"),
    [
        ({"consent": True, "tone": 5, "need": 5}, 100.0, {}),
        ({"consent": False, "tone": 5, "need": 5}, 0.0, {"consent": AutoFail.CARD}),
        ({"consent": True, "tone": 1, "need": 5}, 20.0, {"tone": AutoFail.SECTION}),
        ({"consent": None, "tone": 2, "need": 5}, 43.8, {}),
    ],
)
def test_a_question_that_must_not_fail_brings_its_section_or_all_to_nothing(
    marks: dict[str, Mark], score: float, failed: dict[str, AutoFail]
) -> None:
    strict = card(STRICT)
    assert strict.score(marks) == score
    assert strict.failures(marks) == failed


def test_each_section_has_a_score_of_its_own() -> None:
    scores = card(STRICT).section_scores({"consent": True, "tone": 1, "need": 5})
    assert [(name and name.said("en"), score) for name, score in scores] == [
        ("Rules", 100.0),
        ("Talk", 0.0),
    ]
    assert card().section_scores({"hello": None, "name": None, "tone": 3})[0][1] is None


@pytest.mark.parametrize(
    ("marks", "score"),
    [
        ({"consent": True, "tone": 5, "need": 5}, 100.0),
        ({"consent": False, "tone": 5, "need": 5}, 0.0),
        ({"consent": True, "tone": 1, "need": 5}, 80.0),
        ({"consent": True, "tone": 3, "need": 3}, 90.0),
        ({"consent": None, "tone": 3, "need": 3}, 50.0),
    ],
)
def test_sections_count_by_their_weight_however_many_questions_they_have(
    marks: dict[str, Mark], score: float
) -> None:
    assert card(WEIGHED).score(marks) == score


def test_a_scorecard_is_for_the_recordings_that_its_file_names() -> None:
    scope = parse_card_file(STRICT, "strict.yaml").scope
    assert scope.fits(12, "incoming", ["complaint", "other"])
    assert not scope.fits(14, "incoming", ["complaint"])
    assert not scope.fits(12, "outgoing", ["complaint"])
    assert not scope.fits(12, "incoming", [])
    assert parse_card_file(TEXT, "any.yaml").scope.fits(None, None, [])


def test_what_earlier_versions_wrote_keeps_its_digest() -> None:
    assert "auto_fail" not in dump_scorecard(card())
    assert "help" not in dump_scorecard(card())
    assert '"sections"' not in dump_scorecard(card())


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
        ("questions: [{id: a, text: A, kind: scale, auto_fail: x}]", "must be section or card"),
        (
            "questions:\n- {id: a, text: A, kind: yes_no, causes: [{id: b}]}",
            "line 2: questions.causes.text is missing",
        ),
        (
            "for: {orders: [x]}\nquestions: [{id: a, text: A, kind: scale}]",
            "line 1: for.orders must be a whole number",
        ),
        (STRICT + "sections: [{section: Rules, weight: 1}]", "must have the weight of: Talk"),
        (STRICT + "sections: [{section: Talk}]", "sections.weight is missing"),
        (TEXT + "sections: [{section: Start, weight: 1}]", "of: questions without a section"),
        (
            WEIGHED.replace("20}]", "20}, {section: End, weight: 1}]"),
            "a section without questions",
        ),
        (
            STRICT + "  - {id: late, text: Late, kind: scale, section: Rules}\n"
            "sections: [{section: Rules, weight: 1}, {section: Talk, weight: 1}]",
            "the section Rules in two places",
        ),
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
