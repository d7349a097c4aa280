import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain import BM25, fuse
from everygrain.errors import EverygrainError, MeasureError
from everygrain.measure.compose import CutAt, FuseOf, LegNamed, parse
from everygrain.rank.fuse import ReciprocalRank, Weighted

from .comparing import Fixed


def leg(name, bm25):
    return Fixed(name if bm25 is None else f"{name}({bm25.k1:g}/{bm25.b:g})", {})


@pytest.mark.parametrize(
    ("text", "printed", "built"),
    [
        ("lexical", "lexical", "lexical"),
        (" ( hybrid ) ", "hybrid", "hybrid"),
        ("lexical( b = .4, k1=0.90 )", "lexical(k1=0.9, b=0.4)", "lexical(0.9/0.4)"),
        ("lexical(k1=2)", "lexical(k1=2)", f"lexical(2/{BM25().b:g})"),
        ("hybrid%50", "hybrid % 50", "hybrid % 50"),
        ("hybrid % 50 % 7", "hybrid % 50 % 7", "(hybrid % 50) % 7"),
        ("fuse(lexical,dense)", "fuse(lexical, dense)", "fuse(lexical, dense)"),
        (
            "fuse(lexical % 5, fuse(dense, hybrid)) % 9",
            "fuse(lexical % 5, fuse(dense, hybrid)) % 9",
            "(fuse(lexical % 5, fuse(dense, hybrid))) % 9",
        ),
        (
            "fuse(lexical, dense, weights=(.7, 0.3))",
            "fuse(lexical, dense, weights=(0.7, 0.3))",
            "fuse(lexical, dense, method=Weighted(weights=(0.7, 0.3)))",
        ),
        (
            "fuse(lexical, dense, constant=20)",
            "fuse(lexical, dense, constant=20)",
            "fuse(lexical, dense, method=ReciprocalRank(constant=20.0))",
        ),
    ],
)
def test_a_composition_prints_in_one_way_and_builds_what_it_says(text, printed, built):
    found = parse(text)
    assert str(found) == printed
    assert repr(found.build(leg)) == built
    assert parse(printed) == found


def test_what_is_built_is_the_composition_written_in_python():
    built = parse("fuse(lexical, dense) % 5").build(leg)
    assert built == fuse(Fixed("lexical", {}), Fixed("dense", {})) % 5


def test_legs_are_all_that_are_named():
    assert parse("fuse(lexical, fuse(dense, lexical) % 5)").legs() == {"lexical", "dense"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("lexcal", "there is no system 'lexcal'; perhaps 'lexical' is meant"),
        ("Hybird", "there is no system 'Hybird'; perhaps 'hybrid' is meant"),
        ("zzz", "there is no system 'zzz'\\. Write it as in lexical"),
        ("", "it ends where a system should stand"),
        ("fuse(lexical, dense", "it ends where ',' should, at character 20"),
        ("lexical dense", "'dense' is too much"),
        ("lexical; import os", "';' has no meaning, at character 8"),
        ("__import__('os')", "has no meaning, at character 12"),
        ("dense(k1=1)", "'dense' takes no settings"),
        ("lexical(k2=1)", "'k2' is no setting of lexical.*k1, b, title, text"),
        ("lexical(k1=1, k1=2)", "'k1' is given twice"),
        ("lexical(b=2)", "out of range"),
        ("lexical(k1=-1)", "'-' has no meaning"),
        ("lexical(k1=x)", "no number stands at character 12"),
        ("lexical()", "is no setting"),
        ("hybrid % 0", "'% 0' cuts at no number"),
        ("hybrid % 1.5", "'% 1.5' cuts at no number"),
        ("fuse(lexical)", "there is nothing to fuse"),
        ("fuse(lexical, dense, weights=(1, 2, 3))", "3 weights for 2 systems"),
        ("lexical >> cross", "rerankers cannot be named.*Python"),
        ("(" * 900, "nested deeper than 20"),
        ("lexical" * 200, "longer than 1,000 characters"),
    ],
)
def test_what_the_grammar_lacks_is_an_error_that_names_the_place_or_the_nearest(text, told):
    with pytest.raises(MeasureError, match=f"(?s)The system .*{told}"):
        parse(text)


@given(st.text(alphabet="lexicadnshybrfu(),=%> .0159k\n é", max_size=40))
def test_any_text_is_a_composition_or_a_clear_error(text):
    try:
        found = parse(text)
    except EverygrainError:
        return
    assert parse(str(found)) == found


numbers = st.floats(0, 1, allow_subnormal=False).map(lambda x: round(x, 6))
compositions = st.recursive(
    st.sampled_from([LegNamed("lexical"), LegNamed("dense")])
    | numbers.map(lambda b: LegNamed("lexical", (("k1", 1.0), ("b", b)))),
    lambda inner: (
        st.builds(CutAt, inner, st.integers(1, 5000))
        | st.builds(FuseOf, st.tuples(inner, inner), st.just(ReciprocalRank()))
        | st.builds(FuseOf, st.tuples(inner, inner), st.builds(ReciprocalRank, numbers))
        | st.builds(
            FuseOf, st.tuples(inner, inner), st.builds(Weighted, st.tuples(numbers, numbers))
        )
    ),
    max_leaves=5,
)


@given(compositions)
def test_what_is_printed_is_parsed_again(composition):
    assert parse(str(composition)) == composition
