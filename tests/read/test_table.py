import datetime
import gzip

import pyarrow
import pyarrow.parquet
import pytest

from everygrain.document import Document
from everygrain.read import read


def test_a_quote_that_is_never_closed_costs_one_row(reading):
    documents, rejects = reading("a.csv", 'id,text\na,"open\nb,fine\nc,"also, fine"\nd,x\n')
    assert [document.id for document in documents] == ["b", "c", "d"]
    assert [reject.line_or_record for reject in rejects] == [2]
    documents, rejects = reading("a.csv", 'id,text\na,"open\nb,fine\n')
    assert [document.id for document in documents] == ["b"]
    assert "Close every quote" in rejects[0].reason


def test_a_row_of_another_width_is_rejected(reading):
    documents, (reject,) = reading("a.csv", "id,text\na,b,c\nd,e\n")
    assert [document.id for document in documents] == ["d"]
    assert "3 cells, the header 2" in reject.reason
    assert reject.line_or_record == 2


def test_a_row_without_an_id_is_rejected(reading):
    documents, (reject,) = reading("a.csv", "id,text\n,b\nd,e\n")
    assert [document.id for document in documents] == ["d"]
    assert "no id" in reject.reason
    assert "docno" in reject.reason


def test_a_table_without_an_id_column_is_one_reject(reading):
    documents, (reject,) = reading("a.csv", "name,text\na,b\nd,e\n")
    assert documents == []
    assert "no id" in reject.reason
    assert "name, text" in reject.reason


def test_a_column_named_twice_is_a_reject(reading):
    documents, (reject,) = reading("a.csv", "id,text,text\na,b,c\n")
    assert documents == []
    assert "'text' twice" in reject.reason


def test_a_row_that_is_not_utf_8_is_rejected_with_its_offset(reading):
    documents, (reject,) = reading("a.csv", b"id,text\na,caf\xe9\nb,fine\n")
    assert [document.id for document in documents] == ["b"]
    assert "0xE9" in reject.reason
    assert "Convert it to UTF-8" in reject.reason


def test_metadata_that_are_not_json_are_rejected(reading):
    documents, (reject,) = reading("a.csv", 'id,text,metadata\na,b,{x\nc,d,"{""y"": 1}"\n')
    assert documents == [Document("c", "d", "", {"y": 1})]
    assert "Not JSON" in reject.reason


def test_a_truncated_gzip_gives_the_rows_before(reading):
    rows = "".join(f"{i},text {i * 7919}\n" for i in range(50_000))
    packed = gzip.compress(("id,text\n" + rows).encode())
    documents, rejects = reading("a.csv.gz", packed[: len(packed) // 2])
    assert len(documents) > 1000
    assert "truncated" in rejects[-1].reason


def test_quoted_cells_hold_separators_quotes_and_line_breaks(reading):
    documents, rejects = reading("a.csv", 'ID,Title,text,year\r\n1,"a ""b"", c","x\r\ny",1999\r\n')
    assert documents == [Document("1", "x\r\ny", 'a "b", c', {"year": 1999})]
    assert rejects == []


def test_a_long_cell_is_read(reading):
    (document,), _ = reading("a.csv", f"id,text\na,{'x' * 1_000_000}\n")
    assert len(document.text) == 1_000_000


def test_tab_separated_values_are_read(reading):
    assert reading("a.tsv", "id\ttext\na\tb, c\n")[0] == [Document("a", "b, c")]


def test_what_is_no_parquet_is_a_reject(reading):
    documents, (reject,) = reading("a.parquet", b"PAR1 this is not")
    assert documents == []
    assert "Not a Parquet file" in reject.reason
    assert "no records" in reading("b.parquet", b"")[1][0].reason


@pytest.mark.parametrize("packed", [False, True])
def test_parquet_rows_are_read_and_broken_ones_rejected(tmp_path, packed):
    table = pyarrow.table(
        {
            "id": [1, None, 3],
            "text": ["one", "two", "three"],
            "score": [float("nan"), 1.0, 0.5],
            "day": [datetime.date(2026, 1, 2)] * 3,
            "tags": [["a"], [], ["b", "c"]],
        }
    )
    path = tmp_path / ("a.parquet.gz" if packed else "a.parquet")
    pyarrow.parquet.write_table(table, tmp_path / "plain")
    content = (tmp_path / "plain").read_bytes()
    path.write_bytes(gzip.compress(content) if packed else content)
    rejects = []
    assert list(read(path, on_reject=rejects.append)) == [
        Document("1", "one", "", {"score": None, "day": "2026-01-02", "tags": ["a"]}),
        Document("3", "three", "", {"score": 0.5, "day": "2026-01-02", "tags": ["b", "c"]}),
    ]
    assert [reject.line_or_record for reject in rejects] == [2]
    assert "no id" in rejects[0].reason


def test_bytes_in_parquet_are_rejected(tmp_path):
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"id": ["a"], "text": ["t"], "x": [b"\xff"]}), path)
    rejects = []
    assert list(read(path, on_reject=rejects.append)) == []
    assert "bytes, which JSON cannot hold" in rejects[0].reason


def test_cells_that_write_numbers_are_numbers_and_empty_ones_are_left_out(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,text,year,price,code,note\n1,bread,2020,2.5,007,\n", encoding="utf-8")
    (document,) = read(path)
    assert document.id == "1"
    assert document.metadata == {"year": 2020, "price": 2.5, "code": "007"}
