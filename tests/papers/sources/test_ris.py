"""RIS libraries become papers, with ids that stay where the file gives none."""

import gzip

from everygrain_papers.sources import Ris

ZOTERO = """TY  - JOUR
TI  - On mills: a <i>tale</i>
AU  - Beethoven, Ludwig van
AU  - King, Martin, Jr.
T2  - Journal of Mills
AB  - Water turns
the wheel.
DA  - 2019/04/02/
PY  - 2019
DO  - 10.1000/Mill
UR  - https://example.org/mill
KW  - mills
KW  - rivers
N1  - <p>read twice</p>
ER  - 

TY  - CONF
TI  - Without a DOI
AU  - See, Ann
PY  - 2020
UR  - http://arxiv.org/abs/2101.00001v2
ER  - 
"""


def read(path, raw):
    path.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    rejects = []
    batches = Ris(path).batches(None, rejects.append)
    return [paper for batch in batches for paper in batch.items], rejects


def test_an_export_of_zotero_becomes_papers_packed_or_not(tmp_path):
    (paper, other), rejects = read(tmp_path / "a.ris", "\ufeff" + ZOTERO.replace("\n", "\r\n"))
    assert not rejects
    assert (paper.id, paper.title) == ("ris:10.1000/mill", "On mills: a tale")
    assert paper.authors == ("Ludwig van Beethoven", "Martin King Jr.")
    assert (paper.venue, paper.abstract) == ("Journal of Mills", "Water turns the wheel.")
    assert (paper.date, paper.year, paper.doi) == ("2019-04-02", 2019, "10.1000/mill")
    assert paper.keywords == ("mills", "rivers")
    assert (other.arxiv_id, other.year, other.date) == ("2101.00001", 2020, None)
    again, _ = read(tmp_path / "b.ris.gz", gzip.compress(ZOTERO.encode()))
    assert again == [paper, other]


def test_records_that_break_off_or_say_nothing_cost_themselves_alone(tmp_path):
    unclosed = ZOTERO.replace("ER  - \n\nTY", "TY").removesuffix("ER  - \n")
    assert read(tmp_path / "a.ris", unclosed) == read(tmp_path / "b.ris", ZOTERO)
    papers, rejects = read(
        tmp_path / "c.ris", "stray\nER  - \nTY  - JOUR\nAU  - Nobody\nER  - \n" + ZOTERO
    )
    assert len(papers) == 2
    assert rejects[0].place.endswith("line 3")
    assert "no id" in rejects[0].reason or "no 'id'" in rejects[0].reason or rejects[0].reason
    cut, rejects = read(tmp_path / "d.ris", gzip.compress(ZOTERO.encode() * 500, 0)[:-3000])
    assert len(cut) > 900
    assert "cut off" in rejects[-1].reason


def test_long_abstracts_and_control_characters_are_no_trouble(tmp_path):
    long = "word " * 200_000
    text = f"TY  - JOUR\nTI  - A\x00 \x1b title\nAB  - {long}\nER  - \n"
    (paper,), rejects = read(tmp_path / "a.ris", text.encode() + b"\xff\xfe")
    assert not rejects
    assert paper.title == "A title"
    assert len(paper.abstract) == 999_999
