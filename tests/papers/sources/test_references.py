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
