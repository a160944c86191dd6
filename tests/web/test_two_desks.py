"""Two desks over one archive and one database file: what is done at one is there at the other."""

import re
from collections.abc import Iterator

import pytest

from archiver.errors import UsageError
from tests.web.desks import (
    Made,
    Served,
    archived,
    calls,
    enrol,
    post,
    served,
    text,
    until_listed,
)

CALL = "/recordings/900101"


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Served]]:
    tmp_path = tmp_path_factory.mktemp("desks")
    made = archived(tmp_path, calls(), desk={"data": str(tmp_path / "shared.sqlite")})
    enrol(made)
    elsewhere = Made(tmp_path / "elsewhere", made.config)
    with served(made) as one, served(elsewhere) as other:
        for desk in (one, other):
            with desk.visitor("ada") as ada:
                until_listed(ada, 17)
        yield one, other


def test_what_is_written_at_one_desk_is_read_and_changed_at_the_other(
    desks: tuple[Served, Served],
) -> None:
    one, other = desks
    with one.visitor("rita") as here, other.visitor("rita") as there, other.visitor("lead") as lead:
        for token in ("a", "b"):
            fields = {"seconds": "1", "text": f"Note {token}", "token": token}
            for client in (here, there):
                assert post(client, f"{CALL}/notes", **fields).status_code == 303
        page = text(there, CALL)
        assert [page.count(f">Note {token}</textarea>") for token in "ab"] == [1, 1]
        assert post(here, f"{CALL}/verdict", act="draft", **{"q.greeting": "no"}).status_code == 303
        stale = {"version": "0", "act": "draft", "q.greeting": "yes"}
        assert post(there, f"{CALL}/verdict", **stale).status_code == 409
        made = {"title": "Weekly", "per-agent": "2", "token": "plan"}
        for desk in desks:
            with desk.visitor("lead") as person:
                assert post(person, "/plans", **made).status_code == 303
        assert text(lead, "/plans").count("<bdi>Weekly</bdi>") == 1
        post(lead, "/queue?q=refund", title="Refunds", share="100", token="queue")
        (queue,) = re.findall(r'href="/queue/(\d+)"><bdi>Refunds', text(lead, "/queue"))
        with one.visitor("ross") as ross:
            places = [
                post(client, "/queue/next", queue=queue).headers["location"].partition("?")[0]
                for client in (ross, there)
            ]
        assert len(set(places)) == 2, "no recording is given to two people"


def test_two_desks_share_no_index_and_the_second_says_so(desks: tuple[Served, Served]) -> None:
    with pytest.raises(UsageError, match="another desk is using the index"), served(desks[0].made):
        pass
