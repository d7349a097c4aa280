"""A form counts only with the token of the session that it was shown in."""

import base64
import hashlib
import hmac

import pytest

from everygrain_papers.people.csrf import check, make

SECRET = bytes(range(32))


@pytest.mark.parametrize(
    "token", [None, "", ".", "x", "A" * 22 + "." + "A" * 43, "x" * 1_000_000, "é" * 66, 5, b"x"]
)
def test_what_is_no_token_is_refused(token):
    assert not check(SECRET, "session", token)


def test_a_token_counts_in_its_session_alone():
    token = make(SECRET, "session")
    assert check(SECRET, "session", token)
    for other in ("other", "Session", "session ", "", None):
        assert not check(SECRET, other, token)
    assert not check(bytes(32), "session", token)
    assert not check(SECRET, None, make(SECRET, ""))


def test_no_two_tokens_are_alike_and_all_count():
    tokens = {make(SECRET, "session") for _ in range(50)}
    assert len(tokens) == len({token.split(".")[0] for token in tokens}) == 50
    assert all(check(SECRET, "session", token) for token in tokens)


def test_every_change_of_one_character_is_refused():
    token = make(SECRET, "session")
    for place, character in enumerate(token):
        for other in "AB-_.z":
            if other != character:
                assert not check(SECRET, "session", token[:place] + other + token[place + 1 :])


def test_the_token_equals_the_formula_written_out():
    nonce, signature = make(SECRET, "session").split(".")
    key = hmac.new(SECRET, b"everygrain form", hashlib.sha256).digest()
    expected = hmac.new(key, f"{nonce}.session".encode(), hashlib.sha256).digest()
    assert signature == base64.urlsafe_b64encode(expected).decode().rstrip("=")


def test_a_token_of_a_form_is_no_link_and_a_link_no_token_of_a_form(people, ann, clock):
    from everygrain.errors import InputError
    from everygrain_papers.people import links

    session = people.open_session(ann.id)
    with pytest.raises(InputError):
        links.read(people.secret, "form", make(people.secret, session), clock.now)
    assert check(people.secret, session, make(people.secret, session))
