"""Text from outside on one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain_papers.digest.plain import columns, one_line, web_address, wrapped


@given(st.text(alphabet=st.characters(), max_size=300), st.integers(1, 60))
def test_one_line_holds_no_break_no_control_and_no_turn(text, longest):
    line = one_line(text, longest)
    assert len(line) <= longest
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in line)
    assert not set(line) & set("\u2028\u2029\u202a\u202e\u2066\u2069\u200e\ud800")
    assert line == " ".join(line.split())


def test_a_title_that_turns_the_direction_reads_as_it_is_written():
    assert one_line("safe\u202egnp.exe\u2069") == "safegnp.exe"


def test_a_megabyte_is_cut_at_a_word():
    cut = one_line("word " * 200_000, 100)
    assert len(cut) <= 100
    assert cut.endswith("word…")


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        " https://example.org",
        "https://example.org/\r\nBcc: x",
        'https://example.org/"onclick="x',
        "https:///nowhere",
        "ftp://example.org",
        "//example.org",
        "",
        "https://" + "a" * 3000,
    ],
)
def test_only_addresses_of_the_web_are_links(address):
    assert web_address(address) == ""


def test_an_address_of_the_web_stays_as_it_is():
    assert web_address("HTTPS://arxiv.org/abs/2101.00001v2?x=1&y=(2)#a") != ""


@given(st.text(st.sampled_from("ab 図é\u0301 "), max_size=200), st.integers(8, 40))
def test_lines_are_as_wide_as_told_and_lose_nothing(text, width):
    lines = wrapped(text, width, "* ", "  ")
    assert all(columns(line) <= width for line in lines)
    assert "".join(line[2:] for line in lines).replace(" ", "") == text.replace(" ", "")
