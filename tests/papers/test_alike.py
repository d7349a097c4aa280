"""Papers alike to a text that a reader types: whole abstracts, and a fifth of the facet."""

import pytest

from everygrain.errors import InputError
from everygrain_papers.alike import DEPTH, SHARE, scores_of_words
from everygrain_papers.facets import FACETS
from everygrain_papers.paper import Paper
from everygrain_papers.room import ReadingRoom

from .collection import papers

TEXT = "Cold fermentation of dough makes the loaves better."
SILENT = Paper(  # its one sentence is no method
    "silent", "Cold fermentation of dough", "Until now, fermentation of dough is a challenge."
)


@pytest.fixture
def room(tmp_path):
    with ReadingRoom(tmp_path / "room", encoder="latent") as made:
        made.papers.put([*papers(), SILENT])
        made.index_waiting()
        yield made


def shares(index, text):
    ranking = index.retriever("hybrid").retrieve([text], DEPTH)
    best = max(ranking.scores.tolist())
    return {i: s / best for i, s in zip(ranking.document_ids, ranking.scores.tolist(), strict=True)}


def test_a_facet_that_is_none_is_refused(room):
    with pytest.raises(InputError, match="no facet"):
        scores_of_words(room, TEXT, "colour", 5)


@pytest.mark.parametrize("facet", FACETS)
def test_scores_of_own_words_equal_the_formula_written_out(room, facet):
    whole = shares(room.index, TEXT)
    part = shares(room.facets.indexes[facet], TEXT)
    expected = {
        identity: (1 - SHARE) * whole.get(identity, 0) + SHARE * part.get(identity, 0)
        for identity in whole.keys() | part.keys()
    }
    assert scores_of_words(room, TEXT, facet, DEPTH) == pytest.approx(expected)
    assert scores_of_words(room, TEXT, "all", DEPTH) == pytest.approx(whole)
    assert expected != pytest.approx(whole)
    near = room.alike(TEXT, facet, 5)
    assert [each.score for each in near] == pytest.approx(sorted(expected.values())[-1:-6:-1])


def test_a_work_that_says_nothing_of_the_facet_is_found_all_the_same_and_shown_by_its_title(room):
    assert "silent" not in room.facets.indexes["method"].fetch(["silent"])
    near = {each.paper.id: each for each in room.alike(TEXT, "method", 4)}
    assert near["silent"].theirs == SILENT.title
    assert not near["silent"].is_said
    assert near["bread-0"].is_said
    assert near["silent"].mine == TEXT
    assert any(each.theirs.startswith("We propose a slow cold") for each in near.values())
