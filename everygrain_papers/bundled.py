"""The cards that come with everygrain, as papers of a reading room to try."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from everygrain_papers.paper import Paper
from everygrain_papers.people import People
from everygrain_papers.room import ReadingRoom

SOURCE = "everygrain cards"
# two interests to begin with: a name, and cards that a reader of it would like
_INTERESTS = {
    "Retrieval without labels": "training a dense retriever without labelled queries",
    "Choosing training data": "selecting data for training language models",
}
_SEEDS = 3


def cards() -> list[Paper]:
    """Return the cards: title, our own short text, and what is known of their publication."""
    known = {each["id"]: each for each in _lines("everygrain_papers", "data", "published.jsonl")}
    return [
        _paper(card, known.get(card["_id"], {}))
        for card in _lines("everygrain", "data", "papers", "corpus.jsonl")
    ]


def _paper(card: dict[str, Any], known: dict[str, Any]) -> Paper:
    told = card["metadata"]
    day = known.get("date")
    number = known.get("arxiv_id", "")
    return Paper(
        card["_id"],
        card["title"],
        card["text"],
        tuple(known.get("authors", ())),
        year=int(day[:4]) if day else None,
        date=day,
        keywords=(told["area"], told["kind"]),
        url=f"https://arxiv.org/abs/{number}" if number else "",
        arxiv_id=number,
        source=SOURCE,
    )


def first_interests(room: ReadingRoom, people: People) -> None:
    """Give the one reader of a demo two interests to try, if there is none yet."""
    reader = people.single()
    if people.interests(reader.id):
        return
    for name, query in _INTERESTS.items():
        seeds = tuple(hit.paper.id for hit in room.search(query, _SEEDS).hits)
        people.add_interest(reader.id, name, seeds=seeds)


def _lines(package: str, *parts: str) -> list[dict[str, Any]]:
    text = files(package).joinpath(*parts).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line.strip()]
