"""Roles are steps: each may do what the one before it may, and something more."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.desk.accounts.person import LOCAL, Person, Right, Role, Way, proper_name
from archiver.errors import NotAllowed


def test_each_role_may_do_more_than_the_one_before() -> None:
    steps = [Role.LISTENER, Role.REVIEWER, Role.LEAD, Role.ADMIN]
    assert all(a.rights < b.rights for a, b in pairwise(steps))
    assert Role.ADMIN.rights == set(Right) - {Right.OWN}
    assert Role.AGENT.rights == {Right.ENTER, Right.OWN}


@pytest.mark.parametrize(
    ("role", "right"),
    [
        (Role.LISTENER, Right.JUDGE),
        (Role.LISTENER, Right.TAKE_AWAY),
        (Role.REVIEWER, Right.LEAD),
        (Role.LEAD, Right.OVERSEE),
        (Role.AGENT, Right.LISTEN),
        (Role.ADMIN, Right.OWN),
    ],
)
def test_what_a_role_does_not_allow_is_refused(role: Role, right: Right) -> None:
    person = Person("anna", role, Way.PASSWORD)
    assert not person.may(right)
    with pytest.raises(NotAllowed, match=f"anna is {role}"):
        person.need(right)


def test_whoever_sits_at_the_machine_may_do_all_that_an_admin_may() -> None:
    for right in Role.ADMIN.rights:
        LOCAL.need(right)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Anna", "anna"),
        ("anna.price@example.com", "anna.price@example.com"),
        ("АННА", "анна"),
        ("\uff21nna", "anna"),
        ("7", "7"),
    ],
)
def test_a_name_is_the_same_however_it_is_typed(typed: str, name: str) -> None:
    assert proper_name(typed) == name


@pytest.mark.parametrize(
    "typed", ["", " anna", "anna price", "../etc", "-anna", "_x", "a\nb", "a" * 65, "LOCAL", "a/b"]
)
def test_what_is_no_name_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r"must be|is reserved"):
        proper_name(typed)


@given(st.text(max_size=80))
def test_a_name_that_is_kept_stays_as_it_is(text: str) -> None:
    try:
        name = proper_name(text)
    except ValueError:
        return
    assert proper_name(name) == name
