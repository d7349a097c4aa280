from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain import Document, Ranking
from everygrain.errors import InputError, MeasureError
from everygrain.measure.pool import Item, make_pool, pooled, read_pool, write_pool

DOCUMENTS = {name: Document(name, f"Text of {name}.", name.upper()) for name in "abcdefgh"}
QUERIES = {"q1": "first", "q2": "second", "q3": "third"}


def ranking(**found: str) -> Ranking:
    """Rank one letter a document, best first."""
    rows = [(q, name, -float(i)) for q, names in found.items() for i, name in enumerate(names)]
    return Ranking.of(list(QUERIES), rows)


def fetch(ids: object) -> dict[str, Document]:
    return {name: DOCUMENTS[name] for name in ids if name in DOCUMENTS}  # type: ignore[attr-defined]


def test_a_pool_is_the_union_of_the_first_documents_of_every_system() -> None:
    found = pooled([ranking(q1="abcd", q2="e"), ranking(q1="bxyz")], depth=2)
    assert {query: sorted(ids) for query, ids in found.items()} == {
        "q1": ["a", "b", "x"],
        "q2": ["e"],
        "q3": [],
    }


def test_the_order_tells_nothing_of_ranks_and_systems() -> None:
    one = pooled([ranking(q1="abcdefgh")], depth=8)
    other = pooled([ranking(q1="hg"), ranking(q1="fedcba")], depth=8)
    assert one == other
    assert one["q1"] != sorted(one["q1"])
    assert pooled([ranking(q1="abcdefgh")], depth=8, seed=1) != one


@given(st.sets(st.sampled_from("abcdefgh"), min_size=2), st.integers())
def test_more_documents_do_not_move_two_past_each_other(names: set[str], seed: int) -> None:
    every = pooled([ranking(q1="abcdefgh")], 8, seed)["q1"]
    some = pooled([ranking(q1="".join(sorted(names)))], 8, seed)["q1"]
    assert some == [name for name in every if name in names]


def test_queries_are_ordered_each_in_its_own_way() -> None:
    found = pooled([ranking(q1="abcdefgh", q2="abcdefgh", q3="abcdefgh")], 8)
    assert len({tuple(ids) for ids in found.values()}) == 3


def test_items_hold_what_a_judge_reads_and_nothing_of_who_found_it(tmp_path: Path) -> None:
    made = make_pool(
        QUERIES, [ranking(q2="ab")], fetch, find_evidence=lambda query, held: [[(0, 4)]] * len(held)
    )
    assert write_pool(tmp_path / "pool.jsonl", made) == 2
    rows = [json.loads(line) for line in (tmp_path / "pool.jsonl").read_text().splitlines()]
    assert sorted(rows, key=lambda row: row["document_id"])[0] == {
        "query_id": "q2", "query": "second", "document_id": "a", "title": "A",
        "text": "Text of a.", "evidence": [[0, 4]],
    }  # fmt: skip


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=5))
def test_a_pool_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, given_texts: list[tuple[str, str]]
) -> None:
    items = [Item("q", "query", f"d{i}", *each) for i, each in enumerate(given_texts)]
    items[0] = Item("q", "query", "d0", "", "ab\u2028c", ((1, 3),))
    path = tmp_path_factory.mktemp("pool") / "pool.jsonl"
    write_pool(path, items)
    assert read_pool(path) == items


def test_the_documents_of_a_query_stand_together_when_read(tmp_path: Path) -> None:
    mixed = [Item(q, f"text {q}", d, "", "x") for q, d in ("qa", "ra", "qb", "rb")]
    write_pool(tmp_path / "pool.jsonl", mixed)
    assert [item.pair for item in read_pool(tmp_path / "pool.jsonl")] == [
        ("q", "a"), ("q", "b"), ("r", "a"), ("r", "b"),
    ]  # fmt: skip


def test_what_cannot_be_pooled_is_named(tmp_path: Path) -> None:
    with pytest.raises(MeasureError, match="lacks 'x', 'y'"):
        list(make_pool(QUERIES, [ranking(q1="abxy")], fetch))
    with pytest.raises(MeasureError, match="queries without a text: 'q2'"):
        list(make_pool({"q1": "first", "q3": "third"}, [ranking(q1="a")], fetch))
    with pytest.raises(MeasureError, match="no ranking"):
        pooled([], 10)
    with pytest.raises(MeasureError, match="depth 0"):
        pooled([ranking(q1="a")], 0)
    with pytest.raises(MeasureError, match="nothing to judge"):
        write_pool(tmp_path / "pool.jsonl", make_pool(QUERIES, [ranking()], fetch))
    assert list(tmp_path.iterdir()) == []


GOOD = {"query_id": "q", "query": "x", "document_id": "d", "title": "", "text": "abc"}


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ("{", "line 2: .*JSON"),
        ("[]", "line 2: The line is no JSON object"),
        (json.dumps(GOOD | {"text": None}), "line 2: The field 'text'"),
        (json.dumps(GOOD), "line 2: 'd' is there twice for query 'q'"),
        (json.dumps(GOOD | {"document_id": "e", "query": "y"}), "line 2: The query 'q' has two"),
        (json.dumps(GOOD | {"document_id": "e\tf"}), "line 2: The id"),
        (json.dumps(GOOD | {"document_id": "e", "evidence": [[2, 4]]}), "line 2: .*'evidence'"),
        (json.dumps(GOOD | {"document_id": "e", "evidence": [[True, 2]]}), "line 2: .*'evidence'"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, second: str, told: str) -> None:
    path = tmp_path / "pool.jsonl"
    path.write_text(f"{json.dumps(GOOD)}\n{second}\n", encoding="utf-8")
    with pytest.raises(InputError, match=told):
        read_pool(path)


def test_an_empty_pool_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "pool.jsonl").touch()
    with pytest.raises(InputError, match="holds nothing to judge"):
        read_pool(tmp_path / "pool.jsonl")
