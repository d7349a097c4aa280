"""The cards that come with everygrain, as a source of papers to try."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from everygrain_papers.paper import Paper
from everygrain_papers.sources.base import Batch, Cursor, OnReject

SOURCE = "everygrain cards"


@dataclass(frozen=True)
class Cards:
    """318 papers: their titles with a short text of our own, and what is known of when each
    appeared, from data/published.jsonl."""

    @property
    def name(self) -> str:
        return "cards"

    def batches(
        self, cursor: Cursor | None = None, reject: OnReject | None = None
    ) -> Iterator[Batch]:
        """Yield all cards in one batch."""
        known = {each["id"]: each for each in _lines("everygrain_papers", "published.jsonl")}
        cards = _lines("everygrain", "papers", "corpus.jsonl")
        yield Batch(tuple(_paper(c, known.get(c["_id"], {})) for c in cards), {}, last=True)


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


def _lines(package: str, *parts: str) -> list[dict[str, Any]]:
    text = files(package).joinpath("data", *parts).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line.strip()]
