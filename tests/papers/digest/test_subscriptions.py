"""Who gets digests: asked for, confirmed by mail, ended in one click."""

import base64
import json
import re
from datetime import timedelta
from email import policy
from email.parser import BytesParser

import pytest

from everygrain.errors import InputError
from everygrain_papers.digest.links import Links, mark_by_link, opened
from everygrain_papers.digest.outbox import issues, mail_of
from everygrain_papers.digest.settings import Settings
from everygrain_papers.digest.subscriptions import (
    choose,
    confirm,
    enrol,
    stop,
    subscribe,
    subscription,
    unsubscribe,
)

from .made import NOW

SETTINGS = Settings(pages="https://papers.example.org", sender="digest@example.org")
ADDRESS = "ada@example.org"


def token_in_the_last_mail(people):
    (waiting,) = issues(people, None, "composed")
    mail = BytesParser(policy=policy.default).parsebytes(mail_of(people, waiting))
    return re.search(r"https://papers\.example\.org/digest/confirm/(\S+)", mail.get_content())[1]


def token_of(link):
    return link.rpartition("/")[2]


@pytest.mark.parametrize(
    "address", ["", "ada", "ada@example.org\r\nBcc: x@y.z", "a@example.org,b@example.org"]
)
def test_an_address_that_is_none_gets_no_mail(people, reader, address):
    with pytest.raises(InputError):
        subscribe(people, SETTINGS, reader.id, address, NOW)
    with pytest.raises(InputError):
        enrol(people, reader.id, address, NOW)
    assert issues(people) == []
    assert subscription(people, reader.id).state == "off"


@pytest.mark.parametrize(
    "wanted",
    [{"papers": 0}, {"papers": 201}, {"empty": "shout"}, {"hour": 99}, {"zone": "Mars/Olympus"}],
)
def test_choices_that_make_no_sense_change_nothing(people, reader, wanted):
    before = choose(people, reader.id, hour=9, zone="Asia/Kathmandu")
    with pytest.raises(InputError):
        choose(people, reader.id, **wanted)
    assert subscription(people, reader.id) == before


def test_an_unknown_reader_is_an_error(people):
    for ask in (
        lambda: subscription(people, "nobody"),
        lambda: choose(people, "nobody", hour=9),
        lambda: subscribe(people, SETTINGS, "nobody", ADDRESS, NOW),
        lambda: stop(people, "nobody", NOW),
    ):
        with pytest.raises(InputError):
            ask()


def test_nothing_is_confirmed_before_the_link_in_the_mail_is_followed(people, reader):
    assert subscribe(people, SETTINGS, reader.id, ADDRESS, NOW).state == "pending"
    token = token_in_the_last_mail(people)
    assert subscription(people, reader.id).state == "pending"
    later = NOW + timedelta(hours=2)
    confirmed = confirm(people, token, later)
    assert (confirmed.state, confirmed.address, confirmed.since) == ("confirmed", ADDRESS, later)
    assert subscription(people, reader.id) == confirmed
    assert confirm(people, token, later + timedelta(hours=1)) == confirmed
    assert people.user(reader.id).email == ADDRESS


def test_a_link_is_good_for_three_days_and_for_the_last_address_alone(people, reader):
    subscribe(people, SETTINGS, reader.id, ADDRESS, NOW)
    first = token_in_the_last_mail(people)
    with pytest.raises(InputError, match="expired"):
        confirm(people, first, NOW + timedelta(days=3))
    subscribe(people, SETTINGS, reader.id, "other@example.org", NOW)
    with pytest.raises(InputError, match="last mail"):
        confirm(people, first, NOW)
    assert confirm(people, token_in_the_last_mail(people), NOW).address == "other@example.org"


def test_a_link_of_confirmation_cannot_end_what_was_stopped_meanwhile(people, reader):
    subscribe(people, SETTINGS, reader.id, ADDRESS, NOW)
    token = token_in_the_last_mail(people)
    stop(people, reader.id, NOW)
    with pytest.raises(InputError):
        confirm(people, token, NOW)
    assert [each.state for each in issues(people)] == ["withdrawn"]


def test_nobody_fills_a_mailbox_with_mails_of_confirmation(people, reader):
    other = people.add_user("Bob", "a long enough password")
    for user in (reader, other, reader):
        subscribe(people, SETTINGS, user.id, ADDRESS, NOW)
    with pytest.raises(InputError, match="tomorrow"):
        subscribe(people, SETTINGS, other.id, ADDRESS, NOW + timedelta(hours=23))
    subscribe(people, SETTINGS, other.id, ADDRESS, NOW + timedelta(hours=25))


