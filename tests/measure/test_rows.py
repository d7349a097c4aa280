import gzip

import pytest

from everygrain.errors import InputError
from everygrain.measure.rows import numbered_lines, only_file


def lines_of(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    return list(numbered_lines(path))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_lines_keep_their_numbers_where_blank_ones_are_passed_over(tmp_path, pack):
    assert lines_of(tmp_path, pack(b"a\r\n\n  \nb ")) == [(1, "a"), (4, "b ")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"good\nbad \xff\n", "line 2: Not UTF-8"),
        ("x".encode("utf-16"), "line 1: The file is UTF-16"),
        (gzip.compress(b"a\n" * 9999, mtime=0)[:-20], "damaged gzip"),
    ],
)
def test_what_cannot_be_decoded_is_named_with_file_and_line(tmp_path, content, said):
    with pytest.raises(InputError, match=said) as raised:
        lines_of(tmp_path, content)
    assert str(tmp_path / "file") in str(raised.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="absent"):
        list(numbered_lines(tmp_path / "absent"))


def test_one_file_of_a_folder_is_found_and_several_are_named(tmp_path):
    (tmp_path / "topics.txt").touch()
    assert only_file(tmp_path, "topics*").name == "topics.txt"
    with pytest.raises(InputError, match="no qrels"):
        only_file(tmp_path, "qrels*")
    (tmp_path / "topics.2").touch()
    with pytest.raises(InputError, match=r"topics\.2, topics\.txt"):
        only_file(tmp_path, "topics*")
