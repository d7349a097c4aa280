"""What the server of the page answers, and whom."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from everygrain.errors import InputError
from everygrain.measure.desk import EVIDENCE, WORD, Desk
from everygrain.measure.judge_page import JudgingServer
from everygrain.measure.ledger import Ledger
from everygrain.measure.pool import Item

from .judging import ATTACK, item, items


@pytest.fixture
def server(tmp_path: Path) -> Iterator[JudgingServer]:
    with JudgingServer(Desk(items(), Ledger(tmp_path / "x.jsonl"), "ada")) as made:
        Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
        yield made
        made.shutdown()


def ask(
    server: JudgingServer, method: str, path: str, body: Any = None, **headers: str
) -> tuple[HTTPResponse, bytes]:
    """Send a request to a path below the token; headers with _ for -."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=20)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    if body is not None:
        given = {"Content-Type": "application/json"} | given
    connection.request(method, f"/{server.token}/{path}", sent, given)
    response = connection.getresponse()
    return response, response.read()


def test_the_page_takes_nothing_from_elsewhere_and_runs_only_its_own_script(
    server: JudgingServer,
) -> None:
    for path in ("", "page.css", "page.js", "keys.js", "icon.svg", "state", "item/0"):
        response, content = ask(server, "GET", path)
        assert response.status == 200
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert "require-trusted-types-for 'script'" in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        without_namespace = content.replace(b"http://www.w3.org/2000/svg", b"")
        assert b"http:" not in without_namespace
        assert b"https:" not in without_namespace
        assert b"innerHTML" not in content


def test_no_path_without_the_token_is_answered(server: JudgingServer) -> None:
    token = server.token
    for path in ("/", "/state", "/x/state", f"/{token}", f"/{token}x/", "/ü/"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
            host = f"127.0.0.1:{server.port}"
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
            answer = connection.makefile("rb").read()
        assert answer.split()[1] == b"404", path
        assert token.encode() not in answer


def test_two_servers_have_two_tokens_and_only_this_machine_reaches_them(
    server: JudgingServer,
) -> None:
    with JudgingServer(server.desk) as other:
        assert other.token != server.token
        assert len(other.token) >= 32
    assert server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "", "localhost"])
def test_a_foreign_host_name_gets_no_answer(server: JudgingServer, host: str) -> None:
    response, content = ask(server, "GET", "state", Host=host)
    assert response.status == 421
    assert b"ada" not in content


def test_localhost_is_this_machine_too(server: JudgingServer) -> None:
    assert ask(server, "GET", "", Host=f"localhost:{server.port}")[0].status == 200


def test_another_page_can_neither_read_nor_judge(server: JudgingServer) -> None:
    grade = {"number": 0, "grade": 3}
    for headers in (
        {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"}, {"Origin": f"https://127.0.0.1:{server.port}"},
    ):  # fmt: skip
        assert ask(server, "GET", "state", **headers)[0].status == 403
        assert ask(server, "POST", "change", grade, **headers)[0].status == 403
    # a form of another page can send no JSON
    assert ask(server, "POST", "change", grade, Content_Type="text/plain")[0].status == 415
    assert server.desk.ledger.lines() == []
    own = f"http://127.0.0.1:{server.port}"
    assert ask(server, "POST", "change", grade, Origin=own)[0].status == 200


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"number": 9, "grade": 1}, "no document 9"),
        ({"number": -1, "grade": 1}, "no document -1"),
        ({"number": True, "grade": 1}, "no document True"),
        ({"grade": 1}, "no document None"),
        ({"number": 0}, "no judgement"),
        ({"number": 0, "grade": 4}, "no grade 4"),
        ({"number": 0, "judge": "bob"}, "no judgement"),
        ({"number": 0, "note": 3}, "'note'"),
        ({"number": 0, "note": "x" * 10_001}, "10,001 characters"),
        ([], "no JSON object"),
        (b"{", "JSON"),
        (b"\xff", "UTF-8"),
    ],
)
def test_what_is_no_judgement_is_refused_and_not_kept(
    server: JudgingServer, body: Any, told: str
) -> None:
    response, content = ask(server, "POST", "change", body)
    assert response.status == 400
    assert told in json.loads(content)["problem"]
    assert server.desk.ledger.lines() == []


def test_bodies_without_end_and_unknown_places_are_refused(server: JudgingServer) -> None:
    assert ask(server, "POST", "change", b" " * (2**18 + 1))[0].status == 413
    assert ask(server, "POST", "change", b"{}", Content_Length="x")[0].status == 411
    for path in ("../pool.py", "item/", "item/²", "item/99", "nothing", "change"):
        assert ask(server, "GET", path.replace("²", "%C2%B2"))[0].status in (400, 404)


def test_what_is_kept_is_told_and_undone(server: JudgingServer) -> None:
    assert json.loads(ask(server, "POST", "undo", {})[1]) == {"number": None}
    kept = json.loads(ask(server, "POST", "change", {"number": 2, "grade": 3})[1])
    assert kept == {"number": 2, "grade": 3, "skipped": False, "note": ""}
    kept = json.loads(ask(server, "POST", "change", {"number": 2, "skipped": True})[1])
    assert (kept["grade"], kept["skipped"]) == (None, True)
    assert server.desk.counts() == {"all": 4, "graded": 0, "skipped": 1}
    assert json.loads(ask(server, "POST", "undo", {})[1])["grade"] == 3
    state = json.loads(ask(server, "GET", "state")[1])
    assert [each["grade"] for each in state["items"]] == [None, None, 3, None]
    assert [each["query"] for each in state["items"]] == [0, 0, 0, 1]


def test_an_attack_is_passed_on_as_text_in_json(server: JudgingServer) -> None:
    response, content = ask(server, "GET", "item/1")
    assert response.headers["Content-Type"] == "application/json"
    assert "".join(piece for piece, _ in json.loads(content)["text"]) == ATTACK


def test_parts_make_up_the_text_and_mark_words_and_evidence(tmp_path: Path) -> None:
    text = "\U0001f30d Comets shine. A comet’s tail."
    made = Item("q", "the comet", "d", "", text, ((2, 15), (9, 15)))
    parts = Desk([made], Ledger(tmp_path / "x"), "ada").item(0)["text"]
    assert parts == [
        ("\U0001f30d ", 0),
        ("Comets", WORD | EVIDENCE),
        (" shine.", EVIDENCE),
        (" A ", 0),
        ("comet", WORD),
        ("’s tail.", 0),
    ]


def test_an_empty_text_has_no_parts(tmp_path: Path) -> None:
    desk = Desk([Item("q", "comet", "d", "", "")], Ledger(tmp_path / "x"), "ada")
    assert desk.item(0)["text"] == []


def test_a_document_that_the_pool_lost_can_still_be_undone(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "x")
    Desk([item("q", "gone")], ledger, "ada").change(0, {"grade": 2})
    desk = Desk([item("q", "here")], ledger, "ada")
    assert desk.counts() == {"all": 1, "graded": 0, "skipped": 0}
    assert desk.undo()["number"] is None
    assert ledger.of("ada")["q", "gone"].grade is None


def test_a_judge_needs_a_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name"):
        Desk(items(), Ledger(tmp_path / "x"), " ")
