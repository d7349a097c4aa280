"""A real room with real people, filled with papers of our own writing, good ones and bad ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from everygrain_papers.paper import Paper, of_record
from everygrain_papers.people import People
from everygrain_papers.room import ReadingRoom
from everygrain_papers.web import Settings, create_app

from ..collection import papers

ATTACK = "<script>document.title='let in'</script>"
BROKEN_OUT = '"><img src=x onerror="document.title=\'let in\'">'
PREPRINT = Paper(
    "arxiv:2101.00001", "Counting comets by their tails", "We count comets. The count is high.",
    ("Ada Byron", "Maria Mitchell"), "arXiv", 2021, "2021-01-04", arxiv_id="2101.00001",
    source="arxiv", references=("rivers-0", "10.1/unknown", "A book without an address"),
    url="https://example.org/comets", citations=7,
)  # fmt: skip
PUBLISHED = Paper(
    "doi:10.5555/comets", "Counting Comets by Their Tails",
    "We count comets. The count is very high. A second telescope agrees.",
    ("Ada Byron", "Maria Mitchell"), "Journal of Skies", 2022, "2022-02-02",
    doi="10.5555/comets", source="crossref",
)  # fmt: skip
LONG = Paper(
    "long", "A comet of one megabyte", "Tail of dust $ and { ice. " * 40_000, source="feed"
)
STRANGE = (
    Paper("bad-title", f"Comets {ATTACK}", "A title that is a script.", source="feed"),
    Paper("bad-abstract", "Comets in markup", f"We <b>show</b> {ATTACK} {BROKEN_OUT} &lt;i&gt;.",
          (ATTACK, BROKEN_OUT), f"Venue {ATTACK}", keywords=(BROKEN_OUT,), source="feed"),
    Paper("bad-address", "Comets that lead astray", "Follow me.", url="javascript:alert(1)",
          doi="10.1/\"><script>", source="feed"),
    Paper("latex", r"Bounds of order $O(n^{2})$ for $\alpha$-comets",
          r"We prove $\sum_i x_i \leq \frac{1}{2}$, and $\unheardof{x}$ and cost $5 to $10.",
          source="feed"),
    Paper("empty", "A comet without abstract", source="feed"),
    Paper("control", "Comet \x07 with a bell", "Text\x00 with\x0b control \u202e characters."),
    Paper("future", "A comet to come", "It will come.", date="2199-01-01", year=2199),
    Paper("a/b?c#d e", "A comet with a difficult name", "Its id is of many signs."),
    Paper("..", "A comet that climbs", "Its id climbs up."),
)  # fmt: skip
MAIL = re.compile(r'name="token" value="([^"]+)"')


def filled(folder: Path, more: Iterable[Paper] = ()) -> ReadingRoom:
    """Return a room with the papers of this file, one of them revised once."""
    room = ReadingRoom(folder, encoder="latent")
    room.papers.put([*papers(4), PREPRINT, *STRANGE, *more], datetime(2026, 1, 1, tzinfo=UTC))
    revised = {**PREPRINT.record(), "abstract": "We count many comets. The count is high."}
    room.papers.put([of_record(revised), PUBLISHED], datetime(2026, 2, 1, tzinfo=UTC))
    room.index_waiting()
    room.papers.put([LONG])  # stored and not indexed: a megabyte in every search takes its time
    return room


class Reader:
    """A browser without scripts: keeps cookies, and sends the forms of the page it last saw."""

    def __init__(self, room: ReadingRoom, people: People, settings: Settings | None = None) -> None:
        app = create_app(room, people, settings or Settings(), address="http://localhost")
        self.client = TestClient(app, base_url="http://localhost", follow_redirects=False)
        self.room, self.people = room, people
        self.page = ""

    def get(self, path: str, **headers: str) -> Any:
        answer = self.client.get(path, headers=headers)
        self.page = answer.text
        return answer

    def post(
        self, path: str, form: Mapping[str, str] | None = None, *, token: str | None = None,
        **headers: str,
    ) -> Any:  # fmt: skip
        """Send a form with the token of the last page, and follow where it leads."""
        found = MAIL.search(self.page)
        told = {"token": token if token is not None else (found[1] if found else "")}
        answer = self.client.post(path, data={**told, **(form or {})}, headers=headers)
        if answer.status_code == 303:
            return self.get(answer.headers["location"])
        return answer


def people_of(folder: Path) -> People:
    return People(folder / "people.db")
