"""Failed log-ins: few in a row, few at once, and never more memory than promised."""

from archiver.desk.accounts.throttle import EVERY, Throttle, place_of
from tests.support.world import ManualClock


def test_after_the_allowed_attempts_one_has_to_wait_and_the_wait_is_told() -> None:
    clock = ManualClock()
    throttle = Throttle(3, clock)
    assert [throttle.take("anna") for _ in range(3)] == [0, 0, 0]
    assert throttle.take("anna") == EVERY.total_seconds()
    clock.advance(seconds=EVERY.total_seconds() / 2)
    assert throttle.take("anna") == EVERY.total_seconds() / 2
    clock.advance(seconds=EVERY.total_seconds() / 2)
    assert throttle.take("anna") == 0
    assert throttle.take("anna") > 0


def test_names_are_counted_apart() -> None:
    throttle = Throttle(1, ManualClock())
    assert throttle.take("anna") == 0
    assert throttle.take("boris") == 0


def test_an_attempt_that_did_not_fail_costs_nothing() -> None:
    throttle = Throttle(1, ManualClock())
    for _ in range(5):
        assert throttle.take("anna") == 0
        throttle.give_back("anna")


def test_nothing_is_saved_up_beyond_the_allowance() -> None:
    clock = ManualClock()
    throttle = Throttle(2, clock)
    assert throttle.take("anna") == 0
    clock.advance(days=30)
    throttle.give_back("anna")
    assert [throttle.take("anna") > 0 for _ in range(3)] == [False, False, True]


def test_a_clock_that_is_set_back_opens_nothing() -> None:
    clock = ManualClock()
    throttle = Throttle(1, clock)
    assert throttle.take("anna") == 0
    clock.advance(days=-1)
    assert throttle.take("anna") > 0


def test_memory_is_bounded_and_the_oldest_is_forgotten_first() -> None:
    throttle = Throttle(1, ManualClock(), most_keys=10)
    for number in range(1000):
        throttle.take(f"name{number}")
    assert throttle.take("name999") > 0
    assert throttle.take("name0") == 0


def test_a_household_counts_as_one_address() -> None:
    assert place_of("203.0.113.9") == "203.0.113.9"
    assert place_of("::ffff:203.0.113.9") == "203.0.113.9"
    assert place_of("2001:db8:1:2:3::4") == place_of("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert place_of("unix:/run/desk" + "x" * 1000) == ("unix:/run/desk" + "x" * 1000)[:64]
