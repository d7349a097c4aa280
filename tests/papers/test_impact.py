"""The impact of new papers is estimated where citations can teach it, and says when they cannot."""

from __future__ import annotations

import numpy as np
import pytest

from everygrain_papers.impact import estimates
from everygrain_papers.paper import Paper
from everygrain_papers.room import ReadingRoom

WORDS = ("river", "bread", "clock", "bird", "stone", "glass", "wind", "salt", "lamp", "bell")


def cited(count, seed=0):
    """Papers of five years; "copper" in a title brings citations, "tin" none."""
    rng = np.random.default_rng(seed)
    made = []
    for n in range(count):
        metal = ("copper", "tin")[n % 2]
        said = " ".join(rng.choice(WORDS, 12))
        made.append(
            Paper(
                f"p{n}",
                f"A study of {metal} and {rng.choice(WORDS)} {n}",
                f"{said}. {metal}.",
                year=2020 + n % 5,
                citations=int(rng.poisson(20 if metal == "copper" else 1)),
            )
        )
    return made


@pytest.fixture
def room(tmp_path):
    with ReadingRoom(tmp_path / "room", encoder="latent") as made:
        yield made


def test_new_papers_with_what_was_cited_are_estimated_higher(room, tmp_path):
    room.papers.put(
        [
            *cited(2000),
            Paper("new copper", "A copper bell", "copper.", date="2025-02-01"),
            Paper("new tin", "A tin bell", "tin.", date="2025-02-01"),
        ]
    )
    room.index_waiting()
    found, worth = estimates(room, tmp_path / "outlook")
    assert found["new copper"].value > found["new tin"].value + 0.2
    assert all(e.low <= e.value <= e.high for e in found.values())
    assert "nDCG@20" in worth
    kept = (tmp_path / "outlook" / "impact.npz").read_bytes()
    again = estimates(room, tmp_path / "outlook")[0]
    assert {i: pytest.approx(e.value, abs=1e-4) for i, e in again.items()} == {
        i: e.value for i, e in found.items()
    }
    assert (tmp_path / "outlook" / "impact.npz").read_bytes() == kept
    (tmp_path / "outlook" / "impact.npz").write_bytes(b"broken")
    assert estimates(room, tmp_path / "outlook")[0] == found


def test_too_few_citations_give_no_estimate_and_a_reason(room, tmp_path):
    room.papers.put(cited(50))
    room.index_waiting()
    found, worth = estimates(room, tmp_path / "outlook")
    assert found == {}
    assert worth.startswith("No impact is estimated. ")
    assert "too few" in worth
