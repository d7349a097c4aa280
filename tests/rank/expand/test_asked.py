"""What a language model adds is searched for; where it adds nothing, the query is as it came."""

import json
import math

import pytest
from endpoint.server import answer

from everygrain.endpoint import CachedEndpoint
from everygrain.errors import ModelError, QueryError
from everygrain.rank.expand import Reasoned, Rewritten, preferences, write_preferences
from everygrain.rank.expand.preferences import gain, sufficiency
from everygrain.rank.expand.rewrites import read_rewrites
from everygrain.rank.llm import Budget, Prices

QUERIES = {"one": "cherry", "two": "wheel"}
FAULTS = {
    "nothing": lambda prompt: "",
    "500": lambda prompt: answer(500, {}),
    "html": lambda prompt: answer(200, b"<html>"),
}


def test_the_reasoning_is_appended_and_the_query_repeated_before_it(lexical, endpoint, model):
    model.rule = lambda prompt: f"<think>durian</think>  Think of\nbanana {prompt.count('wheel')}"
    reasoned = Reasoned(lexical, endpoint, repeat=2)
    told = reasoned.expanded(QUERIES)
    assert told == {
        "one": "cherry\ncherry\nThink of banana 0",
        "two": "wheel\nwheel\nThink of banana 1",
    }
    assert reasoned.retrieve(QUERIES) == lexical.retrieve(told)


def test_rewrites_are_searched_beside_the_query_and_fused_by_rank(lexical, endpoint, model):
    model.rule = lambda prompt: json.dumps(["banana", "Cherry", "durian"])
    found = Rewritten(lexical, endpoint).retrieve({"q": "cherry"}, 10).by_query()["q"]
    ranks = [
        [document for document, _ in lexical.retrieve([text], 100).by_query()["0"]]
        for text in ("cherry", "banana", "durian")  # the query itself is no rewrite
    ]
    expected: dict[str, float] = {}
    for each in ranks:
        for rank, document in enumerate(each, 1):
            expected[document] = expected.get(document, 0.0) + 1 / (60 + rank)
    assert dict(found) == pytest.approx(expected)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("make", [Reasoned, Rewritten])
def test_a_model_that_fails_leaves_the_plain_query_and_says_so(
    make, fault, lexical, endpoint, model, caplog
):
    model.rule = fault
    wrapped = make(lexical, endpoint)
    found, plain = (each.retrieve(QUERIES).document_ids.tolist() for each in (wrapped, lexical))
    assert found == plain
    assert wrapped.spent.undecided == wrapped.spent.decisions == 2
    assert "2 of 2 queries are asked as they are" in caplog.text
    with pytest.raises(ModelError, match="nothing that can be used"):
        make(lexical, endpoint, needed=True).retrieve(QUERIES)


def test_prose_gives_no_rewrite_but_is_reasoning(lexical, endpoint, model):
    model.rule = lambda prompt: "You may look for banana."
    rewritten, reasoned = Rewritten(lexical, endpoint), Reasoned(lexical, endpoint)
    assert rewritten.rewrites(["cherry"]) == {"0": ()}
    assert rewritten.spent.unusable == {"wrong shape": 1}
    assert reasoned.expanded(["cherry"]) == {"0": "cherry\nYou may look for banana."}


def test_a_budget_and_the_cache_hold_for_expansion_too(lexical, endpoint, model, tmp_path):
    model.rule = lambda prompt: "banana"
    cached = CachedEndpoint(endpoint, tmp_path / "c.db")
    first = Reasoned(lexical, cached, budget=Budget(calls=1), prices=Prices(1, 1))
    first.retrieve(QUERIES)
    assert (first.spent.calls, first.spent.undecided) == (1, 1)
    first.retrieve(QUERIES)
    assert (first.spent.calls, first.spent.cached, first.spent.undecided) == (1, 1, 2)
    assert first.spent.money == pytest.approx(12e-6)
    assert len(model.requests) == 1


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ('["a b", "c"]', ("a b", "c")),
        ('Here:\n```json\n["a  b", 3, "a b", ""]\n```', ("a b",)),
        ('{"queries": ["a", "b"]}', ("a", "b")),
        ("1. first way\n2. second way\n", ("first way", "second way")),
        ("Sure!\n- one\n* two", ("one", "two")),
        ('["\\ud800", "whole"]', ("whole",)),
        ("[1, 2]", None),
        ("no list", None),
        ("[" * 5000, None),
        ("", None),
        (json.dumps(["x" * 2000]), None),
    ],
)
def test_rewrites_are_read_from_lists_alone(reply, expected):
    assert read_rewrites(reply) == expected


