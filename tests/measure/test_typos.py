import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from everygrain.errors import MeasureError
from everygrain.measure.typos import KINDS, NEIGHBOURS, Typos

TEXT = "Retrieval of (very) long documents: a survey, 2019"


def edits(first, second):
    """Return the distance in single edits, swaps of neighbours included, by dynamic programming."""
    table = np.zeros((len(first) + 1, len(second) + 1), dtype=int)
    table[:, 0], table[0, :] = range(len(first) + 1), range(len(second) + 1)
    for i in range(1, len(first) + 1):
        for j in range(1, len(second) + 1):
            unlike = first[i - 1] != second[j - 1]
            table[i, j] = min(
                table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + unlike
            )
            if i > 1 and j > 1 and first[i - 2 : i] == second[j - 1] + second[j - 2]:
                table[i, j] = min(table[i, j], table[i - 2, j - 2] + 1)
    return table[-1, -1]


def test_the_keys_beside_a_key_are_those_of_the_keyboard():
    assert set(NEIGHBOURS["g"]) == set("fhtyvb")
    assert set(NEIGHBOURS["q"]) == set("12wa")
    assert set(NEIGHBOURS["m"]) == set("njk")
    assert all(key in NEIGHBOURS[other] for key in NEIGHBOURS for other in NEIGHBOURS[key])


@given(st.integers(0, 10_000), st.sampled_from(KINDS))
@settings(max_examples=200, deadline=None)
def test_at_rate_1_every_long_word_has_exactly_one_slip_and_the_rest_stays(seed, kind):
    found = Typos(1.0, seed, (kind,)).__call__(TEXT)
    words, slipped = TEXT.split(" "), found.split(" ")
    assert len(words) == len(slipped)
    for word, other in zip(words, slipped, strict=True):
        assert edits(word, other) == (len(word.strip("():,")) >= 3)
        assert len(other) - len(word) == {"deletion": -1, "insertion": 1}.get(kind, 0) * (
            word != other
        )


def test_the_share_of_words_that_are_hit_is_the_rate_within_chance():
    text = " ".join(f"word{i}" for i in range(4000))
    hit = sum(a != b for a, b in zip(text.split(), Typos(0.1)(text).split(), strict=True))
    assert stats.binomtest(hit, 4000, 0.1).pvalue > 1e-4


def test_slips_depend_on_seed_and_text_only():
    assert Typos(0.5, 1)(TEXT) == Typos(0.5, 1)(TEXT)
    assert len({Typos(0.5, seed)(TEXT) for seed in range(20)}) > 10
    assert Typos(0.0)(TEXT) == TEXT


def test_capitals_stay_capitals_and_other_scripts_have_no_keys_here():
    assert Typos(1.0, kinds=("substitution",))("ABC").isupper()
    assert Typos(1.0, kinds=("substitution",))("слово") == "слово"
    assert edits("слово", Typos(1.0)("слово")) == 1
    assert Typos(1.0, kinds=("transposition",))("aaa") == "aaa"


@pytest.mark.parametrize(
    "settings", [{"rate": 1.5}, {"kinds": ()}, {"kinds": ("doubling",)}, {"shortest": 1}]
)
def test_settings_that_make_no_sense_are_an_error(settings):
    with pytest.raises(MeasureError):
        Typos(**settings)
