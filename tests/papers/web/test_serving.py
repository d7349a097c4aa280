"""The server as a process: it says where it is, answers, and ends when it is told to."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from everygrain.errors import InputError
from everygrain_papers.people import People
from everygrain_papers.room import ReadingRoom
from everygrain_papers.web import Settings, serve
from everygrain_papers.web.rendering import paper_address

from .reading_room import PREPRINT

PROGRAM = """
import sys
from pathlib import Path
from everygrain_papers.people import People
from everygrain_papers.room import ReadingRoom
from everygrain_papers.web import Settings, serve
folder = Path(sys.argv[1])
with ReadingRoom(folder, create=False) as room, People(Path(sys.argv[2])) as people:
    serve(room, people, port=0, settings=Settings(accounts="--accounts" in sys.argv))
"""
PASSWORD = "a tail of dust and ice"


def test_a_server_prints_its_address_answers_there_alone_and_ends_at_ctrl_c(
    room: ReadingRoom, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", PROGRAM, str(room.folder), str(tmp_path / "people.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            found = re.search(r"http://127\.0\.0\.1:(\d+)", process.stdout.readline())
            assert found is not None
            answer = httpx.get(found[0] + "/paper/rivers-1")
            assert answer.status_code == 200
            assert "hydraulic simulation" in answer.text
            assert "server" not in answer.headers
            foreign = httpx.get(found[0], headers={"Host": f"evil.example:{found[1]}"})
            assert foreign.status_code == 421
            with socket.create_connection(("127.0.0.1", int(found[1]))) as raw:
                raw.sendall(b"nonsense\r\n\r\n")
                assert raw.recv(100).startswith(b"HTTP/1.1 400")
            assert httpx.get(found[0] + "/help").status_code == 200
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)
        assert process.returncode == 0


def test_of_two_readers_the_first_alone_may_part_what_was_joined(
    room: ReadingRoom, tmp_path: Path
) -> None:
    with People(tmp_path / "people.db") as people:
        for name in ("ada", "bea"):
            people.add_user(name, PASSWORD)
    (decision,) = room.papers.decisions(PREPRINT.id)
    command = [
        sys.executable, "-c", PROGRAM, str(room.folder), str(tmp_path / "people.db"), "--accounts",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
            assert found is not None
            for name, status, parted in (("bea", 403, False), ("ada", 303, True)):
                with httpx.Client(base_url=found[0]) as reader:
                    _post(reader, "/login", "/login", name=name, password=PASSWORD)
                    for act, apart in (("undo", parted), ("redo", False)):
                        answer = _post(
                            reader, paper_address(PREPRINT.id), "/merge", decision=decision.id,
                            act=act, back="/",
                        )  # fmt: skip
                        assert answer.status_code == status
                        assert (len(room.papers.versions(PREPRINT.id)) == 1) is apart
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)


def _post(reader: httpx.Client, page: str, path: str, **form: str) -> httpx.Response:
    """Send a form with the token of a page."""
    token = re.search(r'name="token" value="([^"]+)"', reader.get(page).text)
    assert token is not None
    return reader.post(path, data={"token": token[1], **form})


def test_a_port_that_is_taken_is_told_before_anything_starts(
    room: ReadingRoom, people: People
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(InputError, match=r"can listen on 127\.0\.0\.1"),
    ):
        serve(room, people, port=taken.getsockname()[1])


def test_other_addresses_need_accounts_and_somebody_who_has_one(
    room: ReadingRoom, people: People
) -> None:
    with pytest.raises(InputError, match="Without accounts"):
        serve(room, people, "0.0.0.0", 0)
    with pytest.raises(InputError, match="no address"):
        serve(room, people, "0.0.0.0", 0, Settings(accounts=True))
    with pytest.raises(InputError, match="nobody has one"):
        serve(room, people, "127.0.0.1", 0, Settings(accounts=True))
