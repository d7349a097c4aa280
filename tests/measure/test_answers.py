import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.errors import MeasureError
from everygrain.measure.answers import exact_match, f1, k_precision, precision, recall, tokens

TEXTS = st.lists(st.sampled_from(["a", "The", "cat", "Cat,", "sat!", "dog", "an-other"])).map(
    " ".join
)


def squad(text):
    """Normalise as SQuAD's rules are written down: case, punctuation, articles, white space."""
    kept = "".join(c for c in text.lower() if c not in set(string.punctuation))
    return re.sub(r"\b(a|an|the)\b", " ", kept).split()


def taken(given, wanted):
    """Count the tokens of one list that can be crossed out, one for one, in another."""
    left, count = list(wanted), 0
    for token in given:
        if token in left:
            left.remove(token)
            count += 1
    return count


@given(st.text(string.printable))
@settings(max_examples=200, deadline=None)
def test_tokens_of_printable_ascii_are_those_of_squad(text):
    assert tokens(text) == squad(text)


def test_tokens_of_other_text_lose_their_punctuation_and_case_too():
    assert tokens("„Straße“ – the “Élan”… €5") == ["strasse", "élan", "5"]
    assert tokens("Don't; a U.S.-based") == ["dont", "usbased"]


@given(TEXTS, TEXTS)
@settings(max_examples=200, deadline=None)
def test_measures_equal_crossing_out_tokens_in_a_loop(answer, reference):
    given_, wanted = squad(answer), squad(reference)
    shared = taken(given_, wanted)
    assert recall(answer, [reference]) == (shared / len(wanted) if wanted else 1)
    assert precision(answer, [reference]) == (shared / len(given_) if given_ else 0)
    assert exact_match(answer, [reference]) == (given_ == wanted)
    if shared:
        p, r = shared / len(given_), shared / len(wanted)
        assert f1(answer, [reference]) == pytest.approx(2 * p * r / (p + r))
    else:
        assert f1(answer, [reference]) == (not given_ and not wanted)


def test_a_verbose_answer_is_worked_out_by_hand():
    answer = "It was Marie Curie, the physicist, who was the first."  # 8 tokens, 'was' twice
    knowledge = ["Marie Curie was a physicist.", "She was first to win twice."]
    assert recall(answer, ["Marie Curie"]) == 1
    assert precision(answer, ["Marie Curie"]) == 2 / 8
    assert f1(answer, ["Marie Curie"]) == 2 * 2 / (8 + 2)
    assert exact_match(answer, ["Marie Curie"]) == 0
    # marie, curie, was, physicist, was, first; not: it, who
    assert k_precision(answer, knowledge) == 6 / 8
    assert k_precision(answer, knowledge[:1]) == 4 / 8


def test_the_best_of_several_references_counts():
    assert recall("red car", ["blue car", "a red bicycle here"]) == 1 / 2
    assert exact_match("The red car!", ["blue", "Red Car"]) == 1


def test_empty_answers_references_and_knowledge_are_stated():
    assert (recall("", ["the"]), f1("", ["the"]), exact_match("a", ["the"])) == (1, 1, 1)
    assert (recall("", ["x"]), precision("", ["x"]), f1("", ["x"])) == (0, 0, 0)
    assert k_precision("", ["x"]) == k_precision("x", []) == 0


@pytest.mark.parametrize("measure", [recall, precision, f1, exact_match])
@pytest.mark.parametrize("references", [[], "one string"])
def test_no_list_of_references_is_an_error(measure, references):
    with pytest.raises(MeasureError, match="no list of references"):
        measure("x", references)


def test_one_string_is_no_list_of_knowledge():
    with pytest.raises(MeasureError, match="One string"):
        k_precision("x", "x")
