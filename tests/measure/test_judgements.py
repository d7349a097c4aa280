import gzip

import pytest

from everygrain.errors import InputError
from everygrain.measure.judgements import read_judgements


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "qrels.tsv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_beirs_three_columns_are_read_below_a_header(written):
    path = written("query-id\tcorpus-id\tscore\nq 1\td 1\t2\nq 1\td2\t0\nq2\td1\t-1\n")
    assert read_judgements(path, 3) == {"q 1": {"d 1": 2, "d2": 0}, "q2": {"d1": -1}}


def test_a_file_without_a_header_loses_no_line(written):
    assert read_judgements(written("q\td\t1\n"), 3) == {"q": {"d": 1}}


def test_trecs_four_columns_are_parted_by_any_white_space(written):
    path = written("301 0 FT-1 1\n301\t0\tFT-2\t0\n\n302  Q0   FT-1  3\r\n")
    assert read_judgements(path, 4) == {"301": {"FT-1": 1, "FT-2": 0}, "302": {"FT-1": 3}}


def test_two_columns_list_what_is_relevant(written):
    assert read_judgements(written("qid\tpid\n1\t7\n1\t8\n"), 2) == {"1": {"7": 1, "8": 1}}


def test_gzip_is_undone(tmp_path):
    path = tmp_path / "qrels.gz"
    path.write_bytes(gzip.compress(b"q 0 d 1\n"))
    assert read_judgements(path, 4) == {"q": {"d": 1}}


def test_a_pair_listed_twice_with_one_grade_counts_once(written):
    assert read_judgements(written("q\td\t1\nq\td\t1\n"), 3) == {"q": {"d": 1}}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("q\td\t1\nq\td\t2\n", 2, "'d' has score 2 for query 'q', but 1"),
        ("q\td\t1\n\nq\te\thigh\n", 3, "'high'"),
        ("q\td\tgood\n", 1, "'good'"),
        ("q\td\t1\nquery\td\tscore\n", 2, "'score'"),
        ("q\td\t1.5\n", 1, "'1.5'"),
        ("q\td\tnan\n", 1, "'nan'"),
        ("q\td\t1_0\n", 1, "'1_0'"),
        ("q\td\t99999999999\n", 1, "99999999999"),
        ("q\td\t1001\n", 1, "1001"),
        ("q\td\n", 1, "2 cells"),
        ("q\t\t1\n", 1, "cells"),
        ("a b c d e\n", 1, "5 cells"),
    ],
)
def test_a_broken_line_is_named_with_file_and_number(written, text, line, said):
    path = written(text)
    with pytest.raises(InputError) as raised:
        read_judgements(path, 3)
    assert f"{path}, line {line}: " in str(raised.value)
    assert said in str(raised.value)


def test_a_file_without_judgements_is_an_error(written):
    with pytest.raises(InputError, match="no judgement"):
        read_judgements(written("query-id\tcorpus-id\tscore\n"), 3)
