"""BibTeX entries, read back by another program's parser."""

from __future__ import annotations

import re

import bibtexparser
from bibtexparser.bparser import BibTexParser
from hypothesis import example, given, settings
from hypothesis import strategies as st

from everygrain_papers.paper import Paper
from everygrain_papers.web.bibtex import entry, key

_BACK = {
    r"\textbackslash{}": "\\", r"\textasciitilde{}": "~", r"\textasciicircum{}": "^",
    r"\textbraceleft{}": "{", r"\textbraceright{}": "}",
    r"\$": "$", r"\&": "&", r"\%": "%", r"\#": "#", r"\_": "_",
}  # fmt: skip
_SIGN = re.compile("|".join(map(re.escape, _BACK)))


def read(text: str) -> dict[str, str]:
    """Return the one entry that a text holds, as bibtexparser reads it."""
    found = bibtexparser.loads(
        text, BibTexParser(common_strings=True, ignore_nonstandard_types=False)
    )
    assert len(found.entries) == 1
    told: dict[str, str] = found.entries[0]
    return told


def unescaped(value: str) -> str:
    """Return the letters that LaTeX would set, by the table of its signs."""
    return _SIGN.sub(lambda sign: _BACK[sign[0]], value)


def test_every_field_of_a_paper_stands_in_its_entry():
    paper = Paper(
        "arxiv:2101.00001", "Comets & Tails: 100% of $x_1$", "What {we} saw.",
        ("Ada Lovelace", "Émilie du Châtelet"), "Proceedings of Skies", 2021, "2021-03-04",
        ("comets", "tails"), "https://example.org/a_b", "10.1/a_b", "2101.00001",
    )  # fmt: skip
    told = read(entry(paper))
    assert (told["ENTRYTYPE"], told["ID"]) == ("inproceedings", "lovelace2021comets")
    assert told["title"].strip("{}") == r"Comets \& Tails: 100\% of $x_1$"
    assert told["author"] == "Ada Lovelace and Émilie du Châtelet"
    assert (told["doi"], told["url"]) == ("10.1/a_b", "https://example.org/a_b")
    assert (told["eprint"], told["archiveprefix"]) == ("2101.00001", "arXiv")
    assert (told["year"], told["month"]) == ("2021", "3")
    assert unescaped(told["abstract"]) == "What {we} saw."


def test_a_journal_is_an_article_and_a_paper_without_venue_is_misc():
    assert entry(Paper("a", "T", venue="Annals of Comets")).startswith("@article{")
    assert entry(Paper("a", "T")).startswith("@misc{t,")


def test_a_title_that_closes_its_braces_begins_no_new_entry():
    paper = Paper("a", "Comets}}, note={x}}\n@article{evil, title={Got you", authors=("A and B",))
    told = read(entry(paper))
    assert "note" not in told
    assert unescaped(told["title"][1:-1]) == ("Comets}}, note={x}} @article{evil, title={Got you")
    assert told["author"] == "{A and B}"


def test_a_key_is_made_of_letters_and_digits_alone():
    assert key(Paper("a", "The Ümlaut: a study", authors=("Gödel, Kurt",), year=1931)) == (
        "godel1931umlaut"
    )
    assert key(Paper("a", "论文")) == "paper"


@settings(max_examples=150, deadline=None)
@given(st.text(min_size=1, max_size=60).filter(str.strip), st.text(max_size=80))
@example("$}$", "a\\")
@example("$a{$ b}$", "}{@comment{")
def test_any_title_and_abstract_read_back_as_they_were(title: str, abstract: str) -> None:
    told = read(entry(Paper("a", title, abstract)))
    cut = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")
    for name, wanted in (("title", title), ("abstract", abstract)):
        if name == "title" and not squeezed(cut.sub(" ", title)):
            wanted = "Untitled"
        got = told.get(name, "")
        got = got[1:-1] if name == "title" and got.startswith("{") and got.endswith("}") else got
        assert squeezed(unescaped(got)) == squeezed(cut.sub(" ", wanted))


def squeezed(text: str) -> str:
    return " ".join(text.split())
