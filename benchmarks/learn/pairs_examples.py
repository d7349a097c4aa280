"""One pair of each source, from texts written for the page of results."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pairs_collections import written

from everygrain.document import Document
from everygrain.learn.pairs import SOURCES, Pair, parse_source

_FERRY = (
    "The ferry to the northern islands leaves at six. In winter it waits for the tide, as the "
    "harbour is too shallow at low water [1, 2]. Tickets are sold on board."
)

OURS = [
    Document(
        "ferry", _FERRY, "Winter timetable of the island ferry",
        {"keywords": ["ferry", "tides"], "references": ["tides", "harbour"]},
    ),
    Document(
        "tides", "Tides follow the moon. High water comes an hour later every day or so, and the "
        "harbour fills and empties with it.", "Why high water is late",
    ),
    Document(
        "harbour", "The harbour was dredged twice. Sand comes back with every storm, and boats of "
        "more than two metres draught stay outside.", "Dredging a shallow harbour",
    ),
    Document("copy", _FERRY + " Dogs travel free.", "When boats to the north sail"),
]  # fmt: skip

OUR_WORDNET = "00000001 06 n 02 ferry 0 ferryboat 0 000 | a boat that takes people over water\n"


def examples(folder: Path) -> list[Pair]:
    """Return one pair of each source from the documents above."""
    (folder / "data.noun").write_text(OUR_WORDNET, encoding="utf-8")
    found = []
    for kind in SOURCES:
        source = parse_source(written(kind, str(folder)))
        pair = next(iter(source.pairs(OURS)), None)
        if pair is not None:
            found.append(replace(pair, source=kind))
    return found
