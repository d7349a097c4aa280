"""Passwords are hashed slowly, and a user who does not exist costs the same work."""

import threading

import argon2
import pytest
from argon2 import PasswordHasher

from everygrain.errors import InputError
from everygrain_papers.people import People
from everygrain_papers.people.passwords import Passwords, default_hasher
from tests.papers.people.conftest import CHEAP, PASSWORD


class CountingHasher(PasswordHasher):
    """The real hasher, noting what it is asked to verify."""

    def __init__(self, **parameters):
        super().__init__(**parameters)
        self.verified = []

    def verify(self, hash, password):
        self.verified.append(argon2.extract_parameters(hash))
        return super().verify(hash, password)


@pytest.mark.parametrize(
    "password",
    ["", "short", "nine char", "x" * 1025, "a" * 40, "abababababab", "lone \ud800 surrogate", None,
     b"bytes are no text", 1234567890],
)  # fmt: skip
def test_a_password_that_is_too_short_too_long_or_no_text_is_refused(people, password):
    with pytest.raises(InputError):
        people.add_user("Ann", password)
    assert people.users() == []


@pytest.mark.parametrize(
    "password",
    ["ten chars!", "x" * 1000 + "yz", "nul \x00 inside it", "пароль из слов", "🔒🔑🗝️ and more"],
)
def test_any_other_password_lets_its_user_in(people, password):
    user = people.add_user("Ann", password)
    assert people.authenticate("Ann", password) == user
    assert people.authenticate("Ann", password + "x") is None
    assert people.authenticate("Ann", password[:-1]) is None


def test_a_password_counts_however_unicode_writes_it(people):
    user = people.add_user("Ann", "cafe\u0301 au lait")
    assert people.authenticate("Ann", "caf\u00e9 au lait") == user


def test_the_hash_is_argon2id_with_its_costs_and_a_salt_of_its_own():
    passwords = Passwords()
    one, two = passwords.hash(PASSWORD), passwords.hash(PASSWORD)
    assert one != two
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    # verified by the library alone, without our code
    assert PasswordHasher().verify(one, PASSWORD)
    assert len(one.split("$")[4]) == 22  # 16 bytes of salt


def test_an_unknown_user_and_a_wrong_password_cost_the_same_work(tmp_path):
    hasher = CountingHasher(time_cost=1, memory_cost=64, parallelism=1)
    with People(tmp_path / "people.db", passwords=Passwords(hasher)) as people:
        people.add_user("Ann", PASSWORD)
        people.single()
        tried = [
            ("Ann", "a wrong password"),
            ("Nobody", PASSWORD),
            ("", PASSWORD),
            ("x" * 100_000, PASSWORD),
            ("control \x00", PASSWORD),
            ("Ann", ""),
            ("Ann", "x" * 1_000_000),
            ("Ann", "lone \ud800 surrogate"),
            ("reader", PASSWORD),  # has no password
            ("reader", ""),
            (None, None),
        ]
        for name, password in tried:
            assert people.authenticate(name, password) is None
        assert people.authenticate("Ann", PASSWORD) is not None
    assert len(hasher.verified) == len(tried) + 1
    assert len(set(map(str, hasher.verified))) == 1


def test_what_stands_for_nobody_is_a_hash_that_the_library_reads():
    stored = Passwords()._of_nobody()
    assert argon2.extract_parameters(stored) == argon2.extract_parameters(
        default_hasher().hash("x")
    )
    with pytest.raises(argon2.exceptions.VerifyMismatchError):
        default_hasher().verify(stored, "")


def stored_hash(people, user):
    with people.database.reading() as connection:
        return connection.execute(
            "SELECT password FROM users WHERE id = ?", (user.id,)
        ).fetchone()[0]  # fmt: skip


def test_a_hash_of_former_costs_is_made_anew_at_the_next_login_only_with_the_password(people, ann):
    former = stored_hash(people, ann)
    costlier = Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    with People(people.path, passwords=costlier) as later:
        assert later.authenticate("Ann", "a wrong password") is None
        assert stored_hash(later, ann) == former
        assert later.authenticate("Ann", PASSWORD) == ann
        assert "m=16,t=2,p=1" in stored_hash(later, ann)
        renewed = stored_hash(later, ann)
        assert later.authenticate("Ann", PASSWORD) == ann
        assert stored_hash(later, ann) == renewed


def test_a_crowd_that_logs_in_at_once_is_hashed_four_at_a_time(tmp_path):
    class WatchedHasher(PasswordHasher):
        """The real hasher, noting how many threads are in it."""

        def __init__(self, **parameters):
            super().__init__(**parameters)
            self.lock, self.inside, self.most = threading.Lock(), 0, 0

        def verify(self, hash, password):
            with self.lock:
                self.inside += 1
                self.most = max(self.most, self.inside)
            try:
                return super().verify(hash, password)
            finally:
                with self.lock:
                    self.inside -= 1

    hasher = WatchedHasher(time_cost=1, memory_cost=1024, parallelism=1)
    with People(tmp_path / "people.db", passwords=Passwords(hasher)) as people:
        ann, let_in = people.add_user("Ann", PASSWORD), []

        def log_in():
            let_in.extend(people.authenticate("Ann", PASSWORD) for _ in range(5))

        threads = [threading.Thread(target=log_in) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert let_in == [ann] * 60
    assert 1 <= hasher.most <= 4


def test_a_damaged_hash_lets_nobody_in(people, ann):
    with people.database.writing() as connection:
        connection.execute("UPDATE users SET password = 'no hash'")
    assert people.authenticate("Ann", PASSWORD) is None


def test_the_cheap_costs_of_tests_are_not_the_default():
    assert default_hasher().memory_cost > CHEAP.memory_cost
