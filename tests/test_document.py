"""Documents, spans and rankings keep their invariants, and come back as they left."""

import itertools
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain.document import LONGEST_ID, Document, Ranking, Span
from everygrain.errors import EverygrainError, InputError

NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1, max_size=8
).filter(lambda name: not any(c.isspace() for c in name))
SCORES = st.floats(width=32, allow_nan=False)


@st.composite
def rankings(draw):
    queries = draw(st.lists(NAMES, unique=True, max_size=4))
    rows = [
        (query, document, draw(SCORES | st.sampled_from([0.0, 1.0])))
        for query in queries
        for document in draw(st.lists(NAMES, unique=True, max_size=5))
    ]
    return Ranking.of(queries, draw(st.permutations(rows)))


def same_columns(one, other):
    for name in ("starts", "ends"):
        left, right = getattr(one, name), getattr(other, name)
        assert (left is None) == (right is None)
        if left is not None:
            assert left.tolist() == right.tolist()
            assert left.dtype == right.dtype
    assert one.legs.keys() == other.legs.keys()
    for name, column in one.legs.items():
        assert np.array_equal(column, other.legs[name], equal_nan=True)
        assert column.dtype == other.legs[name].dtype


def test_a_document_keeps_its_fields_as_they_came():
    document = Document("a b/é", " text\r\n", " title ", {"year": 2020})
    assert (document.id, document.text, document.title) == ("a b/é", " text\r\n", " title ")
    assert Document("x", "").metadata == {}
    with pytest.raises(AttributeError):
        document.text = "other"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"id": 3}, "'id' is int"),
        ({"text": None}, "'text' is NoneType"),
        ({"title": b"x"}, "'title' is bytes"),
        ({"text": "\ud800"}, "'text' holds a lone surrogate"),
        ({"id": "\udfff"}, "'id' holds a lone surrogate"),
        ({"id": ""}, "id is empty"),
        ({"id": " \u3000"}, "id is empty"),
        ({"id": "x" * (LONGEST_ID + 1)}, "2,049 characters"),
        ({"id": "a\tb"}, "tab"),
        ({"id": "a\nb"}, "line break"),
        ({"id": "a\x00"}, "NUL"),
        ({"metadata": [1]}, "metadata of 'x' is list"),
    ],
)
def test_a_field_that_cannot_be_stored_is_named_with_a_remedy(fields, named):
    with pytest.raises(InputError, match=re.escape(named)) as caught:
        Document(**({"id": "x", "text": "y"} | fields))
    assert caught.value.remedy
    assert isinstance(caught.value, EverygrainError)


def test_the_longest_id_is_allowed():
    assert Document("x" * LONGEST_ID, "").id


@given(st.text(st.characters(codec="utf-8")), st.data())
def test_a_span_is_the_exact_text_between_its_offsets(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    assert Span("d", start, end).of(Document("d", text)) == text[start:end]


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (3, 2), (-2, -1)])
def test_a_span_that_runs_backwards_is_refused(start, end):
    with pytest.raises(InputError, match=f"{start}:{end} of 'd' runs backwards"):
        Span("d", start, end)


def test_a_span_of_another_or_a_shorter_document_is_refused():
    with pytest.raises(InputError, match="does not lie in the document 'e'"):
        Span("d", 0, 1).of(Document("e", "text"))
    with pytest.raises(InputError, match="document 'd' of 4 characters"):
        Span("d", 0, 5).of(Document("d", "text"))


@given(rankings())
def test_rows_are_sorted_by_query_then_score_then_document_whatever_came_first(ranking):
    place = {query: i for i, query in enumerate(ranking.queries)}
    keys = [(place[query], -score, document) for query, document, score in ranking.rows()]
    assert keys == sorted(keys)
    assert ranking.scores.dtype == np.float32


