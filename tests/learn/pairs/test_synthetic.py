"""Queries by a language model are kept where they find their document again, and only there."""

import pytest

from everygrain import Document, Index
from everygrain.endpoint import CachedEndpoint, Endpoint
from everygrain.errors import InputError, ModelError
from everygrain.learn.asking import Asking, Budget
from everygrain.learn.pairs.base import PairSource
from everygrain.learn.pairs.synthetic import Example, Prompt, RoundTrip, Synthetic

from ..language_model import obedient, tagged

DOCUMENTS = [
    Document("tea", "Green tea leaves are steamed soon after picking.", "Tea"),
    Document("iron", "Cast iron skillets rust unless seasoned with oil.", "Iron"),
    Document("owl", "Barn owls hunt voles by hearing alone at night.", "Owl"),
    Document("dune", "Desert dunes migrate downwind grain by grain.", "Dune"),
]
PROMPT = Prompt("Find the note that answers a question.")


@pytest.fixture
def asking(model):
    return Asking(Endpoint(model.url, "m", retries=0))


@pytest.fixture
def lexical(tmp_path):
    with Index(tmp_path / "i", encoder="none") as index:
        index.add(DOCUMENTS)
        yield index.retriever("lexical")


def test_the_prompt_holds_the_task_up_to_eight_examples_and_the_document():
    examples = tuple(Example(f"document {i}", f"query {i}") for i in range(8))
    prompt = Prompt("Find notes.", examples, queries=3).of("The text </document> itself")
    assert prompt.startswith("Task: Find notes.")
    places = [
        prompt.index(f"<document>document {i}</document>\n<query>query {i}") for i in range(8)
    ]
    assert places == sorted(places)
    assert "Write 3 different queries" in prompt
    assert prompt.endswith("<document>The text ‹/document> itself</document>")


def test_each_document_gives_its_queries_with_where_they_come_from(asking):
    source = Synthetic(asking, PROMPT)
    assert isinstance(source, PairSource)
    found = list(source.pairs(DOCUMENTS))
    assert [pair.positive_id for pair in found] == [d.id for d in DOCUMENTS for _ in range(2)]
    assert all(pair.query_id == pair.positive_id for pair in found)
    assert found[0].positive == "Tea\nGreen tea leaves are steamed soon after picking."
    assert set(found[0].query.split()) <= set(found[0].positive.lower().replace(".", "").split())
    assert {pair.source for pair in found} == {"synthetic(examples=0, queries=2, rank=None)"}
    assert found == list(source.pairs(DOCUMENTS))


def test_the_round_trip_keeps_exactly_the_queries_that_find_their_document(asking, model, lexical):
    def rule(prompt, seed):
        text = tagged(prompt, "document")
        return (
            {"queries": ["voles at night", "steamed leaves"]}
            if "owl" in text
            else (obedient(prompt, seed))
        )

    model.rule = rule
    source = Synthetic(asking, PROMPT, RoundTrip(lexical))
    found = list(source.pairs(DOCUMENTS))
    unfiltered = list(Synthetic(asking, PROMPT).pairs(DOCUMENTS))
    by_hand = [
        pair for pair in unfiltered
        if next(lexical.retrieve([pair.query], 1).rows(), (0, ""))[1] == pair.positive_id
    ]  # fmt: skip
    assert [(p.query, p.positive_id) for p in found] == [(p.query, p.positive_id) for p in by_hand]
    assert ("voles at night", "owl") in [(p.query, p.positive_id) for p in found]
    assert "steamed leaves" not in [p.query for p in found]
    assert asking.tally.dropped["not found again"] == len(unfiltered) - len(found) == 1


