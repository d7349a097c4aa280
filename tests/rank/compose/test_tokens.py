import pytest

from everygrain.rank.compose.tokens import NUMBER, Token, tokens


def refuse(told, at):
    raise ValueError(f"{at}: {told}")


def test_tokens_stand_where_they_begin_and_end_with_the_end():
    assert tokens(" a1 >>.5%( 'b c' ", refuse) == [
        Token("a1", 1), Token(">>", 4), Token(".5", 6), Token("%", 8), Token("(", 9),
        Token("'b c'", 11), Token("", 17),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "place"), [("a $", 2), ("a > b", 2), ("٣", 0), ("e\u0301", 1), ("a 'b", 2)]
)
def test_a_sign_without_meaning_is_refused_with_its_place(text, place):
    with pytest.raises(ValueError, match=f"^{place}: .*(has no meaning|has no partner)"):
        tokens(text, refuse)


def test_numbers_are_plain_decimals():
    assert all(NUMBER.fullmatch(text) for text in ("0", "12", "0.5", ".5"))
    assert not any(NUMBER.fullmatch(text) for text in ("1e9", "-1", "1.", "nan", "", "9" * 13))
