"""Identifiers, dates and markup are read as sources write them."""

import pytest

from everygrain_papers.sources.identifiers import arxiv_of, date_of, dated, doi_of, year_of
from everygrain_papers.sources.markup import accents, plain


@pytest.mark.parametrize(
    ("text", "doi"),
    [
        ("https://doi.org/10.1000/XYZ.1", "10.1000/xyz.1"),
        ("(see doi:10.1000/a(b)c).", "10.1000/a(b)c"),
        ("10.1002/(SICI)1097-4571(1998)", "10.1002/(sici)1097-4571(1998)"),
        ("no doi 10.1/x", ""),
        (None, ""),
        (3, ""),
    ],
)
def test_a_doi_is_found_in_a_text(text, doi):
    assert doi_of(text) == doi


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2101.00001v3", "2101.00001"),
        ("arXiv: hep-ph/0101001", "hep-ph/0101001"),
        ("http://arxiv.org/pdf/2101.12345v2.pdf", "2101.12345"),
        ("10.48550/arXiv.2101.00001", "2101.00001"),
        ("in 2101.00001 apples", ""),
        (None, ""),
    ],
)
def test_an_arxiv_id_is_found_without_its_version(text, number):
    assert arxiv_of(text) == number


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2020-01-02T03:04:05Z", "2020-01-02"),
        ("2020-1-2", "2020-01-02"),
        ("2020/03", "2020-03"),
        ("2020-02-31", "2020-02"),
        ("2020-13-01", None),
        ("2020", None),
        ("Mon, 2 Apr 2007 19:18:42 GMT", "2007-04-02"),
        ("2007 Apr 12", "2007-04-12"),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_a_date_is_read_as_far_as_it_is_one(text, date):
    assert date_of(text) == date


def test_years_and_parts_of_dates():
    assert year_of(None, "x", "2020-01-01", 1999) == 2020
    assert year_of("0033", "99999") is None
    assert dated(2020, None, None) is None
    assert dated("2020", "5", "x") is None


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("a < b and c > d", "a < b and c > d"),
        ("<p>One</p><p>two<br/>three</p>", "One two three"),
        ("H<sub>2</sub>O &amp; <b class='x'>b</b>", "H2O & b"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("<img src=x onerror=alert(1)>", ""),
        ("$\\alpha$ &lt;b&gt;", "$\\alpha$ <b>"),
        ("<jats:title>A</jats:title><jats:p>b<jats:italic>c</jats:italic></jats:p>", "A bc"),
        ("\x00\x07x\ud800", "x"),
    ],
)
def test_formatting_goes_and_all_else_is_text(markup, text):
    assert plain(markup) == text


def test_accents_of_latex_become_letters():
    told = r"Bal\'azs G{\"o}del {\L}ukasz \v{C}ech Erd\H{o}s Fran\c cois \'{\i} \o re \~n \aa"
    assert accents(told) == "Balázs Gödel Łukasz Čech Erdős François í øre ñ å"
