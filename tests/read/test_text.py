import gzip

from everygrain.document import Document
from everygrain.read import read


def test_a_binary_file_named_txt_is_rejected_with_a_remedy(reading):
    documents, (reject,) = reading("a.txt", b"\x7fELF\x00\x01")
    assert documents == []
    assert "binary" in reject.reason
    assert "leave it out" in reject.reason


def test_a_file_in_another_encoding_is_rejected_with_its_offset(reading):
    documents, (reject,) = reading("a.txt", "café".encode("latin-1"))
    assert documents == []
    assert "byte offset 3" in reject.reason
    assert "iconv" in reject.reason


def test_a_truncated_gzip_gives_no_half_document(reading):
    documents, (reject,) = reading("a.txt.gz", gzip.compress(b"some text " * 100)[:-12])
    assert documents == []
    assert "truncated" in reject.reason


def test_white_space_is_no_document(reading):
    documents, (reject,) = reading("a.txt", " \n\n")
    assert documents == []
    assert "no records" in reject.reason


def test_text_is_kept_exactly(reading):
    (document,), _ = reading("notes.txt", b"\xef\xbb\xbf One\r\ntwo\t\n\n")
    assert document == Document("notes.txt", " One\r\ntwo\t\n\n", "notes")


def test_the_id_is_the_path_within_the_folder(tmp_path):
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / "b" / "c" / "x.y.txt.gz").write_bytes(gzip.compress(b"deep"))
    assert list(read(tmp_path)) == [Document("b/c/x.y.txt.gz", "deep", "x.y")]
