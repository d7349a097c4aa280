"""The estimated impact of a room's new papers, where its papers carry citations to learn from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from everygrain.errors import EverygrainError, InputError
from everygrain_papers.paper import Paper
from everygrain_papers.trends.impact import Estimate, ImpactModel

if TYPE_CHECKING:
    from everygrain_papers.room import ReadingRoom

YEARS = 8  # before the last with citations: what is older teaches nothing of today
GROWTH = 1.1  # times as many papers with citations as when the model was trained
MOST = 5_000  # new papers that are estimated


def estimates(room: ReadingRoom, folder: Path) -> tuple[dict[str, Estimate], str]:
    """Return id -> estimate of the newest papers, and what the estimates are worth.

    The model is kept in the folder, and trained anew when there is a tenth more to learn from.
    Where there is too little, no paper has an estimate, and the text says what is missing.
    """
    try:
        model = _model(room, folder)
    except InputError as error:
        return {}, f"No impact is estimated. {error.problem}"
    new = room.papers.newest(MOST)
    worth = f"Impact is estimated from titles and abstracts; on {model.quality[-1]}."
    return dict(model.estimate(new)), worth


def _model(room: ReadingRoom, folder: Path) -> ImpactModel:
    path, key = folder / "impact.npz", "outlook impact"
    years = [paper.year for paper in _cited(room, 0) if paper.year]
    first = max(years, default=0) - YEARS
    count = sum(year >= first for year in years)
    if path.exists() and count < GROWTH * (room.papers.get_value(key) or 0):
        with suppress(EverygrainError):  # damaged: trained anew
            return ImpactModel.load(path, lambda texts: room.index.encode(texts, "document"))
    model = ImpactModel.train(
        list(_cited(room, first)), encode=lambda texts: room.index.encode(texts, "document")
    )
    model.save(path)
    room.papers.set_value(key, count)
    return model


def _cited(room: ReadingRoom, first: int) -> Iterator[Paper]:
    for paper in room.papers.papers():
        if paper.citations is not None and paper.year and paper.year >= first:
            yield paper
