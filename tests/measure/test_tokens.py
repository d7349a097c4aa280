import pytest

from everygrain.measure.tokens import NUMBER, Token, tokens


def refuse(told):
    raise ValueError(told)


def test_tokens_stand_where_they_begin_and_end_with_the_end():
    assert tokens(" a1 >>.5%( ", refuse) == [
        Token("a1", 1), Token(">>", 4), Token(".5", 6), Token("%", 8), Token("(", 9), Token("", 11),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["a $", "a > b", "٣", "e\u0301"])
def test_a_sign_without_meaning_is_refused_with_its_place(text):
    with pytest.raises(ValueError, match="has no meaning, at character"):
        tokens(text, refuse)


def test_numbers_are_plain_decimals():
    assert all(NUMBER.fullmatch(text) for text in ("0", "12", "0.5", ".5"))
    assert not any(NUMBER.fullmatch(text) for text in ("1e9", "-1", "1.", "nan", "", "9" * 13))
