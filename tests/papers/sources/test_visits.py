"""A visitor is polite, and goes nowhere that it was not sent."""

import threading
import time

import pytest

from everygrain.errors import InputError
from everygrain_papers.sources import Visitor
from everygrain_papers.sources.visits import asked_wait

from .server import Server, answer


def slowly(headers):
    time.sleep(0.02)
    return answer(b"page")


def test_one_request_at_a_time_whatever_the_threads():
    with Server({"/": slowly}) as server:
        visitors = [Visitor(delay=0.0) for _ in range(6)]
        threads = [threading.Thread(target=v.get, args=(server.url,)) for v in visitors]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(server.requests) == 6
    assert server.most_at_once == 1


def test_between_two_requests_to_a_host_the_delay_passes():
    waits = []
    with Server({"/": b"page"}) as server:
        visitor = Visitor(delay=50.0, sleep=waits.append)
        visitor.get(server.url)
        visitor.get(server.url)
    assert 40 < waits[-1] <= 50


def test_the_visitor_names_itself():
    with Server({"/": b"page"}) as server:
        Visitor(delay=0.0).get(server.url)
    assert server.requests[0][2]["User-Agent"].startswith("everygrain/")


def test_a_redirect_is_followed_on_its_host_and_nowhere_else():
    moved = answer(b"", 301, {"Location": "/new"})
    away = answer(b"", 302, {"Location": "http://127.0.0.2:1/steal"})
    circle = answer(b"", 302, {"Location": "/circle"})
    pages = {"/old": lambda _: moved, "/new": b"page", "/away": lambda _: away}
    with Server({**pages, "/circle": lambda _: circle}) as server:
        visitor = Visitor(delay=0.0)
        assert visitor.get(f"{server.url}/old").content == b"page"
        with pytest.raises(InputError, match="another host"):
            visitor.get(f"{server.url}/away")
        with pytest.raises(InputError, match="without end"):
            visitor.get(f"{server.url}/circle")


def test_offline_nothing_leaves_the_machine(monkeypatch):
    monkeypatch.setenv("EVERYGRAIN_OFFLINE", "1")
    with pytest.raises(InputError, match="--offline is on"):
        Visitor().get("http://example.invalid/oai")
    with Server({"/": b"page"}) as server:
        assert Visitor(delay=0.0).get(server.url).content == b"page"


@pytest.mark.parametrize(
    "url", ["", "ftp://x/y", "file:///etc/passwd", "http://", "http://x:99999999", "x"]
)
def test_what_is_no_web_address_is_refused(url):
    with pytest.raises(InputError, match=r"no address|no http or https address"):
        Visitor().get(url)


def test_a_page_that_is_not_there_is_not_asked_for_again():
    with Server() as server:
        with pytest.raises(InputError, match="status 404"):
            Visitor(delay=0.0).get(server.url)
        assert len(server.requests) == 1


def test_waits_double_until_the_visitor_gives_up():
    waits = []
    with Server({"/": lambda _: answer(b"", 500)}) as server:
        visitor = Visitor(delay=0.0, retries=4, sleep=waits.append)
        with pytest.raises(InputError, match="given up: it answers with status 500"):
            visitor.get(server.url)
    assert [low / 2 <= wait <= low for wait, low in zip(waits, (1, 2, 4, 8), strict=True)] == [
        True
    ] * 4


def test_a_server_that_is_not_there_is_named():
    with Server() as server:
        url = server.url
    with pytest.raises(InputError, match="cannot be reached"):
        Visitor(delay=0.0, retries=1, sleep=lambda _: None).get(url)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        (
            {
                "retry-after": "Sat, 01 Jun 2024 12:01:00 GMT",
                "date": "Sat, 01 Jun 2024 12:00:00 GMT",
            },
            60.0,
        ),
        ({"retry-after": "Sat, 01 Jun 2024 12:01:00 GMT"}, 0.0),
    ],
)
def test_retry_after_is_read_in_both_its_forms(headers, seconds):
    assert asked_wait(headers) == seconds
