"""What is right in a reply is used; nothing is read into prose."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain.endpoint import Token
from everygrain.rank.llm.parsing import read_choice, read_likelihoods, read_order


@pytest.mark.parametrize(
    "reply",
    [
        "A", "a", " A.", "Passage A", "passage a", "**Passage A**", "[A]", "(A)", "Answer: A",
        "Output: Passage A", "<think>B is good. Passage B</think>Passage A",
        "Passage A\n\nIt tells more than Passage B does.", "Let me see.\nThe other is off.\n\nA",
        "Passage A is more relevant.", "I say that Passage A is clearly more relevant.",
        "Final answer: 'Passage A'", "The answer is Passage A\nAnswer: A",
    ],
)  # fmt: skip
def test_a_reply_that_names_one_passage_is_read(reply):
    assert read_choice(reply, "AB") == "A"


@pytest.mark.parametrize(
    "reply",
    [
        "", "  ", "Neither.", "A or B", "Passage A and Passage B are alike.", "A\nB", "C",
        "A passage about trees is hard to judge.", "Passage A is not more relevant.",
        "Passage A is less relevant.", "I cannot help with that.", "<think>Passage A", "AB",
        "Passage A is more relevant. No, Passage B is more relevant.",
    ],
)  # fmt: skip
def test_a_reply_that_names_none_or_two_is_not_guessed_at(reply):
    assert read_choice(reply, "AB") is None


def token(text, logprob, *alternatives):
    return Token(text, logprob, alternatives)


def test_ways_to_write_a_label_are_summed():
    half = math.log(0.3)
    found = read_likelihoods(
        [token("A", half, ("A", half), (" A", half), ("B", math.log(0.4)))], "AB"
    )
    assert found == pytest.approx({"A": math.log(0.6), "B": math.log(0.4)})


def test_the_first_token_that_is_a_label_counts():
    tokens = [token("Passage", -0.1), token(" B", -0.2, (" B", -0.2), (" A", -1.7)), token("A", 0)]
    assert read_likelihoods(tokens, "AB") == pytest.approx({"A": -1.7, "B": -0.2})


def test_a_label_that_is_not_among_the_alternatives_is_the_least_likely():
    assert read_likelihoods([token("B", -0.5)], "AB") == {"A": -math.inf, "B": -0.5}
    assert read_likelihoods([token("Neither", -0.1)], "AB") is None
    assert read_likelihoods([], "AB") is None


@pytest.mark.parametrize(
    ("reply", "order", "repaired"),
    [
        ("[2] > [1] > [3]", (1, 0, 2), False),
        ("[2]>[1]>[3]", (1, 0, 2), False),
        ("2 > 1 > 3", (1, 0, 2), False),
        ("[2, 1, 3]", (1, 0, 2), False),
        ("```\n[2] > [1] > [3]\n```", (1, 0, 2), False),
        ("1. [2]\n2. [1]\n3. [3]", (1, 0, 2), False),
        ("**[2]** is right, so: [2] > [1] > [3]. I hope that helps!", (1, 0, 2), False),
        ("<think>[3] > [2] > [1]</think>[2] > [1] > [3]", (1, 0, 2), False),
        ("[3] > [1] > [2]\nNo: [2] > [1] > [3]", (1, 0, 2), False),
        ("[2] > [2] > [1] > [3]", (1, 0, 2), True),
        ("[2] > [1]", (1, 0, 2), True),
        ("[2] > [7] > [0] > [1] > [3]", (1, 0, 2), True),
        ("[2] > [1] > [", (1, 0, 2), True),
        ("[3]", (2, 0, 1), True),
        ("[2] > [1] > [99999999999999999999999]", (1, 0, 2), True),
    ],
)
def test_what_is_right_in_an_order_is_kept_and_the_rest_follows(reply, order, repaired):
    found = read_order(reply, 3)
    assert (found.places, found.repaired) == (order, repaired)


@pytest.mark.parametrize(
    "reply",
    ["", "No passage fits.", "The best is [2], I think.", "There are 3 passages.", "[7] > [8]",
     "I rank 2 of them.", "<think>[2] > [1]"],
)  # fmt: skip
def test_prose_is_no_order(reply):
    assert read_order(reply, 3) is None


@given(st.text(alphabet="[]0123456789> ,\nab.", max_size=60), st.integers(1, 8))
def test_any_reply_gives_all_places_or_none(reply, count):
    found = read_order(reply, count)
    assert found is None or sorted(found.places) == list(range(count))
