"""Dual-bank normalisation against the formula in loops; banks that do not depend on history."""

import math

import numpy as np
import pytest

from everygrain.document import Document, Ranking
from everygrain.errors import EncoderMismatchError, QueryError
from everygrain.index.writer import writer
from everygrain.rank import banks as banks_module
from everygrain.rank.banks import Banks, current, keep, make, passages_of, read
from everygrain.rank.hubness import Hubness, occurrences, penalties, skewness
from everygrain.segment.sentences import Sentences
from tests.rank.conftest import VOCABULARY, build

WORDS = [f"{a}{b}" for a in "bcdfgklm" for b in ("ane", "ole", "ist", "ury", "ean")]


def titled(count=60, seed=0):
    """Documents with titles of five words and texts of thirty."""
    generator = np.random.default_rng(seed)
    return [
        Document(
            f"d{i:03}",
            " ".join(generator.choice(WORDS, 30)) + ".",
            " ".join(generator.choice(VOCABULARY + WORDS, 5)),
        )
        for i in range(count)
    ]


def unit_rows(generator, *shape):
    rows = generator.normal(size=shape)
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def some_banks(generator, queries=7, documents=5):
    return Banks(
        "f", 9,
        tuple(f"d{i}" for i in range(queries)), unit_rows(generator, queries, 4).astype(np.float16),
        tuple(f"d{i}" for i in range(documents)),
        unit_rows(generator, documents, 4).astype(np.float16),
        {"d0": 3},
    )  # fmt: skip


def penalty_in_loops(identity, passages, banks, beta_queries, beta_documents):
    total = 0.0
    for owners, vectors, beta in (
        (banks.query_ids, banks.queries, beta_queries),
        (banks.document_ids, banks.vectors, beta_documents),
    ):
        values = []
        for owner, vector in zip(owners, vectors, strict=True):
            if owner != identity:
                nearest = max(sum(float(a) * float(b) for a, b in zip(p, vector, strict=True))
                              for p in passages)  # fmt: skip
                values.append(math.exp(beta * nearest))
        total += math.log(sum(values) / len(values))
    return total / (beta_queries + beta_documents)


def test_penalties_equal_the_formula_written_out_in_loops():
    generator = np.random.default_rng(0)
    banks = some_banks(generator)
    ids = ["d0", "d6", "other"]
    passages = [unit_rows(generator, count, 4) for count in (1, 3, 2)]
    found = penalties(ids, passages, banks, 20.0, 7.0)
    expected = [
        penalty_in_loops(i, p, banks, 20.0, 7.0) for i, p in zip(ids, passages, strict=True)
    ]
    assert found.tolist() == pytest.approx(expected, abs=1e-6)


def test_the_order_is_that_of_two_inverted_softmaxes_multiplied():
    generator = np.random.default_rng(1)
    banks = some_banks(generator)
    ids = [f"x{i}" for i in range(6)]
    passages = [unit_rows(generator, 1, 4) for _ in ids]
    query = unit_rows(generator, 4)
    similar = np.array([float(p[0] @ query) for p in passages])
    product = []
    for p, s in zip(passages, similar, strict=True):
        by_queries = sum(math.exp(9 * float(q @ p[0])) for q in banks.queries.astype(float))
        by_documents = sum(math.exp(4 * float(g @ p[0])) for g in banks.vectors.astype(float))
        product.append(math.exp(9 * s) / by_queries * math.exp(4 * s) / by_documents)
    corrected = similar - penalties(ids, passages, banks, 9.0, 4.0)
    assert np.argsort(-corrected).tolist() == np.argsort(-np.array(product)).tolist()


def test_a_penalty_is_the_same_in_any_company_to_the_last_bit():
    generator = np.random.default_rng(2)
    banks = some_banks(generator, 50, 50)
    ids = [f"x{i}" for i in range(40)]
    passages = [unit_rows(generator, 1 + i % 3, 4) for i in range(40)]
    together = penalties(ids, passages, banks, 20.0, 20.0)
    alone = [penalties([i], [p], banks, 20.0, 20.0)[0] for i, p in zip(ids, passages, strict=True)]
    turned = penalties(ids[::-1], passages[::-1], banks, 20.0, 20.0)[::-1]
    assert together.tolist() == alone == turned.tolist()


def test_a_bank_that_holds_only_the_document_itself_has_no_say():
    generator = np.random.default_rng(3)
    banks = some_banks(generator, 1, 1)
    assert penalties(["d0"], [unit_rows(generator, 1, 4)], banks, 20.0, 20.0).tolist() == [0.0]


@pytest.fixture(scope="module")
def index(tmp_path_factory, hashing):
    made, _ = build(tmp_path_factory.mktemp("hubs") / "index", titled(), encoder=hashing)
    yield made
    made.close()


def test_banks_do_not_depend_on_the_order_of_changes(tmp_path, index, hashing):
    fresh, _ = build(tmp_path / "index", sorted(index.documents(), key=lambda d: d.id)[::-1],
                     encoder=hashing, parts=1)  # fmt: skip
    documents = {d.id: d for d in index.documents()}
    fresh.add(documents.values())
    fresh.delete([d.id for d in fresh.documents() if d.id not in documents])
    made = []
    for each in (index, fresh):
        with each.views.newest() as view:
            banks = make(view, Sentences("en"), 30)
        hubness = Hubness(each.views, banks, hub_at=1)
        queries = {d.id: d.title for d in documents.values()}
        made.append((banks, hubness.rerank(queries, each.retriever("dense").retrieve(queries))))
    (one, ranked), (two, again) = made
    assert one.queries.tobytes() == two.queries.tobytes()
    assert one.vectors.tobytes() == two.vectors.tobytes()
    assert (one.query_ids, one.document_ids, one.hubs) == (
        two.query_ids, two.document_ids, two.hubs,
    )  # fmt: skip
    assert ranked == again