def test_ranking_functions_are_their_formulas():
    assert sufficiency(["a", "b", "c"], {"a", "c"}) == 1
    assert sufficiency(["a", "b"], {"a", "c"}) == 0
    best = 1 + 1 / math.log2(3)
    assert gain(["x", "a", "c"], {"a", "c"}) == pytest.approx(
        (1 / math.log2(3) + 1 / math.log2(4)) / best
    )
    assert gain([], {"a"}) == 0
    assert gain(["a"], {"a"}) == 1


def test_each_two_rewrites_of_unequal_gain_make_a_preference(lexical, tmp_path):
    """For d3, durian ranks it first, banana second (d1 holds banana twice), apple not at all."""
    rewrites = {"q": ("banana", "durian", "apple"), "none": ()}
    queries = {"q": "apple", "none": "wheel", "unjudged": "pie"}
    found = preferences(queries, rewrites, lexical, {"q": ["d3"], "none": ["d4"]})
    second = 1 / math.log2(3)
    told = [(p.chosen, p.rejected, p.chosen_score, p.rejected_score) for p in found]
    assert told == [
        ("banana", "apple", pytest.approx(second), 0.0),
        ("durian", "apple", 1.0, 0.0),
        ("durian", "banana", 1.0, pytest.approx(second)),
    ]
    clear = preferences(queries, rewrites, lexical, {"q": ["d3"]}, margin=0.5)
    assert [(p.chosen, p.rejected) for p in clear] == [("banana", "apple"), ("durian", "apple")]
    enough = preferences(queries, rewrites, lexical, {"q": ["d3"]}, k=2, score=sufficiency)
    assert [(p.chosen, p.rejected) for p in enough] == [("banana", "apple"), ("durian", "apple")]
    path = tmp_path / "preferences.jsonl"
    assert write_preferences(path, found) == 3
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert set(rows[0]) == {"prompt", "chosen", "rejected", "chosen_score", "rejected_score"}
    assert "<query>apple</query>" in rows[0]["prompt"]
    assert [read_rewrites(row["chosen"]) for row in rows] == [("banana",), ("durian",), ("durian",)]


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda r, e: Reasoned(r, e, repeat=0), "repeat = 0"),
        (lambda r, e: Rewritten(r, e, count=0), "count = 0"),
        (lambda r, e: Rewritten(r, e, at_once=1.5), "at_once = 1.5"),
        (lambda r, e: preferences({"q": "x"}, {}, r, {"q": ["d1"]}), "'q' has no rewrites"),
        (lambda r, e: preferences({}, {}, r, {}, margin=-1), "margin of -1"),
    ],
)
def test_a_setting_out_of_range_is_named(make, what, lexical, endpoint):
    with pytest.raises(QueryError, match=what):
        make(lexical, endpoint)


def test_expansions_compose_and_print_as_written(lexical, endpoint):
    reasoned = Reasoned(lexical, endpoint, repeat=3)
    assert repr(reasoned) == f"Reasoned(lexical, {endpoint!r}, repeat=3)"
    assert repr(Rewritten(lexical, endpoint, 2) % 5) == f"Rewritten(lexical, {endpoint!r}, 2) % 5"
    assert reasoned == Reasoned(lexical, endpoint, repeat=3) != Reasoned(lexical, endpoint)
