"""A feed gives papers; what a title says is text, whatever it looks like."""

import pytest

from everygrain.errors import InputError
from everygrain_papers.sources import Feed, Visitor

from .server import Server, answer

RSS = """<?xml version="1.0"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:prism="http://prismstandard.org/namespaces/basic/2.0/"
 xmlns:media="http://search.yahoo.com/mrss/">
<channel><title>A journal</title><link>https://j.example/</link>
<item><media:title>no title</media:title>
 <title>&lt;script&gt;alert(1)&lt;/script&gt; &lt;i&gt;k&lt;/i&gt;-means</title>
 <link>https://j.example/1</link><guid>tag:j,1</guid>
 <description>&lt;p&gt;At p &amp;lt; 0.05 &amp;amp; &lt;b&gt;more&lt;/b&gt;.&lt;/p&gt;</description>
 <dc:creator>Ada Lovelace</dc:creator><dc:creator>K. Gödel</dc:creator>
 <pubDate>Tue, 05 Mar 2024 00:00:00 GMT</pubDate><category>Maths</category>
 <prism:doi>10.1000/ABC</prism:doi><prism:publicationName>A Journal</prism:publicationName>
</item>
<item><title></title><link>https://j.example/2</link></item>
<item><title>No date, no text</title><link>javascript:alert(1)</link><guid>3</guid></item>
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom">
<title>arXiv</title>
<entry><id>http://arxiv.org/abs/2101.00001v2</id><updated>2021-02-01T00:00:00Z</updated>
<published>2021-01-01T00:00:00Z</published><title>If a &lt;b&gt;
  then c</title><summary>  Two
  lines. </summary><author><name>A. One</name></author><author><name>B. Two</name></author>
<arxiv:doi>10.1000/x</arxiv:doi><category term="cs.IR"/>
<link href="http://arxiv.org/abs/2101.00001v2" rel="alternate"/>
<link href="http://arxiv.org/pdf/2101.00001v2" rel="related"/></entry></feed>"""
ARXIV = """<rss xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>cs</title><item>
<title>T</title><link>https://arxiv.org/abs/2411.00001</link>
<description>arXiv:2411.00001v1 Announce Type: new
Abstract: The text.</description><guid isPermaLink="false">oai:arXiv.org:2411.00001v1</guid>
<dc:creator>A. One, B. Two</dc:creator></item></channel></rss>"""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns="http://purl.org/rss/1.0/"><channel rdf:about="x"><title>J</title></channel>
<item rdf:about="https://j.example/9"><title>Nine</title></item></rdf:RDF>"""


def feed(server, path="/feed"):
    visitor = Visitor(delay=0.0, retries=1, sleep=lambda _: None)
    return Feed(f"{server.url}{path}", visitor)


def read(page):
    rejects = []
    with Server({"/feed": page}) as server:
        (batch,) = feed(server).batches(reject=rejects.append)
    return batch, rejects


def test_an_item_of_rss_becomes_a_paper_and_a_script_in_a_title_is_text():
    batch, (reject,) = read(RSS)
    first, bare = batch.items
    assert first.title == "<script>alert(1)</script> k-means"
    assert first.abstract == "At p < 0.05 & more."
    assert first.authors == ("Ada Lovelace", "K. Gödel")
    assert (first.id, first.date, first.year) == ("tag:j,1", "2024-03-05", 2024)
    assert (first.doi, first.venue, first.keywords) == ("10.1000/abc", "A Journal", ("Maths",))
    assert first.url == "https://j.example/1"
    assert (bare.id, bare.abstract, bare.date, bare.year, bare.url) == ("3", "", None, None, "")
    assert "entry 2" in reject.place
    assert "title" in reject.reason


def test_an_entry_of_atom_becomes_a_paper_whose_title_is_literal():
    batch, rejects = read(ATOM)
    (paper,) = batch.items
    assert not rejects
    assert (paper.id, paper.arxiv_id) == ("arxiv:2101.00001", "2101.00001")
    assert paper.title == "If a <b> then c"
    assert (paper.abstract, paper.date) == ("Two lines.", "2021-01-01")
    assert paper.authors == ("A. One", "B. Two")
    assert (paper.doi, paper.keywords) == ("10.1000/x", ("cs.IR",))
    assert paper.url == "http://arxiv.org/abs/2101.00001v2"


def test_the_feed_of_arxiv_gives_authors_and_abstract_apart():
    (paper,) = read(ARXIV)[0].items
    assert paper.id == "arxiv:2411.00001"
    assert (paper.abstract, paper.authors) == ("The text.", ("A. One", "B. Two"))


def test_an_item_of_rdf_is_known_by_its_address():
    (paper,) = read(RDF)[0].items
    assert (paper.id, paper.title) == ("https://j.example/9", "Nine")


def test_a_feed_that_did_not_change_is_not_sent_again():
    def page(headers):
        if headers.get("If-None-Match") == '"v1"':
            return answer(b"", 304)
        return answer(
            ATOM, headers={"ETag": '"v1"', "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}
        )

    with Server({"/feed": page}) as server:
        (first,) = feed(server).batches()
        (second,) = feed(server).batches(first.cursor)
        headers = server.requests[1][2]
    assert headers["If-Modified-Since"] == "Mon, 01 Jan 2024 00:00:00 GMT"
    assert (len(first.items), second.items, second.cursor) == (1, (), first.cursor)


def test_a_feed_without_validators_is_read_again_only_when_it_changed():
    with Server({"/feed": ATOM}) as server:
        (first,) = feed(server).batches()
        (second,) = feed(server).batches(first.cursor)
        server.pages["/feed"] = ATOM.replace("Two\n", "Three\n")
        (third,) = feed(server).batches(second.cursor)
    assert [len(batch.items) for batch in (first, second, third)] == [1, 0, 1]


def test_of_a_feed_that_is_cut_off_the_first_entries_count_and_it_is_asked_for_again():
    batch, rejects = read(RSS[: RSS.index("<item><title></title>") + 9])
    assert [paper.id for paper in batch.items] == ["tag:j,1"]
    assert "1 entries before" in rejects[-1].reason
    assert batch.cursor == {}


@pytest.mark.parametrize(
    "page",
    [
        "no feed",
        "",
        "<x/>",
        "<html><head><title>x</title></head><body/></html>",
        '<!DOCTYPE x [<!ENTITY a "b">]><rss><channel><title>&a;</title></channel></rss>',
    ],
)
def test_what_is_no_feed_is_refused(page):
    with pytest.raises(InputError, match="is no feed"):
        read(page)


def test_an_empty_feed_is_a_feed():
    batch, rejects = read("<rss><channel><title>x</title></channel></rss>")
    assert (batch.items, rejects) == ((), [])
