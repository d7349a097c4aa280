"""BibTeX libraries become papers, also where a program wrote broken braces."""

import pytest

from everygrain.errors import InputError
from everygrain_papers.sources import BibTeX

ACL = """@inproceedings{devlin-etal-2019-bert,
    title = "{BERT}: Pre-training of Deep {B}idirectional Transformers",
    author = "Devlin, Jacob  and
      Chang, Ming-Wei  and
      King, Jr., Martin",
    editor = "Burstein, Jill",
    booktitle = "Proceedings of the 2019 Conference",
    month = jun,
    year = "2019",
    publisher = "Association for Computational Linguistics",
    url = "https://aclanthology.org/N19-1423/",
    doi = "10.18653/v1/N19-1423",
    pages = "4171--4186",
    abstract = "We introduce a model with $L=12$ at 100{\\%}."
}
"""
VOLUME = '@proceedings{naacl-2019, title = "Proceedings", year = "2019"}\n'
ZOTERO = """
@article{goedel_ueber_1931,
\ttitle = {{\\"U}ber formal unentscheidbare {S}{\\"a}tze},
\tvolume = {38},
\tauthor = {G{\\"o}del, Kurt and others},
\turl = {https://arxiv.org/abs/2101.00001v2},
\tdate = {1931-12-01},
\tkeywords = {logic, incompleteness},
\tfile = {Full Text:/home/x.pdf},
}
"""
BROKEN = """
@article{broken_2020,
\ttitle = {A {title that is never closed},
\tauthor = {See, Ann and Doe, Joe},
\tabstract = {It has a brace { too many.},
\tdoi = {10.1000/Broken},
\tyear = {2020},
}
"""
EPRINT = (
    "@misc{e, title={E}, eprint={2010.11929}, archivePrefix={arXiv}, year={2020}, "
    "month={10}, author={A B}}\n"
)


def read(folder, text):
    path, rejects = folder / "library.bib", []
    path.write_text(text, encoding="utf-8")
    batches = list(BibTeX(path).batches(None, rejects.append))
    return [paper for batch in batches for paper in batch.items], rejects


def test_an_entry_of_the_anthology_becomes_a_paper_and_a_volume_none(tmp_path):
    (paper,), rejects = read(tmp_path, VOLUME + ACL)
    assert not rejects
    assert paper.id == "bibtex:library:devlin-etal-2019-bert"
    assert paper.title == "BERT: Pre-training of Deep Bidirectional Transformers"
    assert paper.authors == ("Jacob Devlin", "Ming-Wei Chang", "Martin King Jr.")
    assert (paper.venue, paper.year, paper.date) == (
        "Proceedings of the 2019 Conference", 2019, "2019-06",
    )  # fmt: skip
    assert paper.doi == "10.18653/v1/n19-1423"
    assert paper.abstract == "We introduce a model with $L=12$ at 100%."


def test_an_export_of_zotero_becomes_papers(tmp_path):
    (paper, eprint), rejects = read(tmp_path, ZOTERO + EPRINT)
    assert not rejects
    assert paper.title == "Über formal unentscheidbare Sätze"
    assert paper.authors == ("Kurt Gödel",)
    assert (paper.date, paper.year, paper.arxiv_id) == ("1931-12-01", 1931, "2101.00001")
    assert paper.keywords == ("logic", "incompleteness")
    assert (eprint.arxiv_id, eprint.date, eprint.abstract) == ("2010.11929", "2020-10", "")


def test_an_entry_with_broken_braces_is_mended_and_says_so(tmp_path):
    papers, rejects = read(tmp_path, ACL + BROKEN + ZOTERO)
    assert not rejects
    assert [paper.more.get("mended") for paper in papers] == [None, "braces", None]
    broken = papers[1]
    assert broken.title == "A title that is never closed"
    assert broken.authors == ("Ann See", "Joe Doe")
    assert broken.abstract == "It has a brace too many."
    assert (broken.doi, broken.year) == ("10.1000/broken", 2020)


