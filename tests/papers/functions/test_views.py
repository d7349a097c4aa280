"""Views: features worked by hand, and the prior that repeats the rules."""

import numpy as np
import pytest

from everygrain_papers.functions import views
from everygrain_papers.functions.rules import scores
from everygrain_papers.functions.views import SHARED, TermView, cue_rows, prior, shared_rows

ABSTRACTS = [["Bees fly 12 km.", "Bees fly home."], ["We count bees."], []]


def test_terms_of_each_kind_are_those_worked_by_hand():
    assert views.word_terms(["Bees fly 12 km"]) == [
        {"bees", "fly", "0", "km", "^ bees", "bees fly", "fly 0", "0 km"}
    ]
    assert views.character_terms(["ab  c"]) == [
        {" ab", "ab ", "b c", " c ", " ab ", "ab c", "b c ", " ab c", "ab c "}
    ]
    before, after = views.neighbour_terms(["Bees", "fly"])
    assert before == {"< none", "> fly", "> ^ fly"}
    assert after == {"< bees", "< ^ bees", "> none"}


def test_term_rows_are_rarities_scaled_to_length_one_beside_the_shared_features():
    view = TermView.seen("words", ABSTRACTS)
    assert view.vocabulary == (".", "bees", "^ bees", "bees fly", "fly")
    shared = shared_rows(ABSTRACTS)
    rows = view.rows(ABSTRACTS, shared).toarray()
    rarity = {
        t: np.log(4 / (1 + c)) + 1 for t, c in zip(view.vocabulary, (3, 3, 2, 2, 2), strict=True)
    }
    last = np.array([rarity["."], rarity["bees"], 0, 0, 0])
    np.testing.assert_allclose(rows[2, :5], last / np.linalg.norm(last))
    np.testing.assert_allclose(rows[:, -SHARED:], shared)


def test_neighbours_never_cross_from_one_abstract_to_the_next():
    shared = shared_rows(ABSTRACTS)
    rows = cue_rows(ABSTRACTS, shared).toarray()
    np.testing.assert_allclose(rows[0, :5], 0)  # none before
    np.testing.assert_allclose(rows[0, 5:10], shared[1, :5])
    np.testing.assert_allclose(rows[1, :5], shared[0, :5])
    np.testing.assert_allclose(rows[1, 5:10], 0)
    np.testing.assert_allclose(rows[2, :10], 0)


def test_coefficients_of_the_prior_give_the_rules_scores_toned_down():
    shared = shared_rows(ABSTRACTS)
    told = cue_rows(ABSTRACTS, shared) @ prior(16 + SHARED)
    own = np.concatenate([scores(each) for each in ABSTRACTS if each])
    np.testing.assert_allclose(told, 0.6 * np.clip(own, -6, 6))


@pytest.mark.parametrize("count", [1, 2, 7])
def test_places_are_from_the_start_the_end_and_by_fifths(count):
    told = views.places(count) / 0.5
    assert told[0, 0] == 1
    assert told[-1, 4] == 1
    np.testing.assert_allclose(told[:, :4].sum(axis=1), 1)
    np.testing.assert_allclose(told[:, 8:13].sum(axis=1), 1)
    np.testing.assert_allclose(told[:, 13], count / 20)


def test_no_abstract_gives_no_row():
    empty = shared_rows([])
    assert empty.shape == (0, SHARED)
    assert cue_rows([], empty).shape == (0, 16 + SHARED)
    assert TermView.seen("words", ABSTRACTS).rows([], empty).shape == (0, 5 + SHARED)
