"""LaTeX of abstracts: shown where it is known, as it was written where it is not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from everygrain_papers.latex import html, plain
from everygrain_papers.web.layers import Mark, marked

ALLOWED = re.compile(r'</?(?:i|b|em|sub|sup|code|span)>|<span class="math">')


@pytest.mark.parametrize(
    ("source", "letters"),
    [
        (r"$\alpha_i \leq 2$", "α<sub>i</sub>\u202f≤\u202f2"),
        (r"$O(n^{2})$", "O(n<sup>2</sup>)"),
        (r"$x^10$", "x<sup>1</sup>0"),
        (r"$\frac{a+b}{2}$", "(a\u202f+\u202fb)/2"),
        (r"$\sqrt{n}$", "√n"),
        (r"$\mathbb{R}^d$", "ℝ<sup>d</sup>"),
        (r"$\mathcal{L}_{\text{CE}}$", "ℒ<sub>CE</sub>"),
        (r"\(\hat{\theta}\)", "θ\u0302"),
        (r"\[\sum_i x_i\]", "∑<sub>i</sub>x<sub>i</sub>"),
        (r"$\Lambda$", "Λ"),
    ],
)
def test_a_formula_is_set_in_letters_and_scripts(source: str, letters: str) -> None:
    shown = re.sub(r"</?i>", "", str(html(source)))
    assert shown == f'<span class="math">{letters}</span>'


@pytest.mark.parametrize(
    "source",
    [r"$\unheardof{x}$", r"$\frac{1$", r"$x}$", r"$\mathrm{a_b}$", "$" + "{" * 30 + "}" * 30 + "$"],
)
def test_what_is_not_known_stays_as_it_was_written(source: str) -> None:
    assert Markup(html(source)).striptags() == source


@pytest.mark.parametrize("money", ["from $5 to $10", "$5-$10", "a $ sign", r"\$5 and \$6"])
def test_money_is_no_formula(money: str) -> None:
    assert "math" not in html(money)


def test_text_commands_quotes_and_citations_read_as_text() -> None:
    assert str(html(r"\emph{New}: 10\% of ``it'' \cite{a} at Fig.~2")) == (
        "<em>New</em>: 10% of “it” at Fig.\u00a02"
    )
    assert plain(r"An $\alpha$ of \textbf{X}") == "An α of X"


@pytest.mark.parametrize(
    ("source", "letters"),
    [
        (r"$O(n^{2})$", "O(n²)"),
        (r"$x_{i+1} \leq x_n$", "xᵢ₊₁ ≤ xₙ"),
        (r"$\mathbb{R}^d$", "ℝ^d"),
        (r"$\mathcal{L}_{\text{CE}}$", "ℒ_CE"),
        (r"$e^{-a/b}$", "e^(−a/b)"),
        (r"$2^{n^2}$", "2^(n²)"),
        (r"$A^\top x^* = b'$", "Aᵀx* = b′"),
        (r"$90^\circ$", "90°"),
        (r"$x^{a<b}$ & <sup>2</sup>", "x^(a<b) & <sup>2</sup>"),
        ("<sup>2</sup> \\% &amp; &lt;", "<sup>2</sup> % &amp; &lt;"),
    ],
)
def test_scripts_are_letters_where_no_markup_can_stand(source: str, letters: str) -> None:
    assert plain(source) == letters


def test_an_address_keeps_its_own_signs() -> None:
    assert "https://a.example/~b--c" in html("See https://a.example/~b--c for more.")


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "$<img src=x onerror=alert(1)>$",
        r"\emph{<script>alert(1)</script>}",
        r"$\text{<b onclick=x>}$",
        r"\url{javascript:alert(1)\"onclick=}",
        r"$x^{</span><script>}$",
        "&lt;script&gt;",
    ],
)
def test_no_markup_of_a_text_comes_through(attack: str) -> None:
    shown = str(html(attack))
    assert not re.search(
        r"[<>\"]", ALLOWED.sub("", shown).replace('"', '"' if '"' in shown else "")
    )


pieces = st.lists(
    st.sampled_from(
        ["$", "$$", "\\(", "\\)", "\\frac", "{", "}", "^", "_", "\\alpha", "a", "1", " ", "<i>",
         "\\emph{", "&", '"', "\\", "~", "--", "\n", "\\left(", "\\text", "'"]
    ),
    max_size=30,
).map("".join)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.one_of(pieces, st.text(max_size=60)))
def test_whatever_is_written_only_known_tags_come_out_and_they_nest(source: str) -> None:
    shown = str(html(source))
    opened: list[str] = []
    for tag in ALLOWED.findall(shown):
        name = re.sub(r"[</>]| class=.*", "", tag)
        if tag.startswith("</"):
            assert opened.pop() == name
        else:
            opened.append(name)
    assert opened == []
    assert not re.search(r"[<>]", ALLOWED.sub("", shown))


def mark(start: int, end: int, tag: str) -> Mark:
    return Mark(start, end, Markup(f"<{tag}>"), Markup(f"</{tag}>"))


def test_marks_nest_and_are_cut_where_an_outer_one_ends() -> None:
    text = "one two three"
    got = marked(text, [[mark(0, 7, "p"), mark(8, 13, "p")], [mark(4, 13, "mark")]])
    assert got == "<p>one <mark>two</mark></p><mark> </mark><p><mark>three</mark></p>"


def test_a_mark_never_cuts_a_formula() -> None:
    got = marked("so $x^2$ is", [[mark(0, 5, "p"), mark(5, 11, "p")]])
    assert got == '<p>so <span class="math"><i>x</i><sup>2</sup></span></p><p> is</p>'


marks = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda t: mark(min(t), max(t), "p")),
    max_size=6,
)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab <&", min_size=20, max_size=20), st.lists(marks, max_size=3))
def test_marks_change_no_letter_of_a_text_and_are_well_formed(
    text: str, layers: list[list[Mark]]
) -> None:
    got = str(marked(text, layers))
    depth = 0
    for tag in re.findall(r"</?p>", got):
        depth += -1 if tag == "</p>" else 1
        assert 0 <= depth <= len(layers)
    assert depth == 0
    assert Markup(re.sub(r"</?p>", "", got)).unescape() == text


def test_a_text_of_signs_alone_is_read_in_the_time_of_its_length() -> None:
    for sign in ("$", "\\(", "$a", "\\emph{", "~", "{"):
        assert html(sign * 20_000)
