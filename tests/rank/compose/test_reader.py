from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain import BM25, fuse
from everygrain.errors import EverygrainError
from everygrain.rank.base import Composable
from everygrain.rank.compose import CompositionError, forms, parse
from everygrain.rank.compose.forms import Form
from everygrain.rank.compose.parts import Around, CutAt, FuseOf, LegNamed, Then
from everygrain.rank.fuse import MinMax, ReciprocalRank, Sum, Weighted, ZScore


@dataclass(frozen=True, eq=False)
class Shown(Composable):
    """A part that only prints itself."""

    name: str

    def __repr__(self) -> str:
        return self.name


class Showing:
    """Makes parts that only print themselves."""

    def leg(self, name, bm25):
        return Shown(name if bm25 is None else f"{name}({bm25.k1:g}/{bm25.b:g})")

    def stage(self, name, settings):
        return Shown(f"{name}{settings or ''}")

    def around(self, name, retriever, settings):
        return Shown(f"{name}[{retriever!r}{settings or ''}]")


@pytest.fixture(autouse=True)
def known(monkeypatch):
    stages: Mapping[str, Form] = {
        "late": Form("late interaction", {"share": float, "exact": bool}),
        "hub": Form("hubness", of_dense=True),
        "cross": Form("a cross-encoder", {"model": str, "depth": int}, ("model",)),
    }
    monkeypatch.setattr("everygrain.rank.compose.reader.STAGES", stages)
    around = {"rm3": Form("feedback", {"documents": int, "weight": float})}
    monkeypatch.setattr("everygrain.rank.compose.reader.AROUND", around)


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
            "fuse(lexical % 5, fuse(dense, hybrid)) % 9",
        ),
        (
            "fuse(lexical, dense, weights=(.7, 0.3))",
            "fuse(lexical, dense, weights=(0.7, 0.3))",
            "fuse(lexical, dense, method=Weighted(weights=(0.7, 0.3)))",
        ),
        (
            "fuse(lexical, dense, weights=(1, 2), method=min_max)",
            "fuse(lexical, dense, method=min_max, weights=(1, 2))",
            "fuse(lexical, dense, method=MinMax(weights=(1.0, 2.0)))",
        ),
        (
            "fuse(lexical, dense, method=z_score)",
            "fuse(lexical, dense, method=z_score)",
            "fuse(lexical, dense, method=ZScore())",
        ),
        (
            "fuse(lexical, dense, constant=20)",
            "fuse(lexical, dense, constant=20)",
            "fuse(lexical, dense, method=ReciprocalRank(constant=20.0))",
        ),
        (
            "fuse(lexical,dense)%100>>late%20",
            "fuse(lexical, dense) % 100 >> late % 20",
            "(fuse(lexical, dense) % 100 >> late) % 20",
        ),
        (
            'hybrid >> late(exact=true, share=.5) >> cross(model="a b")',
            "hybrid >> late(share=0.5, exact=true) >> cross(model='a b')",
            "hybrid >> late{'share': 0.5, 'exact': True} >> cross{'model': 'a b'}",
        ),
        (
            "dense >> cross(model=small)",
            "dense >> cross(model='small')",
            "dense >> cross{'model': 'small'}",
        ),
        (
            "rm3(lexical % 9, documents=5)",
            "rm3(lexical % 9, documents=5)",
            "rm3[lexical % 9{'documents': 5}]",
        ),
        (
            "fuse(rm3(lexical), dense >> late)",
            "fuse(rm3(lexical), dense >> late)",
            "fuse(rm3[lexical], dense >> late)",
        ),
    ],
)
def test_a_composition_prints_in_one_way_and_builds_what_it_says(text, printed, built):
    found = parse(text)
    assert str(found) == printed
    assert repr(found.build(Showing())) == built
    assert parse(printed) == found


def test_what_is_built_is_the_composition_written_in_python():
    built = parse("fuse(lexical, dense) % 5").build(Showing())
    assert built == fuse(Shown("lexical"), Shown("dense")) % 5


def test_legs_are_all_that_are_named():
    assert parse("fuse(lexical, fuse(dense, lexical) % 5)").legs() == {"lexical", "dense"}