def test_reranking_takes_the_penalty_from_each_score(index):
    with index.views.newest() as view:
        banks = make(view, Sentences("en"), 30)
        query = {"q": "tree graph bane"}
        ranking = index.retriever("dense").retrieve(query, 20)
        numbers = banks_module.numbers_of(view, ranking.document_ids.tolist())
        taken = penalties(
            ranking.document_ids.tolist(), passages_of(view, numbers), banks, 10.0, 5.0
        )
    found = Hubness(index.views, banks, 10.0, 5.0).rerank(query, ranking)
    expected = dict(zip(ranking.document_ids, ranking.scores - taken, strict=True))
    assert dict(zip(found.document_ids, found.scores, strict=True)) == pytest.approx(
        expected, abs=1e-6
    )


def test_a_document_that_is_gone_is_left_out(index):
    with index.views.newest() as view:
        banks = make(view, Sentences("en"), 30)
    ranking = Ranking.of(["q"], [("q", "d001", 0.5), ("q", "gone", 0.9)])
    found = Hubness(index.views, banks).rerank({"q": "tree"}, ranking)
    assert found.document_ids.tolist() == ["d001"]


def test_hubs_are_nearest_to_what_is_not_their_own(index):
    with index.views.newest() as view:
        banks = make(view, Sentences("en"), 30)
        counts = {}
        for owners, vectors in (
            (banks.query_ids, banks.queries), (banks.document_ids, banks.vectors)
        ):  # fmt: skip
            for owner, vector in zip(owners, vectors.astype(np.float32), strict=True):
                near = [i for i in view.find_dense(vector, 60).ids if i != owner]
                counts[near[0]] = counts.get(near[0], 0) + 1
    assert banks.hubs == counts


def test_the_dynamic_variant_leaves_queries_alone_whose_best_is_no_hub(index):
    with index.views.newest() as view:
        banks = make(view, Sentences("en"), 30)
    queries = {d.id: d.title for d in index.documents()}
    ranking = index.retriever("dense").retrieve(queries, 10)
    dynamic = Hubness(index.views, banks, dynamic=True, hub_at=2)
    always = Hubness(index.views, banks).rerank(queries, ranking).by_query()
    found, before = dynamic.rerank(queries, ranking).by_query(), ranking.by_query()
    hubs = 0
    for query, rows in before.items():
        if rows and banks.hubs.get(rows[0][0], 0) >= 2:
            hubs += 1
            assert found[query] == always[query]
        else:
            assert found[query] == rows
    assert 0 < hubs < len(queries)


def test_banks_are_kept_beside_the_segments_and_survive_a_writer(tmp_path, hashing):
    made, _ = build(tmp_path / "index", titled(), encoder=hashing)
    with made.views.newest() as view:
        banks = make(view, Sentences("en"), 30)
    with writer(made.store):
        keep(made.folder, banks)
    made.add([Document("one more", "A text about nothing.", "More")])
    made.compact()
    again = read(made.folder)
    assert again.queries.tobytes() == banks.queries.tobytes()
    assert (again.fingerprint, again.documents, again.hubs) == (
        banks.fingerprint, banks.documents, banks.hubs,
    )  # fmt: skip
    with made.views.newest() as view:
        assert again.fits(view)
        assert current(view, Sentences("en")).documents == banks.documents
    made.delete([d.id for d in titled()[:40]])
    with made.views.newest() as view:
        assert not again.fits(view)
        assert current(view, Sentences("en")).documents < banks.documents


def test_damaged_or_missing_banks_are_none(tmp_path):
    assert read(tmp_path) is None
    keep(tmp_path, some_banks(np.random.default_rng(0)))
    path = tmp_path / "banks" / "hubness.safetensors"
    path.write_bytes(path.read_bytes()[:-7])
    assert read(tmp_path) is None
    path.write_bytes(b"")
    assert read(tmp_path) is None


def test_banks_of_another_encoder_are_refused(index):
    banks = some_banks(np.random.default_rng(0))
    with pytest.raises(EncoderMismatchError, match="made with f, the index with hashing-16"):
        Hubness(index.views, banks).rerank({"q": ""}, Ranking.of(["q"], [("q", "d001", 0.5)]))
    with pytest.raises(QueryError, match="make no sense"):
        Hubness(index.views, banks, 0.0, 0.0)
    assert repr(Hubness(index.views, banks)) == "Hubness(beta_queries=5.0, beta_documents=5.0)"


def test_skewness_by_hand():
    ranking = Ranking.of(
        ["a", "b", "c"],
        [("a", "x", 3), ("a", "y", 2), ("b", "x", 3), ("b", "z", 2), ("c", "x", 3), ("c", "y", 1)],
    )
    assert occurrences(ranking, 1) == {"x": 3}
    assert occurrences(ranking, 2) == {"x": 3, "y": 2, "z": 1}
    # counts 3, 0, 0, 0: mean 3/4, variance 27/16, third moment 81/32
    assert skewness(ranking, 1, 4) == pytest.approx((81 / 32) / (27 / 16) ** 1.5)
    assert skewness(ranking, 1, 1) == 0
    with pytest.raises(QueryError, match="3 documents were found among 2"):
        skewness(ranking, 2, 2)
