"""Who gets in, with which rights, and what the desk refuses before it looks at anything."""

from collections.abc import Iterator

import httpx
import pytest

from archiver.desk.accounts.person import Right
from archiver.errors import UsageError
from archiver.web.app import PAGES
from tests.web.desks import (
    PASSWORD,
    Served,
    archived,
    calls,
    csrf_of,
    enrol,
    log_in,
    post,
    served,
    text,
    until_listed,
)

ADDRESSES = {
    "{record_id:int}": "900101",
    "{call_id:int}": "70101",
    "{note_id:int}": "1",
    "{queue_id:int}": "1",
    "{package_id:int}": "1",
    "{redaction_id:int}": "1",
    "{calibration_id:int}": "1",
    "{step_id:int}": "1",
    "{plan_id:int}": "1",
    "{search_id:int}": "1",
    "{playlist_id:int}": "1",
    "{moment_id:int}": "1",
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    made = archived(tmp_path_factory.mktemp("desk"), calls())
    enrol(made)
    with served(made) as desk:
        with desk.visitor("ada") as ada:
            until_listed(ada, 17)
        yield desk


def address(pattern: str) -> str:
    for name, value in ADDRESSES.items():
        pattern = pattern.replace(name, value)
    return pattern


@pytest.mark.parametrize(("method", "pattern"), [(page[0], page[1]) for page in PAGES])
def test_nothing_is_answered_to_a_stranger(desk: Served, method: str, pattern: str) -> None:
    with desk.visitor() as stranger:
        answer = stranger.request(method, address(pattern))
        if method == "GET":
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/log-in?to=%2F")
        else:
            assert answer.status_code == 401
        stranger.headers["accept"] = "*/*"
        assert stranger.request(method, address(pattern)).status_code == 401


@pytest.mark.parametrize(
    ("name", "rights"),
    [
        ("lena", {Right.ENTER, Right.LISTEN}),
        ("rita", {Right.ENTER, Right.LISTEN, Right.JUDGE, Right.TAKE_AWAY}),
        ("lead", set(Right) - {Right.OWN, Right.OVERSEE}),
        ("ada", set(Right) - {Right.OWN}),
        ("anna", {Right.ENTER, Right.OWN}),
    ],
)
def test_each_role_reaches_what_it_may_and_nothing_else(
    desk: Served, name: str, rights: set[Right]
) -> None:
    with desk.visitor(name) as person:
        code = csrf_of(text(person, "/my" if name == "anna" else "/"))
        for method, pattern, _, right in PAGES:
            if pattern == "/log-out" or (name == "anna" and pattern == "/"):
                continue
            fields = {"csrf": code} if method == "POST" else None
            answer = person.request(method, address(pattern), data=fields)
            assert (answer.status_code == 403) == (right not in rights), (pattern, answer.text)


@pytest.mark.parametrize("code", [None, "", "0" * 64])
def test_a_form_without_the_code_of_its_page_changes_nothing(
    desk: Served, code: str | None
) -> None:
    with desk.visitor("rita") as rita:
        fields = {"tag": "forged"} | ({} if code is None else {"csrf": code})
        answer = rita.post("/recordings/900101/tags", data=fields)
        assert answer.status_code == 403
        assert "forged" not in text(rita, "/recordings/900101")


def test_the_code_of_another_person_opens_nothing(desk: Served) -> None:
    with desk.visitor("ross") as ross, desk.visitor("rita") as rita:
        fields = {"tag": "forged", "csrf": csrf_of(text(ross))}
        assert rita.post("/recordings/900101/tags", data=fields).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_form_from_another_site_is_refused(desk: Served, headers: dict[str, str]) -> None:
    with desk.visitor("rita") as rita:
        fields = {"tag": "forged", "csrf": csrf_of(text(rita))}
        answer = rita.post("/recordings/900101/tags", data=fields, headers=headers)
        assert answer.status_code == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "", "a b"]
)
def test_a_foreign_name_for_this_machine_is_refused(desk: Served, host: str) -> None:
    with desk.visitor("ada") as ada:
        assert ada.get("/", headers={"host": host}).status_code in {400, 421}
        assert ada.get("/healthz", headers={"host": host}).status_code in {400, 421}


def test_cookies_are_kept_from_scripts_and_other_sites(desk: Served) -> None:
    with desk.visitor() as client:
        (cookie,) = [
            value
            for value in log_in(client, "rita").headers.get_list("set-cookie")
            if value.startswith("desk-session=")
        ]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Secure" not in cookie


def test_a_log_in_form_works_in_the_browser_that_was_given_it_alone(desk: Served) -> None:
    with desk.visitor() as one, desk.visitor() as other:
        fields = {"csrf": csrf_of(text(one, "/log-in")), "name": "rita", "password": PASSWORD}
        assert other.post("/log-in", data=fields).status_code == 403
        assert one.post("/log-in", data=fields).status_code == 303


def test_a_wrong_password_and_a_wrong_name_are_told_alike(desk: Served) -> None:
    with desk.visitor() as client:
        wrong = log_in(client, "rita", "wrong")
        unknown = log_in(client, "nobody", "wrong")
        assert wrong.status_code == unknown.status_code == 401
        assert "Incorrect user name or password" in wrong.text
        assert wrong.text.replace("rita", "nobody") == unknown.text.replace(
            nonce(unknown), nonce(wrong)
        )


def nonce(answer: httpx.Response) -> str:
    return answer.headers["content-security-policy"].partition("'nonce-")[2].partition("'")[0]


