import pytest

from everygrain.analyze.words import of_text
from everygrain.errors import MeasureError
from everygrain.measure.typos import Typos
from everygrain.measure.variants import REWRITES, mutual, paraphrases, vary


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("lower_case", "DNA Repair", "dna repair"),
        ("upper_case", "DNA Repair", "DNA REPAIR"),
        ("without_punctuation", "End-to-end (neural) search.", "End to end neural search"),
        ("with_question_mark", "gene therapy.", "gene therapy?"),
        ("with_question_mark", "Is it so? ", "Is it so?"),
        ("framed", "gene therapy.", "What is known about gene therapy?"),
        ("framed", "what is gene therapy", "what is gene therapy"),
        ("framed", "Does it work?", "Does it work?"),
        ("unframed", "What is gene therapy?", "gene therapy"),
        ("unframed", "how do cells divide", "cells divide"),
        ("unframed", "tell me about wings", "wings"),
        ("unframed", "What is it known for?", "it known for"),
        ("unframed", "what is", "what is"),
        ("unframed", "whatever island", "whatever island"),
        ("reordered", "gene therapy, mice", "mice therapy gene"),
        ("reordered", "therapy of mice", "therapy of mice"),
    ],
)
def test_a_rewrite_keeps_what_is_asked_about(name, text, expected):
    assert REWRITES[name](text) == expected


def test_a_frame_that_was_added_comes_off_again():
    assert REWRITES["unframed"](REWRITES["framed"]("wing flutter")) == "wing flutter"


@pytest.mark.parametrize("name", ["lower_case", "upper_case", "without_punctuation"])
def test_case_and_punctuation_leave_the_words_as_they_are(name):
    text = "State-of-the-art, NLP's (2019)?"
    assert of_text(REWRITES[name](text)) == of_text(text)


def test_each_change_gives_one_variant_in_order():
    found = vary({"q": "Gene"}, [REWRITES["lower_case"], Typos(0.0), REWRITES["upper_case"]])
    assert found == {"q": ("gene", "Gene", "GENE")}


def test_given_paraphrases_are_grouped_by_query():
    queries = {"1": "a", "2": "b"}
    assert paraphrases(queries, [("1", "x"), ("1", "y")]) == {"1": ("x", "y")}
    with pytest.raises(MeasureError, match="no query '3'"):
        paraphrases(queries, [("3", "x")])


def test_variants_are_kept_where_each_wording_follows_from_the_other():
    # A text entails another that has no word beyond its own.
    def entails(first, second):
        return set(second.split()) <= set(first.split())

    queries = {"1": "red car", "2": "blue"}
    found = mutual(queries, {"1": ["car red", "red", "red fast car"], "2": ["green"]}, entails)
    assert found == {"1": ("car red",)}
