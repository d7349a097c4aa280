"""PubMed's files become papers and deletions."""

import gzip

import pytest

from everygrain.errors import InputError
from everygrain_papers.sources import Deleted, PubMed

HEAD = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2024//EN"
 "https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_240101.dtd">
<PubmedArticleSet>"""
ARTICLE = """<PubmedArticle><MedlineCitation Status="MEDLINE"><PMID Version="1">%s</PMID>
<Article><Journal><JournalIssue><PubDate>%s</PubDate></JournalIssue><Title>Cell</Title></Journal>
<ArticleTitle>The <i>BRCA1</i> gene &lt; 3.</ArticleTitle>
<ELocationID EIdType="doi" ValidYN="Y">10.1016/J.Cell</ELocationID>
<Abstract><AbstractText Label="METHODS">We used H<sub>2</sub>O.</AbstractText>
<AbstractText Label="RESULTS">It rose.</AbstractText></Abstract>
<AuthorList><Author><LastName>See</LastName><ForeName>Ann</ForeName></Author>
<Author><CollectiveName>The Group</CollectiveName></Author></AuthorList></Article>
<MeshHeadingList><MeshHeading><DescriptorName>Genes</DescriptorName></MeshHeading></MeshHeadingList>
<KeywordList><Keyword>cancer</Keyword></KeywordList></MedlineCitation>
<PubmedData><ArticleIdList><ArticleId IdType="pubmed">1</ArticleId></ArticleIdList>
<ReferenceList><Reference><Citation>x</Citation><ArticleIdList>
<ArticleId IdType="pubmed">77</ArticleId></ArticleIdList></Reference></ReferenceList></PubmedData>
</PubmedArticle>"""
DATE = "<Year>2021</Year><Month>Mar</Month><Day>5</Day>"
TAIL = "<DeleteCitation><PMID>8</PMID><PMID>9</PMID></DeleteCitation></PubmedArticleSet>"


def read(folder, content):
    path, rejects = folder / "x.xml.gz", []
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    batches = list(PubMed(path).batches(None, rejects.append))
    return [item for batch in batches for item in batch.items], rejects


def test_an_article_becomes_a_paper_and_a_deletion_a_deletion(tmp_path):
    told = gzip.compress((HEAD + ARTICLE % ("1", DATE) + TAIL).encode())
    (paper, *deleted), rejects = read(tmp_path, told)
    assert not rejects
    assert (paper.id, paper.title) == ("pubmed:1", "The BRCA1 gene < 3.")
    assert paper.abstract == "METHODS: We used H2O. RESULTS: It rose."
    assert paper.authors == ("Ann See", "The Group")
    assert (paper.venue, paper.date, paper.year) == ("Cell", "2021-03-05", 2021)
    assert (paper.doi, paper.keywords) == ("10.1016/j.cell", ("cancer", "Genes"))
    assert paper.references == ("pubmed:77",)
    assert deleted == [Deleted("pubmed:8"), Deleted("pubmed:9")]


@pytest.mark.parametrize(
    ("stated", "date", "year"),
    [
        ("<Year>2021</Year>", None, 2021),
        ("<Year>2021</Year><Month>11</Month>", "2021-11", 2021),
        ("<MedlineDate>1998 Dec-1999 Jan</MedlineDate>", "1998-12", 1998),
        ("<MedlineDate>Spring</MedlineDate>", None, None),
        ("", None, None),
    ],
)
def test_loose_dates_say_what_they_can(tmp_path, stated, date, year):
    (paper,), _ = read(tmp_path, HEAD + ARTICLE % ("1", stated) + "</PubmedArticleSet>")
    assert (paper.date, paper.year) == (date, year)


def test_a_record_without_a_title_and_a_file_cut_off_cost_only_themselves(tmp_path):
    untitled = (ARTICLE % ("2", DATE)).replace("The <i>BRCA1</i> gene &lt; 3.", "")
    told = HEAD + ARTICLE % ("1", DATE) + untitled + ARTICLE % ("3", DATE) + "<PubmedArt"
    items, rejects = read(tmp_path, told)
    assert [item.id for item in items] == ["pubmed:1", "pubmed:3"]
    assert "record 2" in rejects[0].place
    assert "cut off" in rejects[1].reason


@pytest.mark.parametrize(
    "content", ["no XML", '<!DOCTYPE x [<!ENTITY a "b">]><PubmedArticleSet>&a;</PubmedArticleSet>']
)
def test_what_is_no_xml_or_declares_entities_is_refused(tmp_path, content):
    with pytest.raises(InputError, match=r"Not XML|declares an entity"):
        read(tmp_path, content)
