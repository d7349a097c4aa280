import pytest

from everygrain.read.latex import characters


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (r"G{\"o}del", "Gödel"),
        (r"G\"odel and M\"{u}ller", "Gödel and Müller"),
        (r"\'{\i}, \'\i, {\'E}t{\'e}", "í, í, Été"),
        (r"Erd\H{o}s, {\v{C}}ech, Fran\c cois, \c{c}", "Erdős, Čech, François, ç"),
        (r"{\O}re, P{\aa}l, Stra{\ss}e, \L ukasz", "Øre, Pål, Straße, Łukasz"),
        (r"{BERT}: a {B}ig \& 50\% \{set\}", "BERT: a Big & 50% {set}"),
        (r"on $x_{1} \leq \hat{y}$ {A}", r"on $x_{1} \leq \hat{y}$ A"),
        (r"\leq \url \alpha \vec", r"\leq \url \alpha \vec"),
        (r"\S~5: 3\,mm, 4\ cm \ldots{} \textendash{} \copyright", "§ 5: 3 mm, 4 cm … – ©"),
        (r"\LaTeX{} and \TeX", "LaTeX and TeX"),
        ("plain", "plain"),
    ],
)
def test_accents_letters_and_braces_become_characters(value, meant):
    assert characters(value) == meant


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (r"\emph{Mills} and \textbf{Boon}", "Mills and Boon"),
        (r"{\em Mills} {\bf and} {\small\it Boon}", "Mills and Boon"),
        (r"\textit{a \textbf{{b} \texttt{c_d}} e}", "a b c_d e"),
        (
            r"\underline{x}, \textsc{Gcd}, 2\textsuperscript{nd}, \mbox{no break}",
            "x, Gcd, 2nd, no break",
        ),
        (r"so it is\footnote{As \emph{Hume} says.}.", "so it is (As Hume says.)."),
        (r"\enquote{Why?} and ``why'' and it's 5''", "“Why?” and “why” and it's 5”"),
        (r"it's 5'' wide", "it's 5'' wide"),
        (r"\emph {set off} \emph*{x}", "set off x"),
    ],
)
def test_commands_of_text_leave_their_text(value, meant):
    assert characters(value) == meant


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (r"\url{http://a.b/~c_d--e%20f\#g}", "http://a.b/~c_d--e%20f#g"),
        (r"at http://a.b/~c\_d--e, p.~5", "at http://a.b/~c_d--e, p. 5"),
        (r"\href{http://a.b/\%20}{the {Site}} \href{http://a.b}", "the Site http://a.b"),
        (r"www.a.b/~me", "www.a.b/~me"),
    ],
)
def test_addresses_stay_as_they_are_written(value, meant):
    assert characters(value) == meant


def test_ties_and_dashes_are_what_is_printed():
    assert characters("Donald~E. Knuth, pp. 1--10---or so") == "Donald E. Knuth, pp. 1–10—or so"
    assert characters("well-known, a - b") == "well-known, a - b"


@pytest.mark.parametrize(
    "maths",
    [r"$x_{1}^2 -- \emph{y}~\'e$", r"$$\frac{a}{b}$$", r"\(x^{2}\)", r"\[\sum_{i} i\]"],
)
def test_maths_is_kept_as_it_is_also_within_a_command(maths):
    assert characters(rf"\emph{{on {maths} and {{B}}}}") == f"on {maths} and B"


def test_a_formula_that_is_made_sure_is_maths():
    assert characters(r"\ensuremath{x^2_\alpha}") == r"$x^2_\alpha$"


@pytest.mark.parametrize("value", [r"\cite{mills} \frac{a}{b}", r"\leq \emph \alpha", r"\x*{y}"])
def test_a_command_that_is_not_of_text_stays_whole(value):
    assert characters(value) == value


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (r"\emph{open {still", "open still"),
        ("} a } b {", " a  b "),
        (r"\emph", r"\emph"),
        ("\\", "\\"),
        ("{" * 100_000 + "x", "x"),
        (r"\emph{" * 20_000, ""),
        ("\ufdd2 {x}", "\ufdd2 {x}"),
    ],
)
def test_braces_without_a_partner_lose_no_text(value, meant):
    assert characters(value) == meant
