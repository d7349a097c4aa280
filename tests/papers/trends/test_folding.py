"""Names of one trend are folded; names of two are not."""

import numpy as np
from scipy.sparse import csr_matrix

from everygrain_papers.trends.folding import folds
from everygrain_papers.trends.venues import mix
from everygrain_papers.trends.windows import Calendar

PAPERS = 200  # 150 of three past windows, 50 recent


def told_of(terms, low=None):
    """Return heads of terms, given as {name: (past papers, recent papers)} by their numbers."""
    places = np.repeat([0, 1, 2, 3], 50)
    inside = Calendar("year", ("1", "2", "3", "4"), places, np.full(4, 50), 1)
    dense = np.zeros((len(terms), PAPERS), dtype=np.int32)
    for row, (past, recent) in enumerate(terms.values()):
        dense[row, list(past)] = 1
        dense[row, [150 + each for each in recent]] = 1
    lows = np.arange(len(terms), 0, -1.0) if low is None else np.array(low)
    mixed = mix(np.zeros(PAPERS, dtype=np.int64), inside)
    heads = folds(list(terms), csr_matrix(dense), inside, mixed, lows, np.zeros(len(terms)))
    names = list(terms)
    return {name: names[head] for name, head in zip(names, heads, strict=True)}


def test_a_part_that_rises_only_inside_the_longer_term_is_folded_into_it():
    told = told_of(
        {
            "language model": (range(30), range(40)),
            "large language model": ((), range(32)),
        }
    )
    assert told["language model"] == "large language model"
    assert told["large language model"] == "large language model"


def test_a_part_that_rises_without_the_longer_term_stands_beside_it():
    told = told_of(
        {
            "diffusion": ((0,), range(45)),
            "latent diffusion": ((), range(12)),
        }
    )
    assert told == {"diffusion": "diffusion", "latent diffusion": "latent diffusion"}


def test_a_part_covered_by_several_longer_terms_is_folded():
    told = told_of(
        {
            "prompt": (range(10), range(30)),
            "prompt tuning": ((), range(13)),
            "soft prompt": ((), range(13, 27)),
        }
    )
    assert told["prompt"] in {"prompt tuning", "soft prompt"}


def test_two_names_for_half_of_the_same_papers_are_one_and_the_surer_one_names_it():
    told = told_of({"llm": ((), range(30)), "chatbot": ((), range(10, 32)), "map": ((), [40])})
    assert told == {"llm": "llm", "chatbot": "llm", "map": "map"}


def test_half_of_the_words_is_no_part():
    told = told_of({"net": ((), range(10)), "network": ((), range(20, 40))})
    assert told == {"net": "net", "network": "network"}