def test_guessing_a_password_is_slowed_down(tmp_path_factory: pytest.TempPathFactory) -> None:
    made = archived(tmp_path_factory.mktemp("guessed"), calls())
    enrol(made)
    with served(made) as desk, desk.visitor() as client:
        answers = [log_in(client, "rita", f"guess {n}") for n in range(30)]
        throttled = [answer for answer in answers if answer.status_code == 429]
        assert throttled
        assert int(throttled[-1].headers["retry-after"]) > 0
        assert log_in(client, "rita").status_code == 429
        with desk.visitor("ada") as ada:
            told = ada.get("/journal.csv").text.count("log-in-refused")
        assert told == len(answers) - len(throttled), "what is throttled is without number"


def test_a_users_file_that_breaks_lets_nobody_in_and_says_why_to_the_console(
    tmp_path_factory: pytest.TempPathFactory, caplog: pytest.LogCaptureFixture
) -> None:
    made = archived(tmp_path_factory.mktemp("broken"), calls())
    enrol(made)
    users = made.config.desk.users
    kept = users.read_text("utf-8")
    with served(made) as desk, desk.visitor("rita") as rita, caplog.at_level("WARNING"):
        users.write_text("rita: [")
        answer = rita.get("/")
        assert answer.status_code == 503
        assert "A file that the desk needs cannot be read" in answer.text
        assert str(users) not in answer.text
        assert any("users.yaml, line 1" in one.getMessage() for one in caplog.records)
        users.write_text(kept)
        assert rita.get("/").status_code == 200


def test_after_the_log_in_one_goes_nowhere_but_into_the_desk(desk: Served) -> None:
    for to, place in (
        ("/?q=x", "/?q=x"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\nx", "/"),
    ):
        with desk.visitor("rita") as rita:
            answer = rita.get("/log-in", params={"to": to})
            assert (answer.status_code, answer.headers["location"]) == (303, place)


def test_every_answer_says_what_may_be_loaded_with_it(desk: Served) -> None:
    with desk.visitor("ada") as ada:
        for path in ("/", "/log-in", "/nothing", "/recordings/900101/audio", "/static/desk.css"):
            headers = ada.get(path).headers
            policy = headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "same-origin"
            assert "server" not in headers
        assert nonce(ada.get("/")) != nonce(ada.get("/"))
        assert ada.get("/").headers["cache-control"] == "no-store"


def test_no_page_has_a_script_or_a_style_of_its_own(desk: Served) -> None:
    with desk.visitor("ada") as ada:
        for path in ("/", "/recordings/900108", "/queue", "/journal", "/nothing"):
            page = text(ada, path)
            assert "<style" not in page
            assert " style=" not in page
            assert " onclick" not in page
            assert page.count("<script") == page.count('<script type="module" src="/static/')


@pytest.mark.parametrize("to", ["queue", "journal"])
def test_what_was_refused_says_so_on_a_page(desk: Served, to: str) -> None:
    with desk.visitor("lena") as lena:
        assert "Access denied" in text(lena, f"/{to}")
        assert 'id="log-out"' in text(lena, f"/{to}"), "the bar of every page is on this one, too"
        lena.cookies.set("desk-language", "ru")
        assert "Доступ запрещён" in text(lena, f"/{to}")


def test_health_is_told_to_everybody_and_nothing_else(desk: Served) -> None:
    with desk.visitor() as stranger:
        assert stranger.get("/healthz").text == "ok\n"


def test_without_users_this_machine_alone_gets_in(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    made = archived(tmp_path_factory.mktemp("local"), calls())
    with served(made) as desk, desk.visitor() as local:
        until_listed(local, 17)
        assert "This machine" in text(local)
        port = desk.url.rpartition(":")[2]
        assert local.get("/", headers={"host": f"localhost:{port}"}).status_code == 200
        for headers in (
            {"host": f"192.0.2.7:{port}"},
            {"x-forwarded-for": "192.0.2.7"},
            {"forwarded": "for=192.0.2.7"},
        ):
            assert local.get("/", headers=headers).status_code in {403, 421}
        assert post(local, "/recordings/900101/tags", tag="mine").status_code == 303
    with pytest.raises(UsageError, match="has no users"), served(made, host="0.0.0.0"):
        pass


def test_a_proxy_that_is_believed_names_the_person(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    desk = {
        "proxy_header": "X-Remote-User",
        "proxy_addresses": ["127.0.0.1"],
        "public_url": "https://desk.example.com/calls",
    }
    made = archived(tmp_path_factory.mktemp("proxy"), calls(), desk=desk)
    enrol(made)
    with served(made) as running, httpx.Client(base_url=running.url) as client:
        client.headers.update({"accept": "text/html", "host": "desk.example.com"})
        client.headers["x-remote-user"] = "rita"
        page = client.get("/")
        assert "rita" in page.text
        assert 'href="/calls/queue"' in page.text
        assert client.get(running.url.removesuffix("calls")).status_code == 404
        fields = {"csrf": csrf_of(page.text), "tag": "by proxy"}
        origin = {"origin": "https://desk.example.com"}
        assert running.url.endswith("/calls")
        path = "/recordings/900101/tags"
        assert client.post(path, data=fields, headers=origin).status_code == 303
        client.headers["x-remote-user"] = "nobody"
        assert client.get("/").status_code == 403
        del client.headers["x-remote-user"]
        page = client.get("/log-in")
        assert all("Secure" in each for each in page.headers.get_list("set-cookie"))