def test_a_lower_rank_may_be_let_through(asking, model, lexical):
    model.rule = lambda prompt, seed: {"queries": ["oil and tea"]}
    iron = [DOCUMENTS[1]]
    ranked = [d for _, d, _ in lexical.retrieve(["oil and tea"], 2).rows()]
    passed = [
        len(list(Synthetic(asking, PROMPT, RoundTrip(lexical, rank)).pairs(iron)))
        for rank in (1, 2)
    ]
    assert passed == [int(ranked[0] == "iron"), 1]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("", "empty"),
        ("Here you go: 1. what is tea", "not JSON"),
        ({"query": "what is tea"}, "wrong shape"),
        ({"queries": []}, "empty"),
        ({"queries": ["wie werden die Blätter nach der Ernte gedämpft"]}, "another language"),
        ({"queries": ["чай и листья"]}, "another language"),
        ({"queries": ["how are SKILLETS kept"]}, "copies an example"),
        ({"queries": ["tea " * 100]}, "too long"),
        (({"queries": ["green tea"]}, "length"), "truncated"),
    ],
)
def test_what_a_model_gets_wrong_is_dropped_by_its_reason(asking, model, reply, reason):
    model.rule = lambda prompt, seed: (
        reply if "tea" in tagged(prompt, "document") else obedient(prompt, seed)
    )
    prompt = Prompt("Find notes.", (Example("Iron rusts.", "How are skillets kept"),))
    found = list(Synthetic(asking, prompt).pairs(DOCUMENTS))
    assert "tea" not in {pair.positive_id for pair in found}
    assert len(found) == 6
    assert asking.tally.dropped == {reason: 2}  # it was asked twice


def test_of_a_reply_that_is_good_in_part_the_part_is_kept(asking, model):
    model.rule = lambda prompt, seed: {"queries": ["green leaves", "GREEN leaves", "third"]}
    found = list(Synthetic(asking, PROMPT).pairs(DOCUMENTS[:1]))
    assert [pair.query for pair in found] == ["green leaves"]
    assert asking.tally.dropped == {"repeated": 1}


def test_one_query_for_two_documents_stays_with_the_first(asking, model):
    model.rule = lambda prompt, seed: {"queries": ["what is this note on"]}
    found = list(Synthetic(asking, PROMPT).pairs(DOCUMENTS))
    assert [pair.positive_id for pair in found] == ["tea"]
    assert asking.tally.dropped == {"repeated": 3}


def test_a_run_that_was_interrupted_goes_on_where_it_stopped(model, tmp_path):
    def run(calls=None):
        cached = CachedEndpoint(Endpoint(model.url, "m"), tmp_path / "c.db")
        asking = Asking(cached, Budget(calls=calls))
        return list(Synthetic(asking, PROMPT).pairs(DOCUMENTS)), asking.tally

    part, tally = run(calls=2)
    assert len(part) == 4
    assert "budget of 2 calls is spent" in tally.stopped
    whole, tally = run()
    assert whole[:4] == part
    assert (len(whole), tally.calls, len(model.requests)) == (8, 2, 4)


def test_a_model_that_never_obeys_is_an_error(asking, model):
    model.rule = lambda prompt, seed: "I am only a language model."
    with pytest.raises(ModelError, match="8 not JSON"):
        list(Synthetic(asking, PROMPT).pairs(DOCUMENTS))


def test_documents_without_text_are_not_asked_about(asking, model):
    documents = [Document("a", "  ", "Only a title"), DOCUMENTS[0]]
    assert {pair.positive_id for pair in Synthetic(asking, PROMPT).pairs(documents)} == {"tea"}
    assert len(model.requests) == 1
    with pytest.raises(InputError, match="No document has text"):
        list(Synthetic(asking, PROMPT).pairs(documents[:1]))


def test_settings_that_make_no_sense_are_refused(lexical):
    with pytest.raises(InputError, match="at most 8"):
        Prompt("t", (Example("d", "q"),) * 9)
    with pytest.raises(InputError, match="task is empty"):
        Prompt(" ")
    with pytest.raises(InputError, match="make no sense"):
        Prompt("t", queries=0)
    with pytest.raises(InputError, match="has no words"):
        Example("d", "?")
    with pytest.raises(InputError, match="Ranks start at 1"):
        RoundTrip(lexical, 0)
