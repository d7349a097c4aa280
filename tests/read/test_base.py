import json

from everygrain.read.base import Reject, write_reject


def test_a_reject_is_one_line_of_ascii_whatever_it_holds():
    line = write_reject(Reject("a\nb.jsonl", 3, "no\u2028id", "\udc80\x00ü" + "x" * 5000))
    assert line.isascii()
    assert "\n" not in line
    stored = json.loads(line)
    assert stored["file"] == "a\nb.jsonl"
    assert stored["line"] == 3
    assert stored["reason"] == "no\u2028id"
    assert stored["raw"] == ("\udc80\x00ü" + "x" * 5000)[:1000]


def test_a_reject_of_a_whole_file_has_no_line():
    assert json.loads(write_reject(Reject("a.txt", None, "binary")))["line"] is None
