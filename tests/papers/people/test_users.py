"""Users have names of their own, and nothing of a deleted one remains."""

import sqlite3
from contextlib import closing

import pytest

from everygrain.errors import InputError
from everygrain_papers.people import People, User
from tests.papers.people.conftest import PASSWORD


@pytest.mark.parametrize(
    "name", ["", "  ", "x" * 65, "two\nlines", "nul\x00", "turned \u202e round", "zero\u200bwidth",
             "\ud800", "x" * 1_000_000, None, 5, "\u00a0"],
)  # fmt: skip
def test_a_name_that_nobody_can_read_is_refused(people, name):
    with pytest.raises(InputError):
        people.add_user(name, PASSWORD)
    assert people.users() == []


@pytest.mark.parametrize(
    "email", ["ann", "@example.org", "ann@", "ann@exa mple.org", "ann@example.org\nBcc: x@y.z",
              "a@b, c@d", "<ann@example.org>", "ann@example..org", "é@example.org",
              "x" * 65 + "@example.org", "a@" + "b" * 300, "a@b@c", None],
)  # fmt: skip
def test_an_address_that_no_mail_goes_to_or_that_hides_a_header_is_refused(people, email):
    with pytest.raises(InputError):
        people.add_user("Ann", PASSWORD, email)
    user = people.add_user("Ann", PASSWORD, "ann+papers@mail.example.org")
    with pytest.raises(InputError):
        people.change_user(user.id, name="Anna", email=email or "no address")
    assert people.user(user.id) == user


@pytest.mark.parametrize("other", ["Ann", "ANN", "ann", " ann ", "Ａｎｎ"])
def test_a_name_that_looks_like_another_users_is_taken(people, ann, other):
    with pytest.raises(InputError, match="already"):
        people.add_user(other, PASSWORD)
    assert people.users() == [ann]
    assert people.authenticate(other, PASSWORD) == ann


@pytest.mark.parametrize(
    "identity", ["", "unknown", "x" * 100_000, "' OR 1=1 --", "\x00", "\ud800", None, 7, b"x"]
)
def test_an_unknown_user_is_told_everywhere(people, ann, identity):
    interest = people.add_interest(ann.id, "Ranking")
    for act in (
        lambda: people.user(identity),
        lambda: people.set_password(identity, PASSWORD),
        lambda: people.change_user(identity, name="Other"),
        lambda: people.delete_user(identity),
        lambda: people.open_session(identity),
        lambda: people.interests(identity),
        lambda: people.interest(identity, interest.id),
        lambda: people.add_interest(identity, "Name"),
        lambda: people.save_interest(identity, interest),
        lambda: people.change_interest(identity, interest.id, name="Other"),
        lambda: people.order_interests(identity, []),
        lambda: people.delete_interest(identity, interest.id),
        lambda: people.mark(identity, "paper", interest.id, "like"),
        lambda: people.marks(identity),
        lambda: people.see(identity, ["paper"]),
        lambda: people.seen(identity),
        lambda: people.judge(identity, "query", "paper", 1),
        lambda: people.judgements(identity),
    ):
        with pytest.raises(InputError, match="no user with this id"):
            act()
    assert people.interests(ann.id) == [interest]
    assert people.users() == [ann]


def test_the_single_user_is_made_once_has_no_password_and_stays(people, clock):
    first = people.single()
    assert first == people.single() == User(first.id, "reader", "")
    with People(people.path) as again:
        assert again.single() == first
    assert people.users() == [first]
    assert people.authenticate("reader", "") is None
    changed = people.change_user(first.id, name="Ann", email="ann@example.org")
    assert people.single() == changed == User(first.id, "Ann", "ann@example.org")
    people.set_password(first.id, PASSWORD)
    assert people.authenticate("ann", PASSWORD) == changed


def test_the_single_user_gets_another_name_where_its_own_is_taken(people):
    taken = people.add_user("Reader", PASSWORD)
    assert people.single().name.startswith("reader-")
    assert people.single() != taken


def test_users_come_in_the_order_of_their_coming(people, clock):
    made = []
    for name in ("Zoe", "Ann", "Mia"):
        made.append(people.add_user(name, PASSWORD))
        clock.pass_by(seconds=1)
    assert people.users() == made


