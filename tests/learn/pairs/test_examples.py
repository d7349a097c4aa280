"""The examples of a prompt are chosen by what they make the model write."""

import pytest

from everygrain import Document, Index
from everygrain.endpoint import Endpoint
from everygrain.errors import InputError, ModelError
from everygrain.learn.asking import Asking, Budget
from everygrain.learn.pairs.examples import (
    Found,
    HeldOut,
    Likeness,
    Tried,
    try_examples,
    with_best_examples,
)
from everygrain.learn.pairs.synthetic import Example, Prompt

from ..language_model import LanguageModel, tagged

HELD_OUT = [
    HeldOut(Document("owl", "Barn owls hunt voles by hearing alone.", "Owl"), "how do owls hunt"),
    HeldOut(Document("dune", "Desert dunes migrate downwind slowly.", "Dune"), "where do dunes go"),
]
GOOD = Example("Green tea leaves are steamed.", "how are tea leaves treated")
MIDDLING = Example("Cast iron rusts.", "iron")
BAD = Example("Bread rises in warmth.", "tell me more")


def imitating(prompt, seed):
    """Write as many words of the document as the one example's query shares with its own."""
    example = prompt.partition("<document>")[2].partition("</document>")[0].lower().split()
    shared = [word for word in tagged(prompt, "query").split() if word in example]
    words = tagged(prompt, "document").split()[1:]
    return {"queries": [" ".join(["so", *words[1 : 1 + len(shared)]])]}


@pytest.fixture
def model():
    with LanguageModel(imitating) as running:
        yield running


@pytest.fixture
def asking(model):
    return Asking(Endpoint(model.url, "m", retries=0))


@pytest.fixture
def lexical(tmp_path):
    with Index(tmp_path / "i", encoder="none") as index:
        index.add([each.document for each in HELD_OUT])
        yield index.retriever("lexical")


def test_the_example_whose_queries_find_the_held_out_documents_comes_first(asking, model, lexical):
    tried = try_examples([BAD, GOOD], HELD_OUT, "Find notes.", asking, Found(lexical))
    assert tried == [Tried(GOOD, 1.0, 2), Tried(BAD, 0.0, 2)]
    assert len(model.requests) == 4
    prompt = with_best_examples(Prompt("Find notes."), tried, 2)
    assert prompt.examples == (GOOD,)  # what never helped is left out even where there is room


def test_a_query_is_worth_the_reciprocal_of_its_documents_rank(lexical):
    queries = ["dunes and owls hunt", ""]
    worth = Found(lexical).of(HELD_OUT, queries)
    ids = [d for _, d, _ in lexical.retrieve(queries[:1], 10).rows()]
    assert worth == [1 / (ids.index("owl") + 1), 0.0]
    assert Found(lexical, depth=1).of(HELD_OUT[::-1], ["owls", "owls"]) == [0.0, 1.0]


def test_likeness_is_the_f1_of_words():
    # 2 of 3 words are shared with the 4 of the person's query
    assert Likeness().of(HELD_OUT, ["owls hunt voles", ""]) == [2 * 2 / (3 + 4), 0.0]
    with pytest.raises(InputError, match="'owl' has no query"):
        Likeness().of([HeldOut(HELD_OUT[0].document)], ["owls"])


def test_what_could_not_be_had_counts_as_nothing(asking, model, lexical):
    model.rule = lambda prompt, seed: "no" if "Dune" in prompt else imitating(prompt, seed)
    tried = try_examples([GOOD], HELD_OUT, "Find notes.", asking, Found(lexical))
    assert tried == [Tried(GOOD, 0.5, 1)]
    assert asking.tally.dropped == {"not JSON": 2}


def test_candidates_that_the_budget_cut_short_are_left_out(model, lexical):
    asking = Asking(Endpoint(model.url, "m"), Budget(calls=3))
    tried = try_examples([GOOD, BAD], HELD_OUT, "Find notes.", asking, Found(lexical))
    assert [each.example for each in tried] == [GOOD]
    asking = Asking(Endpoint(model.url, "m"), Budget(calls=1))
    with pytest.raises(InputError, match="Allow 2 calls for each candidate"):
        try_examples([GOOD, BAD], HELD_OUT, "Find notes.", asking, Found(lexical))


def test_equal_candidates_stay_in_their_order_and_k_bounds_them():
    tried = [Tried(GOOD, 0.5, 1), Tried(MIDDLING, 0.5, 1), Tried(BAD, 0.0, 1)]
    assert with_best_examples(Prompt("t"), tried, 1).examples == (GOOD,)
    assert with_best_examples(Prompt("t"), tried).examples == (GOOD, MIDDLING)


def test_bad_input_is_refused(asking, model, lexical):
    leak = Example(HELD_OUT[0].document.text.upper(), "owls")
    with pytest.raises(InputError, match="is held out as well"):
        try_examples([GOOD, leak], HELD_OUT, "t", asking, Found(lexical))
    with pytest.raises(InputError, match="0 candidates"):
        try_examples([], HELD_OUT, "t", asking, Found(lexical))
    with pytest.raises(InputError, match="of any worth"):
        with_best_examples(Prompt("t"), [Tried(BAD, 0.0, 2)])
    with pytest.raises(InputError, match="Choose 1 to 8"):
        with_best_examples(Prompt("t"), [Tried(GOOD, 1.0, 2)], 9)
    model.rule = lambda prompt, seed: ""
    with pytest.raises(ModelError, match="4 empty"):
        try_examples([GOOD], HELD_OUT, "t", asking, Found(lexical))
