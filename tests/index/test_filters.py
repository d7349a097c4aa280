"""Filters are read, printed, compiled to SQL and evaluated, and all four agree."""

import json
import sqlite3
import string

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from everygrain.document import Document
from everygrain.errors import QueryError
from everygrain.index.conditions import And, Comparison, Exists, Field, Not, Or
from everygrain.index.filters import DEEPEST, MOST_COMPARISONS, parse


def found_by_sql(condition, documents, ascii_only=True):
    """Ask a real database: the ids that the condition's clause finds."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE documents (number INTEGER PRIMARY KEY, id TEXT, metadata TEXT)")
    database.execute("CREATE TABLE texts (number INTEGER PRIMARY KEY, title TEXT, text TEXT)")
    for number, each in enumerate(documents):
        stored = json.dumps(each.metadata, ensure_ascii=ascii_only)
        database.execute("INSERT INTO documents VALUES (?, ?, ?)", (number, each.id, stored))
        database.execute("INSERT INTO texts VALUES (?, ?, ?)", (number, each.title, each.text))
    clause, parameters = condition.sql()
    rows = database.execute(
        f"SELECT d.id FROM documents d JOIN texts t USING (number) WHERE {clause} ORDER BY number",
        parameters,
    ).fetchall()
    database.close()
    return [row[0] for row in rows]


def holds(expression, metadata, id="d1", title="A title"):
    """Tell whether an expression holds, after checking that SQL and Python agree."""
    condition = parse(expression)
    document = Document(id, "text", title, metadata)
    expected = [id] if condition.matches(document) else []
    for ascii_only in (True, False):
        assert found_by_sql(condition, [document], ascii_only) == expected
    assert parse(str(condition)) == condition
    return bool(expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("year = 2020", True),
        ("year == 2020.0", True),
        ("year != 2020", False),
        ("year > 2019 and year < 2021", True),
        ("year >= 2020 and year <= 2020", True),
        ("year > 2020", False),
        ('venue = "ACL"', True),
        ("venue = 'ACL'", True),
        ('venue < "B"', True),
        ('venue in ("EMNLP", "ACL")', True),
        ('venue not in ("EMNLP", "ACL")', False),
        ('keywords = "graph"', True),
        ('keywords != "graph"', False),
        ('keywords != "tree"', True),
        ('keywords in ("tree", "walk")', True),
        ('keywords NOT IN ("tree", "walk")', False),
        ('author.name = "Ada"', True),
        ('author.name.first = "Ada"', False),
        ('`publication year` = "1843"', True),
        ("exists doi", True),
        ("doi = null", True),
        ("doi != null", False),
        ("year != null", True),
        ("exists isbn", False),
        ('id = "d1" AND title > "A"', True),
        ('`id` = "other"', True),
        ("open = true", True),
        ("open = 1", False),
        ("open != 1", True),
        ("number = true", False),
        ("not (year = 2020 or year = 2021)", False),
        ("year = 1 or year = 2020 and open = false", False),
        ("(year = 1 or year = 2020) and open = true", True),
        ("`a.b` = -1.5e3", True),
    ],
)
def test_an_expression_means_what_it_says(expression, expected):
    metadata = {
        "year": 2020,
        "venue": "ACL",
        "keywords": ["graph", "walk"],
        "author": {"name": "Ada"},
        "publication year": "1843",
        "doi": None,
        "id": "other",
        "open": True,
        "number": 1,
        "a.b": -1500,
    }
    assert holds(expression, metadata) is expected


@pytest.mark.parametrize(
    "expression",
    ["year = 1", "year != 1", "year < 1", "year >= 1", "year in (1, 2)", "year not in (1, 2)"],
)
def test_a_missing_field_makes_a_comparison_false_and_its_negation_true(expression):
    assert not holds(expression, {})
    assert holds(f"not {expression}", {})
    assert not holds(f"a.{expression}", {"a": "year"})


@pytest.mark.parametrize("operator", ["=", "<", "<=", ">", ">="])
def test_a_number_and_a_text_are_never_equal_and_have_no_order(operator):
    assert not holds(f'year {operator} "2020"', {"year": 2020})
    assert not holds(f"year {operator} 2020", {"year": "2020"})
    assert not holds(f"id {operator} 1", {}, id="1")
    assert not holds(f"year {operator} 0", {"year": False})


@pytest.mark.parametrize("number", [2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**300])
def test_integers_beyond_64_bits_are_compared(number):
    assert holds(f"n = {number}", {"n": number})
    assert holds(f"n in (1, {number})", {"n": [number]})
    assert holds(f"n < {number}", {"n": -(10**400)})
    assert holds(f"n > {number}", {"n": 10**400})


def test_large_numbers_within_64_bits_are_compared_exactly():
    assert not holds(f"n = {2**53}", {"n": 2**53 + 1})
    assert not holds(f"n = {2**53}.0", {"n": 2**53 + 1})
    assert holds(f"n > {2**53}.0", {"n": 2**53 + 1})


@pytest.mark.parametrize(
    "name", ["naïve", 'a"b', "a\\b", "a`b", "", "$", "a.b[0]", "x\ty", "😀", "é'"]
)
def test_a_field_of_any_name_is_found(name):
    assert holds(f"{Field((name,))} = 1", {name: 1})
    assert holds(f"{Field(('in', name))} = 1", {"in": {name: 1}})


def test_text_in_an_expression_is_never_part_of_the_sql():
    attack = "x'; DROP TABLE documents; --"
    condition = parse(f'`{attack}` = "{attack}" or `{attack}`.`{attack}` in (\'a\', "{attack}")')
    clause, parameters = condition.sql()
    assert "DROP" not in clause
    assert any("DROP" in str(parameter) for parameter in parameters)
    assert holds(str(condition), {attack: attack})
    assert holds('title = "%\\" OR 1=1 --"', {}, title='%" OR 1=1 --')


@pytest.mark.parametrize(
    ("expression", "position", "expected"),
    [
        ("", 1, "expected a field's name, found the end"),
        ("year", 5, "expected =, !=, <, <=, >, >=, `in` or `not in`, found the end"),
        ("year = ", 8, "expected a value, found the end"),
        ("venue = ACL", 9, 'expected a value, found "ACL"'),
        ("2020 = year", 1, 'expected a field\'s name, found "2020"'),
        ("year = 2020 venue", 13, "expected `and`, `or` or the end"),
        ("(year = 2020", 13, "expected `)`, `and` or `or`, found the end"),
        ("year in 2020", 9, "expected `(`"),
        ("year in ()", 10, "expected a value"),
        ("year in (1 2)", 12, "expected `,` or `)`"),
        ("year not 3", 10, "expected `in`"),
        ("venue = 'ACL", 9, "the ' has no end"),
        ('venue = "a\\qb"', 11, "the escape '\\\\q' means nothing"),
        ('venue = "\\ud800"', 9, "NUL and lone surrogates"),
        ('venue = "\\u0000"', 9, "NUL and lone surrogates"),
        ("year = 2020; DROP TABLE documents", 12, "';' means nothing here"),
        ("publication-year = 1", 12, "'-' means nothing here"),
        ("year = 12ab", 8, "expected a number"),
        ("year = 1e999", 8, "the number is larger"),
        ("year = " + "9" * 5000, 8, "the number is larger"),
        ("year < null", 8, "null has no order"),
        ("title.x = 1", 1, "is the document's own"),
        ("a.b.c.d.e.f.g.h.i.j.k = 1", 1, "the path has more than 10 names"),
    ],
)
def test_an_error_names_the_position_and_what_was_expected(expression, position, expected):
    with pytest.raises(QueryError) as caught:
        parse(expression)
    assert f"at character {position}: " in caught.value.problem
    assert expected in caught.value.problem
    assert "year >= 2020 and" in caught.value.remedy


@pytest.mark.parametrize("opening", ["(", "not ", "not ("])
def test_deep_nesting_is_an_error_that_says_so(opening):
    with pytest.raises(QueryError, match="nested more than 20 deep"):
        parse(opening * 50_000 + "a = 1")


def nested(depth, siblings):
    """Write an expression with as many levels as told, and two equal sides in some of them."""
    if depth == 0:
        return "c.d not in (1, 2, 'x', 'y', true)"
    inner = nested(depth - 1, siblings // 2)
    word = "and" if depth % 2 else "or"
    return f"a = 1 {word} ({inner})" + (f" {word} ({inner})" if siblings else "")


@pytest.mark.parametrize(
    "expression",
    [
        nested(DEEPEST, 0),
        nested(DEEPEST, 4),
        "not (a = 1 and " * (DEEPEST // 2) + "c = 1" + ")" * (DEEPEST // 2),
        "b = 1 or not (a = 1 and " * (DEEPEST // 2) + "c = 1" + ")" * (DEEPEST // 2),
        "not " * DEEPEST + "c.d = 1",
    ],
)
def test_the_deepest_expression_allowed_is_one_that_the_database_accepts(expression):
    condition = parse(expression)
    clause, parameters = condition.sql()
    metadata = {"a": 1, "b": 2, "c": {"d": "x"}}
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE documents (id TEXT, metadata TEXT)")
    database.execute("INSERT INTO documents VALUES ('d1', ?)", (json.dumps(metadata),))
    wrapped = f"d.id IN (SELECT d.id FROM documents d WHERE d.id != '' AND (NOT ({clause})))"
    count = database.execute(f"SELECT count(*) FROM documents d WHERE {wrapped}", parameters)
    assert count.fetchone()[0] == (not condition.matches(Document("d1", "", "", metadata)))


@pytest.mark.parametrize("word", [" or ", " and "])
def test_as_many_comparisons_as_allowed_are_accepted_and_one_more_is_refused(word):
    expression = word.join(f"n != {i}" for i in range(MOST_COMPARISONS))
    assert holds(expression, {"n": -1})
    with pytest.raises(QueryError, match=r"more than 500 comparisons.*`field in"):
        parse(f"{expression}{word}n = 1")


def test_a_list_of_values_may_be_longer_than_sqlite_has_parameters():
    wanted = ", ".join(f'"d{i}"' for i in range(40_000))
    assert holds(f"id in ({wanted})", {}, id="d39999")
    assert holds(f"key in ({wanted})", {"key": "d7"})
    assert not holds(f"key in ({wanted})", {"key": 7})


def test_fields_are_those_of_the_metadata_and_can_be_asked_for():
    condition = parse('year = 1 and not (exists a.`b c` or id = "x") and `title` in (1, 2)')
    assert condition.fields() == {"year", "a.`b c`", "`title`"}
    assert all(parse(f"exists {name}").fields() == {name} for name in condition.fields())


def test_conditions_that_print_the_same_are_the_same():
    one, other = parse("YEAR=1 AND (a = 'x' and b=2)"), parse('YEAR = 1 and a == "x" and b = 2')
    assert one == other
    assert hash(one) == hash(other)
    assert str(one) == 'YEAR = 1 and a = "x" and b = 2'
    assert parse("a = 1") != parse("a = true")


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=4)
names = st.one_of(st.sampled_from(["a", "b", "id", "title", "not", 'q"\\`']), texts)
numbers = st.one_of(
    st.integers(-3, 3),
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.floats(-3, 3).map(lambda x: round(x, 3)),
    st.floats(allow_nan=False, allow_infinity=False),
)
scalars = st.one_of(texts, numbers, st.booleans(), st.none(), st.sampled_from(["x", "1", 1, 1.0]))
stored = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
documents = st.builds(
    Document,
    st.text(string.ascii_letters, min_size=1, max_size=2),
    st.just("text"),
    texts,
    st.dictionaries(names, stored, max_size=4),
)
fields = st.one_of(
    st.lists(names, min_size=1, max_size=3).map(lambda path: Field(tuple(path))),
    st.sampled_from([Field(("id",), own=True), Field(("title",), own=True)]),
)


def comparisons(field_of, value):
    ordered = value.filter(lambda v: v is not None and not isinstance(v, bool))
    several = st.lists(value, min_size=1, max_size=4).map(tuple)
    return st.one_of(
        st.builds(Exists, field_of),
        st.builds(Comparison, field_of, st.sampled_from(["=", "!="]), value.map(lambda v: (v,))),
        st.builds(
            Comparison,
            field_of,
            st.sampled_from(["<", "<=", ">", ">="]),
            ordered.map(lambda v: (v,)),
        ),
        st.builds(Comparison, field_of, st.sampled_from(["in", "not in"]), several),
    )


def combined(simple):
    several = lambda inner: st.lists(inner, min_size=2, max_size=3).map(tuple)  # noqa: E731
    return st.recursive(
        simple,
        lambda inner: (
            st.builds(Not, inner) | st.builds(And, several(inner)) | st.builds(Or, several(inner))
        ),
        max_leaves=5,
    )


@settings(max_examples=300, deadline=None)
@given(combined(comparisons(fields, scalars)))
def test_a_condition_is_read_back_from_what_it_prints(condition):
    assert parse(str(condition)) == condition
    assert parse(str(condition)).fields() == condition.fields()


def places(value, path=()):
    """Yield every path into the metadata with what stands there, lists opened."""
    for name, inner in value.items():
        yield (*path, name), inner
        if isinstance(inner, dict):
            yield from places(inner, (*path, name))


@settings(max_examples=200, deadline=None)
@given(
    st.data(), st.lists(documents, min_size=1, max_size=5, unique_by=lambda d: d.id), st.booleans()
)
def test_sql_and_python_find_the_same_documents(data, collection, ascii_only):
    there = [place for each in collection for place in places(each.metadata)]
    values = [v for _, inner in there for v in (inner if isinstance(inner, list) else [inner])]
    values = [v for v in values if v is None or isinstance(v, str | int | float)]
    # fields and values that occur, so that comparisons often hold
    field = fields if not there else fields | st.sampled_from([Field(path) for path, _ in there])
    value = scalars if not values else scalars | st.sampled_from(values)
    condition = data.draw(combined(comparisons(field, value)))
    expected = [each.id for each in collection if condition.matches(each)]
    assert found_by_sql(condition, collection, ascii_only) == expected


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab=<>!()'\"`\\., 019-eE\n;andornitx"), max_size=30) | st.text())
def test_any_text_is_an_expression_or_a_query_error(expression):
    try:
        condition = parse(expression)
    except QueryError:
        return
    assume(condition)
    assert found_by_sql(condition, [Document("a", "")]) in ([], ["a"])