@pytest.mark.parametrize(
    ("text", "character", "told"),
    [
        ("lexcal", 1, "there is no system 'lexcal'; perhaps 'lexical' is meant"),
        ("Hybird", 1, "there is no system 'Hybird'; perhaps 'hybrid' is meant"),
        ("zzz", 1, "there is no system 'zzz'\\. Write it as in lexical"),
        ("", 1, "it ends where a system should stand"),
        ("fuse(lexical, dense", 20, "it ends where ',' should"),
        ("lexical dense", 9, "'dense' is too much"),
        ("lexical; import os", 8, "';' has no meaning"),
        ("__import__('os')", 1, "there is no system '__import__'"),
        ("dense(k1=1)", 7, "'dense' takes no settings"),
        ("lexical(k2=1)", 9, "'k2' is no setting of lexical.*k1, b, title, text"),
        ("lexical(k1=1, k1=2)", 15, "'k1' is given twice"),
        ("lexical(b=2)", 8, "out of range"),
        ("lexical(k1=-1)", 12, "'-' has no meaning"),
        ("lexical(k1=x)", 12, "no number stands here"),
        ("lexical()", 9, "nothing stands in the parentheses.*Write lexical, or lexical\\(k1="),
        ("hybrid >> late()", 16, "nothing stands in the parentheses.*late, or late\\(share="),
        ("hybrid >> cross()", 17, "nothing stands in the parentheses.*Write cross\\(model="),
        ("fuse()", 5, "there is nothing to fuse"),
        ("fuse(lexical,)", 14, "'\\)' stands where a system should"),
        ("rm3()", 5, "'\\)' stands where a system should"),
        ("rm3(lexical,)", 13, "'\\)' stands where a setting should"),
        ("hybrid % 0", 10, "'% 0' cuts at no number"),
        ("hybrid % 1.5", 10, "'% 1.5' cuts at no number"),
        ("fuse(lexical)", 5, "there is nothing to fuse"),
        ("fuse(lexical, dense, weights=(1, 2, 3))", 5, "3 weights for 2 systems"),
        ("fuse(lexical, dense, method=max)", 29, "no method of fusing 'max'.*'min_max'"),
        ("fuse(lexical, dense, constant=2, weights=(1, 1))", 5, "a constant is for reciprocal"),
        ("hybrid % 5 >> hub", 15, "'hub' reads scores of the dense leg.*dense % 100 >> hub"),
        ("dense >> late >> hub", 18, "'hub' reads scores of the dense leg"),
        ("fuse(lexical, dense, weights=(0, 0))", 5, "weights of zero alone"),
        ("fuse(lexical, dense, constant=1, constant=2)", 34, "'constant' is given twice"),
        ("fuse(lexical, dense, weights=(1, 2) method=sum)", 37, "'method' stands where ','"),
        ("hybrid >> lat", 11, "there is no stage 'lat'; perhaps 'late' is meant"),
        ("hybrid >>", 10, "it ends where a stage should stand"),
        ("fuse(cross, dense)", 6, "'cross' reranks.*Write it behind one: hybrid >> cross"),
        ("hybrid >> late(exact=1)", 22, "'exact' is either true or false"),
        ("hybrid >> late(share=true)", 22, "no number stands here"),
        ("hybrid >> late(depth=3)", 16, "'depth' is no setting of late.*share, exact"),
        ("hybrid >> cross(model=)", 23, "no text stands after 'model='"),
        ("hybrid >> cross(model='x)", 23, "the quotation mark has no partner"),
        ("hybrid >> cross % 5", 11, "'cross' needs model. Write cross\\(model="),
        ("hybrid >> cross(depth=2.5, model=m)", 23, "'depth' is a whole number"),
        ("rm3(lexical, 5)", 14, "'5' is no setting of rm3"),
        ("(" * 900, 22, "nested deeper than 20"),
        ("lexical" * 200, 1001, "longer than 1,000 characters"),
    ],
)
def test_what_the_grammar_lacks_is_an_error_that_points_at_the_character(text, character, told):
    with pytest.raises(CompositionError, match=f"(?s)at character {character}: .*{told}") as caught:
        parse(text)
    assert caught.value.at == character - 1


