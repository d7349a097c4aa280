"""What no request gets past: foreign hosts, foreign pages, floods, long bodies, other addresses."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from everygrain.errors import InputError
from everygrain_papers.people import People
from everygrain_papers.people.limits import Rate
from everygrain_papers.room import ReadingRoom
from everygrain_papers.web import Settings, create_app
from everygrain_papers.web.settings import check_binding
from everygrain_papers.web.visit import local

from .reading_room import Reader


def test_every_answer_forbids_scripts_styles_and_frames_from_elsewhere(reader: Reader) -> None:
    for path in ("/", "/nowhere", "/static/room.css", "/feed.atom", "/paper/bad-title"):
        headers = reader.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil:80", ""]
)
def test_a_host_of_another_name_gets_nothing(reader: Reader, host: str) -> None:
    answer = reader.get("/", host=host)
    assert answer.status_code == 421
    assert "Newest" not in answer.text


@pytest.mark.parametrize("host", ["localhost:8420", "127.0.0.1:1", "[::1]:8420", "LOCALHOST"])
def test_loopback_by_every_name_is_answered(reader: Reader, host: str) -> None:
    assert reader.get("/help", host=host).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/json"}, 415),
        ({"content-type": "multipart/form-data; boundary=x"}, 415),
        ({"origin": "http://localhost"}, 200),
    ],
)
def test_a_change_that_another_page_sends_is_refused(
    reader: Reader, people: People, headers: dict[str, str], status: int
) -> None:
    reader.get("/paper/rivers-1")
    form = {"paper": "rivers-1", "mark": "like"}
    assert reader.post("/mark", form, **headers).status_code == status
    liked = [each.liked for each in people.interests(people.single().id)]
    assert liked == ([("rivers-1",)] if status == 200 else [])


@pytest.mark.parametrize("path", ["/mark", "/seen", "/merge", "/interests", "/digest", "/judge"])
@pytest.mark.parametrize("token", ["", "x", "A" * 22 + "." + "A" * 43])
def test_a_form_without_the_token_of_its_visitor_changes_nothing(
    reader: Reader, people: People, path: str, token: str
) -> None:
    reader.get("/")
    answer = reader.post(path, {"name": "x", "paper": "rivers-1", "mark": "like"}, token=token)
    assert answer.status_code == 403
    assert "Load the page again" in answer.text
    assert people.interests(people.single().id) == []


def test_the_token_of_one_visitor_is_worthless_to_another(
    room: ReadingRoom, people: People
) -> None:
    one, other = Reader(room, people), Reader(room, people)
    one.get("/paper/rivers-1")
    other.get("/paper/rivers-1")
    other.page = one.page
    assert other.post("/mark", {"paper": "rivers-1", "mark": "like"}).status_code == 403


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(reader: Reader) -> None:
    cookie = reader.get("/").headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" not in cookie


def test_behind_https_cookies_never_travel_in_the_clear(room: ReadingRoom, people: People) -> None:
    settings = Settings(address="https://papers.example.org")
    reader = Reader(room, people, settings)
    answer = reader.get("/", host="papers.example.org")
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("__host-")
    assert "secure" in cookie
    assert "strict-transport-security" in answer.headers


def test_a_flood_from_one_address_is_told_to_wait_and_others_are_served(
    room: ReadingRoom, people: People
) -> None:
    from starlette.testclient import TestClient

    reader = Reader(room, people, Settings(reads=Rate(20, 3600.0)))
    statuses = [reader.get("/static/icon.svg").status_code for _ in range(200)]
    assert statuses == [200] * 20 + [429] * 180
    assert int(reader.get("/").headers["retry-after"]) > 0
    neighbour = TestClient(reader.client.app, base_url="http://localhost", client=("192.0.2.7", 1))
    assert neighbour.get("/static/icon.svg").status_code == 200


def test_ten_thousand_requests_lose_nothing_and_let_nothing_in(
    room: ReadingRoom, people: People
) -> None:
    settings = Settings(changes=Rate(30, 3600.0), reads=Rate(20_000, 1.0))
    app = create_app(room, people, settings, address="http://localhost")
    form = b"paper=rivers-1&mark=like&token=guessed"
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "scheme": "http", "path": "/mark", "raw_path": b"/mark", "query_string": b"",
        "root_path": "", "client": ("192.0.2.1", 1), "server": ("localhost", 80),
        "headers": [
            (b"host", b"localhost"), (b"content-type", b"application/x-www-form-urlencoded"),
            (b"content-length", str(len(form)).encode()),
        ],
    }  # fmt: skip
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": form, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def flood() -> None:
        for _ in range(10_000):
            await app({**scope}, receive, send)

    papers = len(room.papers)
    anyio.run(flood)
    assert (statuses.count(403), statuses.count(429)) == (30, 9970)
    assert people.interests(people.single().id) == []
    assert len(room.papers) == papers
    assert Reader(room, people).get("/help").status_code == 200


def test_a_body_that_is_too_long_is_refused_whether_it_says_so_or_not(reader: Reader) -> None:
    reader.get("/interests")
    answer = reader.post("/interests", {"name": "x", "keywords": "y" * 300_000})
    assert answer.status_code == 413
    assert "256 kB" in answer.text

    def pieces() -> Any:
        for _ in range(40):
            yield b"name=" + b"z" * 10_000

    form = {"content-type": "application/x-www-form-urlencoded"}
    assert reader.client.post("/interests", content=pieces(), headers=form).status_code == 413


@pytest.mark.parametrize("body", [b"\xff\xfe=1", b"&".join([b"a=1"] * 2000), b"name=%ff%fe"])
def test_a_form_that_cannot_be_read_is_a_plain_error(reader: Reader, body: bytes) -> None:
    reader.get("/interests")
    form = {"content-type": "application/x-www-form-urlencoded"}
    answer = reader.client.post("/interests", content=body, headers=form)
    assert answer.status_code == 400
    assert "cannot be read" in answer.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "PATCH"])
def test_other_methods_are_refused(reader: Reader, method: str) -> None:
    assert reader.client.request(method, "/").status_code == 405


@pytest.mark.parametrize("name", ["../app.py", "..%2fapp.py", "room.css%00", "app.py", ""])
def test_only_the_named_files_are_given(reader: Reader, name: str) -> None:
    assert reader.get(f"/static/{name}").status_code in (404, 405)


@pytest.mark.parametrize(
    ("path", "leads"),
    [
        ("/search?q=a%20b#p3", "/search?q=a%20b#p3"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/a\r\nset-cookie: x", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_a_change_leads_back_to_a_page_of_ours_alone(path: str, leads: str) -> None:
    assert local(path) == leads


def test_without_accounts_the_pages_stay_on_loopback() -> None:
    for host in ("127.0.0.1", "localhost", "::1", "[::1]", "127.5.0.1"):
        check_binding(host, Settings())
    for host in ("0.0.0.0", "::", "192.168.1.5", "example.org", ""):
        with pytest.raises(InputError, match="accounts"):
            check_binding(host, Settings())
        with pytest.raises(InputError, match="address"):
            check_binding(host, Settings(accounts=True))
        check_binding(host, Settings(accounts=True, address="https://papers.example.org"))


@pytest.mark.parametrize(
    "address", ["papers.example.org", "ftp://x", "https://x/path", "https://u@x", "https://x?q=1"]
)
def test_an_address_that_no_pages_can_have_is_refused(address: str) -> None:
    with pytest.raises(InputError):
        Settings(address=address)
