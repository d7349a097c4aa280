import pytest

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.measure.trec import load_trec, read_topics

CLASSIC = """
<top>
<num> Number: 301
<title> International Organized
Crime

<desc> Description:
Identify organizations, <i>all</i>.

<narr> Narrative:
A relevant document
names one.
</top>

<TOP>
<num>302</num>
<title>Topic: Polio</title> not the title
<desc>Is it back?</desc>
</TOP>
"""


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "topics.txt"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_classic_topics_are_read_with_and_without_closing_tags(written):
    assert read_topics(written(CLASSIC)) == {"301": "International Organized Crime", "302": "Polio"}


def test_another_field_can_be_the_query(written):
    assert read_topics(written(CLASSIC), "description") == {
        "301": "Identify organizations, <i>all</i>.",
        "302": "Is it back?",
    }


def test_a_topic_without_the_field_is_named_with_its_line(written):
    with pytest.raises(InputError, match="line 15: the <top> has no narrative"):
        read_topics(written(CLASSIC), "narrative")


def test_a_topic_that_is_not_closed_still_counts(written):
    text = "<top>\n<num> 1\n<title> one\n<top>\n<num> 2\n<title> two\n"
    assert read_topics(written(text)) == {"1": "one", "2": "two"}


def test_tab_separated_topics_are_read(written):
    assert read_topics(written("1\tfirst query\n2\tb\tc\n")) == {"1": "first query", "2": "b\tc"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1\ta\n2 b\n", "line 2: no 'query id, tab, text'"),
        ("1\ta\n1\tb\n", "line 2: the query '1' has two texts"),
        ("<top>\n<title> x\n</top>\n", "line 1: the <top> has no number"),
        ("\n", "no topic"),
    ],
)
def test_broken_topics_are_named(written, text, said):
    with pytest.raises(InputError, match=said):
        read_topics(written(text))


def test_text_topics_and_qrels_make_a_collection(written, tmp_path):
    (tmp_path / "qrels").write_text("301 0 FT-1 1\n302 0 FT-2 0\n")
    (tmp_path / "text").write_text("<DOC><DOCNO>FT-1</DOCNO><TEXT>crime</TEXT></DOC>\n")
    found = load_trec(tmp_path / "text", written(CLASSIC), tmp_path / "qrels", name="robust")
    assert found.name == "robust"
    assert found.judgements == {"301": {"FT-1": 1}, "302": {"FT-2": 0}}
    assert list(found.documents()) == [Document("FT-1", "crime")]
    assert found.validate().missing_documents == ("FT-2",)
