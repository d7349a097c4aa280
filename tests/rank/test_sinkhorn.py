"""Sinkhorn-Knopp against a loop over cells, and what it does to a document that wins everything."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from everygrain.document import Ranking
from everygrain.errors import QueryError
from everygrain.rank.base import Composable, named
from everygrain.rank.fuse import MinMax, fuse
from everygrain.rank.sinkhorn import FEWEST, Bank, Biases, sinkhorn, sinkhorn_fuse


class Table(Composable):
    """A retriever that knows its answers: query id -> {document: score}."""

    def __init__(self, name, rows):
        self.name, self.rows = name, rows

    def __repr__(self):
        return self.name

    def retrieve(self, queries, k=10):
        asked = named(queries)
        found = [(q, d, s) for q in asked for d, s in self.rows[q].items()]
        return Ranking.of(list(asked), found).cut(k)


def scaled_in_loops(similarities, temperature, rounds=3000):
    """Divide rows by their sums and columns by theirs, again and again."""
    n, m = len(similarities), len(similarities[0])
    cells = [[math.exp(s / temperature) for s in row] for row in similarities]
    for _ in range(rounds):
        for j in range(m):
            total = sum(cells[i][j] for i in range(n))
            for i in range(n):
                cells[i][j] *= n / m / total
        for i in range(n):
            total = sum(cells[i])
            cells[i] = [cell / total for cell in cells[i]]
    return np.array(cells)


SIMILARITIES = arrays(
    np.float64, st.tuples(st.integers(1, 5), st.integers(1, 6)), elements=st.floats(-1, 1)
)


@given(SIMILARITIES)
def test_rows_sum_to_one_and_columns_share_alike(similarities):
    chances, rows, columns = sinkhorn(similarities, 0.5, tolerance=1e-9, iterations=20_000)
    n, m = similarities.shape
    assert chances.sum(axis=1) == pytest.approx(np.ones(n))
    assert chances.sum(axis=0) == pytest.approx(np.full(m, n / m), rel=1e-6)
    # the two scalings are what made it
    assert chances == pytest.approx(np.exp(similarities / 0.5 + rows[:, None] + columns))


def test_the_fixed_point_is_that_of_a_loop():
    similarities = np.random.default_rng(0).uniform(-1, 1, (4, 6))
    chances, _, _ = sinkhorn(similarities, 0.2, tolerance=1e-10, iterations=50_000)
    assert chances == pytest.approx(scaled_in_loops(similarities.tolist(), 0.2), abs=1e-8)


def test_two_by_two_by_hand():
    # P = [[p, 1 - p], [1 - p, p]], and scalings leave the cross ratio alone: (p / (1 - p))^2 = e^4
    chances, _, _ = sinkhorn([[3.0, 1.0], [2.0, 4.0]], 1.0, tolerance=1e-12)
    p = math.e**2 / (1 + math.e**2)
    assert chances == pytest.approx(np.array([[p, 1 - p], [1 - p, p]]))


@pytest.mark.parametrize("bad", [[[]], [[math.nan]], [1.0, 2.0]])
def test_what_is_no_matrix_of_numbers_is_refused(bad):
    with pytest.raises(QueryError, match="cannot be scaled"):
        sinkhorn(bad)


def test_a_temperature_that_makes_no_sense_is_refused():
    with pytest.raises(QueryError, match="temperature = 0 makes no sense"):
        sinkhorn([[1.0]], 0)
    with pytest.raises(QueryError, match="too low"):
        sinkhorn([[1.0, 0.0]], 1e-4)


def batch(count=FEWEST):
    """A hub that is best for every query, before the document that each query is for."""
    return {f"q{i:02}": {"hub": 1.0, f"d{i:02}": 0.9, "other": 0.0} for i in range(count)}


def test_a_document_near_to_every_query_loses_its_lead():
    table = Table("dense", batch())
    asked = dict.fromkeys(table.rows, "text")
    assert set(table.retrieve(asked, 1).document_ids) == {"hub"}
    fair = sinkhorn_fuse(table).retrieve(asked, 1)
    assert fair.document_ids.tolist() == [f"d{i:02}" for i in range(FEWEST)]


def test_scores_are_similarities_and_biases_added_up_in_loops():
    generator = np.random.default_rng(1)
    tables = [
        Table(name, {f"q{i}": {f"d{j}": float(generator.random()) for j in range(5)}
                     for i in range(FEWEST)})
        for name in ("one", "two")
    ]  # fmt: skip
    asked = dict.fromkeys(tables[0].rows, "")
    found = sinkhorn_fuse(*tables, weights=(0.7, 0.3), temperature=0.3).retrieve(asked, 5)
    expected = np.zeros((FEWEST, 5))
    for weight, table in zip((0.7, 0.3), tables, strict=True):
        raw = np.array([[table.rows[q][f"d{j}"] for j in range(5)] for q in asked])
        span = raw.max(axis=1, keepdims=True) - raw.min(axis=1, keepdims=True)
        similar = (raw - raw.min(axis=1, keepdims=True)) / span
        chances = scaled_in_loops(similar.tolist(), 0.3, rounds=300)
        expected += weight * 0.3 * np.log(chances)
    for row, (_, rows) in enumerate(found.by_query().items()):
        scores = np.array([dict(rows)[f"d{j}"] for j in range(5)])
        # log P has one number more for each query, and the biases one for each scorer
        gap = scores - expected[row]
        assert gap == pytest.approx(np.full(5, gap.mean()), abs=1e-3)


def test_a_bank_gives_one_query_what_it_gives_many():
    table = Table("dense", batch() | {"new": {"hub": 1.0, "d99": 0.95}})
    bank = Bank.learn([table], dict.fromkeys(batch(), ""))
    fused = sinkhorn_fuse(table, bank=bank)
    alone = fused.retrieve({"new": ""}, 3)
    assert [d for _, d, _ in alone.rows()] == ["d99", "hub"]
    together = fused.retrieve(dict.fromkeys(table.rows, ""), 3).by_query()
    assert together["new"] == alone.by_query()["new"]


def test_an_unseen_document_has_the_bias_of_one_that_all_rank_last():
    columns = [{"a": 1.0, "b": 0.5}, {"b": 1.0, "a": 0.2}]
    learned = Biases.learn(columns, 0.3)
    matrix = np.array([[1.0, 0.5], [0.2, 1.0]])
    _, rows, scaled = sinkhorn(matrix, 0.3)
    received = sum(math.exp(row) for row in rows)
    assert learned.unseen == pytest.approx(0.3 * (math.log(1 / received) - scaled.mean()))
    assert learned.unseen > max(learned.of.values())
    assert Biases.learn([{}, {}]) == Biases({}, 0.0)


def test_a_batch_too_small_is_refused():
    table = Table("dense", batch())
    with pytest.raises(QueryError, match="1 queries are too few"):
        sinkhorn_fuse(table).retrieve({"q00": ""}, 3)


def test_bad_settings_are_refused():
    table = Table("dense", {})
    with pytest.raises(QueryError, match="nothing to fuse"):
        sinkhorn_fuse()
    with pytest.raises(QueryError, match="2 weights or biases were given for 1"):
        sinkhorn_fuse(table, weights=(0.5, 0.5))


def test_it_prints_as_it_is_written_and_equal_scores_fuse_as_min_max():
    table = Table("dense", batch())
    assert repr(sinkhorn_fuse(table, table, weights=(0.5, 0.5))) == (
        "sinkhorn_fuse(dense, dense, weights=(0.5, 0.5))"
    )
    asked = dict.fromkeys(table.rows, "")
    warm = sinkhorn_fuse(
        table, table, temperature=1e6, bank=Bank((Biases({}, 0), Biases({}, 0)), 0)
    )
    plain = fuse(table, table, method=MinMax())
    assert warm.retrieve(asked, 3) == plain.retrieve(asked, 3)