def test_a_name_may_change_and_then_counts(people, ann, bob):
    with pytest.raises(InputError, match="already"):
        people.change_user(ann.id, name="bob")
    people.change_user(ann.id, name="Anna")
    assert people.authenticate("Ann", PASSWORD) is None
    assert people.authenticate("Anna", PASSWORD).id == ann.id
    assert people.user(ann.id).email == "ann@example.org"


def test_another_password_ends_every_session_of_its_user_alone(people, ann, bob):
    tokens = [people.open_session(ann.id), people.open_session(ann.id)]
    other = people.open_session(bob.id)
    people.set_password(ann.id, "another few words")
    assert [people.session(token) for token in tokens] == [None, None]
    assert people.session(other) == bob
    assert people.authenticate("Ann", PASSWORD) is None
    assert people.authenticate("Ann", "another few words") == ann
    with pytest.raises(InputError):
        people.set_password(ann.id, "short")
    assert people.authenticate("Ann", "another few words") == ann


def test_nothing_of_a_deleted_user_remains_in_any_table_or_byte_of_the_file(people, ann, bob):
    with closing(people.connect()) as connection:
        connection.execute(
            "CREATE TABLE subscriptions (id INTEGER PRIMARY KEY, words TEXT,"
            " user TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE)"
        )
        for user in (ann, bob):
            connection.execute(
                "INSERT INTO subscriptions (words, user) VALUES (?, ?)",
                (f"secret subscription of {user.name}", user.id),
            )
    tokens = {}
    for user in (ann, bob):
        word = f"secret-of-{user.name}"
        interest = people.add_interest(user.id, word, keywords=[word], seeds=[word])
        people.mark(user.id, word, interest.id, "like")
        people.see(user.id, [word])
        people.judge(user.id, word, word, 1)
        tokens[user] = people.open_session(user.id)
    people.delete_user(ann.id)
    assert people.users() == [bob]
    assert people.session(tokens[ann]) is None
    assert people.session(tokens[bob]) == bob
    with closing(people.connect()) as connection:
        names = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        counts = {
            name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
            for name in names
        }  # fmt: skip
    assert counts == dict.fromkeys(names, 1)
    content = b"".join(
        each.read_bytes() for each in people.path.parent.iterdir() if each.name != "people.db-shm"
    )
    for word in (b"secret-of-Ann", b"ann@example.org", b"subscription of Ann", ann.id.encode()):
        assert word not in content
    assert b"secret-of-Bob" in content


def test_a_user_can_be_deleted_while_another_thread_reads(people, ann, bob):
    people.add_interest(ann.id, "secret-of-Ann")
    with people.database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (2,)
        people.delete_user(ann.id)
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (2,)
    assert people.users() == [bob]
    people.close()
    assert b"secret-of-Ann" not in people.path.read_bytes()


def test_a_table_that_does_not_let_users_go_is_told_and_nothing_is_deleted(people, ann):
    interest = people.add_interest(ann.id, "Ranking")
    with closing(people.connect()) as connection:
        connection.execute("CREATE TABLE held (user TEXT REFERENCES users (id))")
        connection.execute("INSERT INTO held VALUES (?)", (ann.id,))
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute("INSERT INTO held VALUES ('nobody')")
    with pytest.raises(InputError, match="ON DELETE CASCADE"):
        people.delete_user(ann.id)
    assert people.interests(ann.id) == [interest]


def test_the_single_reader_becomes_the_first_account_with_all_that_is_theirs(people):
    reader = people.single()
    mine = people.add_interest(reader.id, "Rivers")
    adopted = people.adopt_single("ada", PASSWORD)
    assert (adopted.id, adopted.name) == (reader.id, "ada")
    assert people.authenticate("ada", PASSWORD) == adopted
    assert [each.id for each in people.interests(adopted.id)] == [mine.id]
    assert people.adopt_single("bob", PASSWORD) is None
    assert people.users() == [adopted]


def test_a_room_without_a_reader_has_nobody_to_adopt(people):
    assert people.adopt_single("ada", PASSWORD) is None
    assert people.users() == []
    with pytest.raises(InputError):
        people.adopt_single("ada", "x")