@given(
    st.dictionaries(
        st.tuples(st.sampled_from("pqr"), st.text("abc", min_size=1, max_size=4)),
        st.sampled_from([2.0, 1 + 1e-12, 1.0, 0.0, -0.0, -1.0, math.inf, -math.inf]),
    ),
    st.permutations("pqrs"),
    st.randoms(),
)
def test_a_ranking_is_what_sorting_its_rows_in_python_gives(scores, queries, random):
    rows = [(*names, score) for names, score in scores.items()]
    random.shuffle(rows)
    ranking = Ranking.of(queries, iter(rows))
    expected = sorted(rows, key=lambda row: (queries.index(row[0]), -np.float32(row[2]), row[1]))
    assert ranking.queries == tuple(queries)
    assert ranking.query_ids.tolist() == [query for query, _, _ in expected]
    assert ranking.document_ids.tolist() == [document for _, document, _ in expected]
    wanted = np.array([score for _, _, score in expected], dtype=np.float32)
    assert ranking.scores.tobytes() == wanted.tobytes()


def test_scores_that_float32_cannot_tell_apart_are_ties_settled_by_document():
    ranking = Ranking.of(["q"], [("q", "b", 1 + 1e-12), ("q", "a", 1.0)])
    assert list(ranking.document_ids) == ["a", "b"]


@pytest.mark.parametrize(
    ("queries", "rows", "named"),
    [
        (["q", "q"], [], "Two queries have one id"),
        (["q"], [("r", "d", 1.0)], "'r' was not asked"),
        (["q"], [("q", "d", float("nan"))], "score of 'd' for query 'q' is NaN"),
        (["q"], [("q", "d", 1.0), ("q", "d", 2.0)], "'d' occurs twice for query 'q'"),
    ],
)
def test_rows_that_make_no_ranking_are_refused(queries, rows, named):
    with pytest.raises(InputError, match=re.escape(named)) as caught:
        Ranking.of(queries, rows)
    assert caught.value.remedy


@given(rankings(), st.integers(0, 6))
def test_a_cut_keeps_the_first_rows_of_each_query(ranking, k):
    assert ranking.cut(k).by_query() == {q: rows[:k] for q, rows in ranking.by_query().items()}
    assert ranking.cut(k).queries == ranking.queries


def spans_and_legs():
    base = Ranking.of(["q", "none", "r"], [("q", "a", 2), ("q", "b", 1), ("r", "a", 0.5)])
    return Ranking(
        base.queries,
        base.query_ids,
        base.document_ids,
        base.scores,
        np.array([0, 3, 7]),
        np.array([2, 9, 7]),
        {"lexical": np.array([1.5, np.nan, 2], dtype=np.float32)},
    )


def test_a_cut_takes_spans_and_legs_along():
    cut = spans_and_legs().cut(1)
    assert cut.starts.tolist() == [0, 7]
    assert cut.ends.tolist() == [2, 7]
    assert cut.legs["lexical"].tolist() == [1.5, 2]
    assert cut.queries == ("q", "none", "r")


def test_queries_without_a_result_are_not_forgotten():
    ranking = Ranking.of(["a", "b"], [("b", "d", 1.0)])
    assert ranking.by_query() == {"a": [], "b": [("d", 1.0)]}


def test_rankings_are_equal_only_with_the_same_rows_to_the_last_bit():
    one = Ranking.of(["q"], [("q", "a", 0.1)])
    assert one == Ranking.of(["q"], [("q", "a", 0.1)])
    assert one != Ranking.of(["q"], [("q", "a", np.nextafter(np.float32(0.1), 1))])
    assert one != Ranking.of(["q", "r"], [("q", "a", 0.1)])
    assert one != Ranking.of(["q"], [("q", "b", 0.1)])
    assert one != "q"


def test_rankings_of_other_spans_are_not_equal():
    one, other = spans_and_legs(), spans_and_legs()
    assert one == other
    other.starts[0] = 1
    assert one != other
    plain = Ranking(one.queries, one.query_ids, one.document_ids, one.scores)
    assert one != plain