def test_an_error_shows_the_place_below_a_window_of_the_text():
    with pytest.raises(CompositionError) as caught:
        parse("fuse(lexical, dnse)")
    assert caught.value.pointer() == "fuse(lexical, dnse)\n              ^"
    long = "fuse(" + "lexical, " * 50 + "dnse)"
    with pytest.raises(CompositionError) as caught:
        parse(long)
    shown, mark = caught.value.pointer().split("\n")
    assert len(shown) <= 76
    assert shown[mark.index("^") :].startswith("dnse")


def test_a_defined_name_stands_for_its_composition():
    defined = {"both": "fuse(lexical, dense)", "best": "both % 100 >> late"}
    assert parse("best % 5", defined) == parse("fuse(lexical, dense) % 100 >> late % 5")


def test_a_system_that_is_made_of_itself_is_an_error_that_shows_the_circle():
    defined = {"a": "fuse(b, lexical)", "b": "c % 9", "c": "dense % 2 >> late", "d": "d"}
    assert parse("a", defined).legs() == {"dense", "lexical"}
    defined["c"] = "a >> late"
    with pytest.raises(CompositionError, match="made of itself: b -> c -> a -> b"):
        parse("b", defined)
    with pytest.raises(CompositionError, match="made of itself: d -> d"):
        parse("hybrid % 5 >> late % 7", defined) and parse("d", defined)


def test_names_that_stand_for_names_without_end_are_errors_at_once():
    deep = {f"a{i}": f"a{i + 1}" for i in range(600)} | {"a600": "dense"}
    with pytest.raises(CompositionError, match="more than 20 deep"):
        parse("a0", deep)
    wide = {f"b{i}": f"fuse(b{i + 1}, b{i + 1})" for i in range(15)} | {"b15": "dense"}
    with pytest.raises(CompositionError, match="more than 500 parts"):
        parse("b0", wide)


def test_the_names_of_legs_stages_and_what_stands_around_never_clash():
    around, stages = set(forms.AROUND), set(forms.STAGES)
    assert not around & stages
    assert not around & {"fuse", "lexical", "dense", "hybrid", "rrf"}
    for form in [*forms.AROUND.values(), *forms.STAGES.values()]:
        assert set(form.settings.values()) <= {float, int, str, bool}
        assert set(form.needed) <= set(form.settings)


@given(st.text(alphabet="lexicadnshybrfu(),=%> .0159k'\n é", max_size=40))
def test_any_text_is_a_composition_or_a_clear_error(text):
    try:
        found = parse(text)
    except EverygrainError:
        return
    assert parse(str(found)) == found


numbers = st.floats(0, 1, allow_subnormal=False).map(lambda x: round(x, 6))
two = st.tuples(numbers, numbers).filter(any)
texts = st.text("ab /.-'", max_size=9)
compositions = st.recursive(
    st.sampled_from([LegNamed("lexical"), LegNamed("dense")])
    | numbers.map(lambda b: LegNamed("lexical", (("k1", 1.0), ("b", b)))),
    lambda inner: (
        st.builds(CutAt, inner, st.integers(1, 5000))
        | st.builds(FuseOf, st.tuples(inner, inner), st.just(ReciprocalRank()))
        | st.builds(Then, inner, st.just("late"), st.just(()))
        | st.builds(Then, inner, st.just("cross"), texts.map(lambda t: (("model", t),)))
        | st.builds(Around, st.just("rm3"), inner, numbers.map(lambda n: (("weight", n),)))
        | st.builds(FuseOf, st.tuples(inner, inner), st.builds(ReciprocalRank, numbers))
        | st.builds(FuseOf, st.tuples(inner, inner), st.builds(Weighted, two))
        | st.builds(
            FuseOf,
            st.tuples(inner, inner),
            st.one_of(st.builds(kind, st.just(()) | two) for kind in (MinMax, ZScore, Sum)),
        )
    ),
    max_leaves=5,
)


@given(compositions)
def test_what_is_printed_is_parsed_again(composition):
    assert parse(str(composition)) == composition
