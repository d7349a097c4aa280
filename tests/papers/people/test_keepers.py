"""Who may change what all readers of a room see."""

import pytest

from everygrain.errors import InputError
from everygrain_papers.people import People

from .conftest import PASSWORD


def test_an_unknown_user_is_no_keeper_and_becomes_none(people, ann):
    assert not people.is_keeper("nobody")
    for change in (people.appoint_keeper, people.dismiss_keeper):
        with pytest.raises(InputError, match="no user"):
            change("nobody")


def test_whoever_is_no_keeper_cannot_be_dismissed(people, clock, ann):
    clock.pass_by(days=1)
    bob = people.add_user("Bob", PASSWORD)
    with pytest.raises(InputError, match="is no keeper"):
        people.dismiss_keeper(bob.id)


def test_the_first_account_keeps_a_room_that_was_made_before_there_were_keepers(people, clock, ann):
    clock.pass_by(days=1)
    bob = people.add_user("Bob", PASSWORD)
    with people.database.reading() as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    assert "keepers" not in tables  # as in a file of an older program
    assert people.is_keeper(ann.id)
    assert not people.is_keeper(bob.id)


def test_the_reader_of_a_room_without_accounts_is_no_account(people, clock):
    single = people.single()
    clock.pass_by(days=1)
    bob = people.add_user("Bob", PASSWORD)
    assert people.is_keeper(bob.id)
    assert not people.is_keeper(single.id)
    ann = people.adopt_single("Ann", PASSWORD)
    assert people.is_keeper(ann.id)  # the longest here, as soon as there is a password


def test_a_room_may_have_several_keepers_and_the_first_stays_one(people, clock, ann):
    clock.pass_by(days=1)
    bob, cid = people.add_user("Bob", PASSWORD), people.add_user("Cid", PASSWORD)
    people.appoint_keeper(bob.id)
    people.appoint_keeper(bob.id)
    assert [people.is_keeper(each.id) for each in (ann, bob, cid)] == [True, True, False]
    people.dismiss_keeper(ann.id)
    assert [people.is_keeper(each.id) for each in (ann, bob, cid)] == [False, True, False]


def test_the_only_keeper_cannot_be_dismissed(people, clock, ann):
    clock.pass_by(days=1)
    people.add_user("Bob", PASSWORD)
    with pytest.raises(InputError, match="only keeper"):
        people.dismiss_keeper(ann.id)
    assert people.is_keeper(ann.id)


def test_when_the_last_keeper_is_deleted_the_longest_here_keeps_the_room(people, clock, ann):
    clock.pass_by(days=1)
    bob = people.add_user("Bob", PASSWORD)
    clock.pass_by(days=1)
    cid = people.add_user("Cid", PASSWORD)
    people.appoint_keeper(cid.id)
    people.dismiss_keeper(ann.id)
    people.delete_user(cid.id)
    assert people.is_keeper(ann.id)
    people.delete_user(ann.id)
    assert people.is_keeper(bob.id)


def test_who_keeps_the_room_is_stored(people, clock, ann):
    clock.pass_by(days=1)
    bob = people.add_user("Bob", PASSWORD)
    people.appoint_keeper(bob.id)
    with People(people.path) as again:
        assert again.is_keeper(bob.id)
        assert again.database.problems() == []
