"""A signed link does one thing for one user until it expires; none is made without the secret."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain.errors import InputError
from everygrain_papers.people.links import LONGEST, read, sign

SECRET = bytes(range(32))
NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=30)
LIKE = {"user": "u1", "paper": "arxiv:2004.12832", "interest": "i1", "mark": "like"}
CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."


def refused(purpose, token, secret=SECRET, now=NOW):
    with pytest.raises(InputError, match="not valid"):
        read(secret, purpose, token, now)
    return True


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b", "x" * 100_000, "x." * 50_000, "é.é", "\x00.\x00", "\ud800.x",
              None, 5, b"a.b", "e30." + "A" * 43],
)  # fmt: skip
def test_what_is_no_token_is_refused(token):
    assert refused("mark", token)


def test_a_link_gives_what_was_signed_until_it_expires():
    token = sign(SECRET, "mark", LIKE, LATER)
    assert read(SECRET, "mark", token, NOW) == LIKE
    assert read(SECRET, "mark", token, LATER - timedelta(seconds=1)) == LIKE
    for late in (LATER, LATER + timedelta(days=9)):
        with pytest.raises(InputError, match="expired"):
            read(SECRET, "mark", token, late)


def test_time_zones_do_not_prolong_a_link():
    east = timezone(timedelta(hours=9))
    token = sign(SECRET, "mark", LIKE, LATER.astimezone(east))
    assert token == sign(SECRET, "mark", LIKE, LATER)
    with pytest.raises(InputError, match="expired"):
        read(SECRET, "mark", token, LATER.astimezone(east))


def test_a_like_serves_no_other_purpose_paper_user_interest_or_mark():
    token = sign(SECRET, "mark", LIKE, LATER)
    for purpose in ("unsubscribe", "confirm", "Mark", "mark ", "mar"):
        assert refused(purpose, token)
    body, signature = token.split(".")
    for name in LIKE:
        other = sign(SECRET, "mark", {**LIKE, name: "dislike"}, LATER)
        assert refused("mark", f"{other.split('.')[0]}.{signature}")
        assert refused("mark", f"{body}.{other.split('.')[1]}")
    prolonged = sign(SECRET, "mark", LIKE, LATER + timedelta(seconds=1)).split(".")[0]
    assert refused("mark", f"{prolonged}.{signature}")


def test_every_change_of_one_character_is_refused():
    token = sign(SECRET, "mark", {"user": "u"}, LATER)
    for place, character in enumerate(token):
        assert refused("mark", token[:place] + token[place + 1 :])
        for other in CHARACTERS:
            if other != character:
                assert refused("mark", token[:place] + other + token[place + 1 :])
    for character in CHARACTERS + "=\n ":
        assert refused("mark", token + character)


def test_another_rooms_link_is_refused():
    assert refused("mark", sign(bytes(32), "mark", LIKE, LATER))


def test_the_signature_equals_the_formula_written_out():
    body, signature = sign(SECRET, "mark", {"b": 1, "a": ["x"]}, LATER).split(".")
    told = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    assert told == {"expires": int(LATER.timestamp()), "payload": {"a": ["x"], "b": 1}}
    key = hmac.new(SECRET, b"everygrain link:mark", hashlib.sha256).digest()
    expected = hmac.new(key, body.encode(), hashlib.sha256).digest()
    assert signature == base64.urlsafe_b64encode(expected).decode().rstrip("=")


def test_a_signed_body_that_is_no_link_is_refused():
    key = hmac.new(SECRET, b"everygrain link:mark", hashlib.sha256).digest()
    for content in (b"", b"{}", b"[]", b"\xff\xfe", b'{"expires": "x", "payload": {}}',
                    b'{"expires": 1e999, "payload": {}}',
                    b'{"expires": 9, "payload": 5}'):  # fmt: skip
        body = base64.urlsafe_b64encode(content).decode().rstrip("=")
        signature = base64.urlsafe_b64encode(hmac.new(key, body.encode(), hashlib.sha256).digest())
        assert refused("mark", f"{body}.{signature.decode().rstrip('=')}")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.floats(allow_nan=False,
    allow_infinity=False), lambda inner: st.lists(inner, max_size=3), max_leaves=5,
)  # fmt: skip


@given(st.dictionaries(st.text(max_size=10), values, max_size=5), st.text(min_size=1, max_size=9))
def test_what_is_read_is_what_was_signed(payload, secret_part):
    secret = hashlib.sha256(secret_part.encode(errors="surrogatepass")).digest()
    token = sign(secret, "mark", payload, LATER)
    assert read(secret, "mark", token, NOW) == payload
    assert set(token) <= set(CHARACTERS)
    assert refused("confirm", token, secret)


@pytest.mark.parametrize(
    "payload", [{"a": float("nan")}, {"a": object()}, {"a": ("tuple",)}, {1: "number"},
                {"a": "x" * LONGEST}, {"a": b"bytes"}],
)  # fmt: skip
def test_a_payload_that_a_link_cannot_carry_back_is_refused(payload):
    with pytest.raises(InputError):
        sign(SECRET, "mark", payload, LATER)


def test_times_without_a_zone_weak_secrets_and_no_purpose_are_refused():
    with pytest.raises(InputError, match="zone"):
        sign(SECRET, "mark", LIKE, datetime(2026, 1, 1))
    with pytest.raises(InputError, match="zone"):
        read(SECRET, "mark", sign(SECRET, "mark", LIKE, LATER), datetime(2026, 1, 1))
    with pytest.raises(InputError, match="secret"):
        sign(b"short", "mark", LIKE, LATER)
    for purpose in ("", "x" * 65):
        with pytest.raises(InputError, match="purpose"):
            sign(SECRET, purpose, LIKE, LATER)


def test_the_longest_paper_id_fits_into_a_link():
    token = sign(SECRET, "mark", {**LIKE, "paper": "x" * 2048}, LATER)
    assert read(SECRET, "mark", token, NOW)["paper"] == "x" * 2048