def test_one_reader_cannot_fill_many_mailboxes(people, reader):
    for number in range(3):
        subscribe(people, SETTINGS, reader.id, f"a{number}@example.org", NOW)
    with pytest.raises(InputError, match="tomorrow"):
        subscribe(people, SETTINGS, reader.id, "a3@example.org", NOW)


def test_without_pages_no_confirmation_is_possible(people, reader):
    with pytest.raises(InputError, match="pages"):
        subscribe(people, Settings(sender="a@example.org"), reader.id, ADDRESS, NOW)


def test_one_click_ends_the_mails_and_a_second_one_is_fine(people, reader):
    enrol(people, reader.id, ADDRESS, NOW)
    link = Links("https://p.example.org", people.secret, reader.id, NOW).unsubscribe(ADDRESS)
    years_later = NOW + timedelta(days=3000)
    for _ in range(2):
        assert unsubscribe(people, token_of(link), years_later) == people.user(reader.id)
        assert subscription(people, reader.id).state == "off"


def test_a_link_that_unsubscribes_one_address_leaves_another(people, reader):
    links = Links("https://p.example.org", people.secret, reader.id, NOW)
    enrol(people, reader.id, "new@example.org", NOW)
    unsubscribe(people, token_of(links.unsubscribe("old@example.org")), NOW)
    assert subscription(people, reader.id).state == "confirmed"


def test_a_reader_who_is_gone_takes_everything_along(people, reader):
    user = people.add_user("Bob", "a long enough password")
    subscribe(people, SETTINGS, user.id, ADDRESS, NOW)
    link = Links("https://p.example.org", people.secret, user.id, NOW).unsubscribe(ADDRESS)
    people.delete_user(user.id)
    assert issues(people) == []
    with pytest.raises(InputError):
        unsubscribe(people, token_of(link), NOW)


def links_of(people, reader):
    interest = people.interests(reader.id)[0]
    links = Links("https://p.example.org", people.secret, reader.id, NOW)
    return interest, {
        "like": links.mark("like", "retrieval:9", interest.id),
        "dislike": links.mark("dislike", "retrieval:9", interest.id),
        "unsubscribe": links.unsubscribe(ADDRESS),
        "confirm": links.confirm(ADDRESS, "nonce"),
    }


def test_a_like_link_likes_and_a_dislike_link_dislikes(people, reader):
    interest, links = links_of(people, reader)
    for kind in ("like", "like", "dislike"):
        told = mark_by_link(people, kind, token_of(links[kind]), NOW)
        assert told == (reader.id, "retrieval:9", interest.id)
    assert people.interest(reader.id, interest.id).liked == ("retrieval:1", "retrieval:2")
    assert people.interest(reader.id, interest.id).disliked == ("retrieval:9",)


def test_every_link_has_one_purpose(people, reader):
    _, links = links_of(people, reader)
    for made in links:
        for used in links:
            if made != used:
                with pytest.raises(InputError, match="not valid"):
                    opened(people, used, token_of(links[made]), NOW)


def test_a_forged_link_changes_nothing(people, reader):
    interest, links = links_of(people, reader)
    token = token_of(links["like"])
    body, _, signature = token.partition(".")
    told = json.loads(base64.urlsafe_b64decode(body + "=="))
    told["payload"]["paper"] = "birds:1"
    other = base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")
    forged = [
        f"{other}.{signature}", body, f"{body}.", f".{signature}", token[:-1], token[1:], "", "é",
        "a" * 100_000, token + "\0", token.replace(".", ".A"),
        token_of(Links("https://p", b"x" * 32, reader.id, NOW).mark("like", "p", interest.id)),
    ]  # fmt: skip
    for each in forged:
        with pytest.raises(InputError):
            mark_by_link(people, "like", each, NOW)
    with pytest.raises(InputError, match="expired"):
        mark_by_link(people, "like", token, NOW + timedelta(days=181))
    assert people.interest(reader.id, interest.id) == interest


def test_a_link_for_an_interest_that_is_gone_is_an_error(people, reader):
    interest, links = links_of(people, reader)
    people.delete_interest(reader.id, interest.id)
    with pytest.raises(InputError):
        mark_by_link(people, "like", token_of(links["like"]), NOW)
