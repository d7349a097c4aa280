"""What a demo's reader finds: two interests to begin with."""

from __future__ import annotations

from everygrain_papers.people import People
from everygrain_papers.room import ReadingRoom

# a name, and a query whose first cards are the seeds
_INTERESTS = {
    "Retrieval without labels": "training a dense retriever without labelled queries",
    "Choosing training data": "selecting data for training language models",
}
_SEEDS = 3


def first_interests(room: ReadingRoom, people: People) -> None:
    """Give the one reader of a demo two interests to try, if there is none yet."""
    reader = people.single()
    if people.interests(reader.id):
        return
    for name, query in _INTERESTS.items():
        seeds = tuple(hit.paper.id for hit in room.search(query, _SEEDS).hits)
        people.add_interest(reader.id, name, seeds=seeds)