def test_what_even_so_has_no_title_and_a_second_entry_of_one_key_are_rejects(tmp_path):
    hopeless = "@article{x,\n author = {open\n\n"
    papers, rejects = read(tmp_path, ACL + hopeless + ACL.replace("BERT", "other") + EPRINT)
    assert [paper.title for paper in papers] == [
        "BERT: Pre-training of Deep Bidirectional Transformers", "E",
    ]  # fmt: skip
    assert "line 16" in rejects[0].place
    assert "Two entries have the key" in rejects[1].reason


def test_an_unchanged_file_is_not_read_again_and_a_missing_one_is_refused(tmp_path):
    read(tmp_path, ACL)
    source = BibTeX(tmp_path / "library.bib")
    *_, last = source.batches()
    assert [batch.items for batch in source.batches(last.cursor)] == [()]
    (tmp_path / "library.bib").write_text(ACL + EPRINT)
    assert sum(len(batch.items) for batch in source.batches(last.cursor)) == 2
    with pytest.raises(InputError, match="cannot be read"):
        list(BibTeX(tmp_path / "none.bib").batches())


BETTER = r"""
@comment{jabref-meta: databaseType:biblatex;}
@online{muellerWheelsMills2021,
  title = {On {{Wheels}} and \emph{Mills} --- a {{Tale}}},
  author = {M{\"u}ller, Ann and family=Gogh, given=Vincent, prefix=van, useprefix=true and {The Mill Group}},
  date = {2021-03-04},
  eprint = {2103.01234},
  eprinttype = {arXiv},
  eprintclass = {cs.IR},
  url = {http://arxiv.org/abs/2103.01234},
  urldate = {2021-05-01},
  abstract = {Water turns 100\% of wheels \& mills at $x_{1} < 3$.},
  langid = {english},
  pubstate = {preprint},
  keywords = {Computer Science - Information Retrieval,mills},
  annotation = {Comment: 9 pages, with \{braces\}},
  note = {A note of mine: {see} p. 3},
  file = {/home/ann/Zotero/storage/AB12/Müller - 2021 - On Wheels.pdf;/home/ann/Zotero/storage/CD34/2103.html}
}

@thesis{see2019,
  type = {phdthesis},
  title = {Rivers},
  author = {See, Ann},
  date = {2019-07},
  institution = {University of Mills}
}

@incollection{range, title = {Years}, date = {2018/2019}, booktitle = {Book}}
"""  # noqa: E501


def test_an_export_of_better_bibtex_keeps_notes_and_attachments_out_of_the_abstract(tmp_path):
    (paper, thesis, years), rejects = read(tmp_path, BETTER)
    assert not rejects
    assert paper.title.startswith("On Wheels and")
    assert paper.authors == ("Ann Müller", "Vincent van Gogh", "The Mill Group")
    assert paper.abstract == "Water turns 100% of wheels & mills at $x_{1} < 3$."
    assert (paper.arxiv_id, paper.date, paper.year) == ("2103.01234", "2021-03-04", 2021)
    assert paper.keywords == ("Computer Science - Information Retrieval", "mills")
    assert paper.more["file"].startswith("/home/ann")
    assert (thesis.venue, thesis.date) == ("University of Mills", "2019-07")
    assert (years.year, years.venue) == (2018, "Book")


def test_control_characters_a_long_abstract_and_what_is_no_bibtex(tmp_path):
    long = "word " * 200_000
    entry = (
        f"@article{{a, title = {{Nul \x01 and \x1b bell}}, abstract = {{{long}}}, year = 2020}}\n"
    )
    (paper,), rejects = read(tmp_path, entry)
    assert not rejects
    assert paper.title == "Nul and bell"
    assert len(paper.abstract) == 999_999
    assert read(tmp_path, "Dear Sir,\n")[0] == []


def test_an_entry_that_is_cut_off_before_any_line_of_its_own_costs_itself_alone(tmp_path):
    text = (
        "@article{good, title = {Mills and rivers}}\n\n"
        "@article{open, title = {A brace {that is never closed},\n  year = {2020}\n}\n\n"
        "@article{cut, title={Truncated in the mid"
    )
    (tmp_path / "broken.bib").write_text(text, encoding="utf-8")
    rejects = []
    found = [
        item.title
        for batch in BibTeX(tmp_path / "broken.bib").batches(None, rejects.append)
        for item in batch.items
    ]
    assert "Mills and rivers" in found
    assert len(found) + len(rejects) >= 2