@given(rankings())
def test_a_trec_run_file_reads_back_as_it_was_written(tmp_path_factory, ranking):
    path = tmp_path_factory.mktemp("run") / "run.txt"
    ranking.write_trec(path)
    read = Ranking.read_trec(path)
    held = tuple(q for q in ranking.queries if ranking.by_query()[q])
    # the format has no line for a query without results
    assert read.queries == held
    assert list(read.rows()) == list(ranking.rows())
    assert read.scores.tobytes() == ranking.scores.tobytes()


def test_a_trec_run_file_is_written_as_the_format_says(tmp_path):
    Ranking.of(["q"], [("q", "b", 0.5), ("q", "a", 2)]).write_trec(tmp_path / "run", "tag")
    assert (tmp_path / "run").read_text() == "q Q0 a 1 2.0 tag\nq Q0 b 2 0.5 tag\n"


@pytest.mark.parametrize("name", ["a b", "a\u2028b", "\u3000", ""])
def test_an_id_that_a_trec_run_file_cannot_hold_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="which a TREC run file cannot"):
        Ranking.of([name], [(name, "d", 1.0)]).write_trec(tmp_path / "run")


@pytest.mark.parametrize(
    "line", ["q Q0 d 1", "q Q0 d 1 high tag", "q", "q Q0 d 1 nan tag", "q Q0 a 1 7 tag"]
)
def test_a_broken_line_of_a_run_file_is_named(tmp_path, line):
    (tmp_path / "run").write_text(f"q Q0 a 1 2.0 tag\n\n{line}\n")
    with pytest.raises(InputError, match=r"run, line 3") as caught:
        Ranking.read_trec(tmp_path / "run")
    assert caught.value.remedy


def test_a_run_file_that_is_not_utf8_is_named(tmp_path):
    (tmp_path / "run").write_bytes("q Q0 dé 1 2.0 tag\n".encode("latin-1"))
    with pytest.raises(InputError, match="run"):
        Ranking.read_trec(tmp_path / "run")


@given(rankings())
def test_an_arrow_table_reads_back_as_it_was_made(ranking):
    assert Ranking.from_arrow(ranking.to_arrow()) == ranking


def test_spans_and_legs_survive_arrow_and_parquet(tmp_path):
    import pyarrow.parquet

    ranking = spans_and_legs()
    pyarrow.parquet.write_table(ranking.to_arrow(), tmp_path / "r.parquet")
    for table in (ranking.to_arrow(), pyarrow.parquet.read_table(tmp_path / "r.parquet")):
        read = Ranking.from_arrow(table)
        assert read == ranking
        same_columns(read, ranking)
    assert ranking.to_arrow()["rank"].to_pylist() == [1, 2, 1]


def test_an_arrow_table_without_our_mark_names_the_queries_that_have_rows():
    table = spans_and_legs().to_arrow().replace_schema_metadata(None)
    assert Ranking.from_arrow(table).queries == ("q", "r")


def test_ir_measures_sees_our_order_under_ties():
    import ir_measures

    # trec_eval would put b before a; the judged document is the one that we rank first
    ranking = Ranking.of(["q"], [("q", "b", 1.0), ("q", "a", 1.0), ("q", "c", 1.0)])
    qrels = [ir_measures.Qrel("q", "a", 1)]
    found = ir_measures.calc_aggregate([ir_measures.RR], qrels, ranking.to_ir_measures())
    assert found[ir_measures.RR] == 1.0


@given(rankings())
def test_what_ir_measures_gets_falls_strictly_in_our_order(ranking):
    rows = ranking.to_ir_measures()
    assert [(r.query_id, r.doc_id) for r in rows] == [(q, d) for q, d, _ in ranking.rows()]
    for one, next_ in itertools.pairwise(rows):
        assert one.query_id != next_.query_id or one.score > next_.score
