"""The people of a reading room: all that is a user's own, in one file, each user's apart."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from everygrain_papers.interests.interest import Interest
from everygrain_papers.people import interests, judgements, keepers, marks, sessions, users
from everygrain_papers.people.database import Database, written
from everygrain_papers.people.judgements import Judgement
from everygrain_papers.people.marks import Mark
from everygrain_papers.people.passwords import Passwords
from everygrain_papers.people.users import User


def _now() -> datetime:
    return datetime.now(UTC)


class People:
    """Users, sessions, interests, marks, what was seen and judged; for many threads and processes.

    path        people.db; made if it is not there, readable by its owner alone
    clock       gives the time, aware of its zone
    passwords   makes and verifies their hashes
    database    for other owners of tables in the file: `reading()` and `writing()` lend connections

    Every call is one transaction: done whole when it returns, or not done at all. Wherever a user's
    id is taken, an unknown one raises InputError, and nothing of another user is read or changed.

    Raises what Database does.
    """

    def __init__(
        self, path: str | Path, *, clock: Callable[[], datetime] = _now,
        passwords: Passwords | None = None,
    ) -> None:  # fmt: skip
        self.database = Database(Path(path))
        self._clock = clock
        self._passwords = passwords or Passwords()
        self._secret = self.database.secret()

    @property
    def path(self) -> Path:
        return self.database.path

    @property
    def secret(self) -> bytes:
        """32 random bytes of this room, for signing links and forms."""
        return self._secret

    def connect(self) -> sqlite3.Connection:
        """Open a connection in autocommit, with foreign keys on, that the caller closes.

        Tables that refer to `users(id)` must say ON DELETE CASCADE.
        """
        return self.database.connect()

    def close(self) -> None:
        self.database.close()

    def __enter__(self) -> People:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    # users

    def single(self) -> User:
        """Return the one user of a room without accounts, made at the first call.

        This user has no password, so that nobody can log in as this user.
        """
        with self.database.reading() as connection:
            known = users.single(connection)
        if known is not None:
            return known
        with self.database.writing() as connection:
            return users.add_single(connection, self._written())

    def adopt_single(self, name: str, password: str, email: str = "") -> User | None:
        """Give the one user of a room without accounts a name and a password, so that their
        interests become those of an account. Returns None where there is none, or has one already.

        Raises InputError as `add_user` does.
        """
        hashed = self._passwords.hash(password)
        with self.database.writing() as connection:
            known = users.single(connection)
            if known is None or users.has_password(connection, known.id):
                return None
            changed = users.change(connection, known.id, name=name, email=email or None)
            users.set_password(connection, known.id, hashed)
            return changed

    def add_user(self, name: str, password: str, email: str = "") -> User:
        """Store a user. Raises InputError for a name that is taken and a password too short."""
        users.checked_name(name)
        hashed = self._passwords.hash(password)
        with self.database.writing() as connection:
            return users.add(connection, name, email, hashed, self._written())

    def authenticate(self, name: str, password: str) -> User | None:
        """Return who has this name and this password, if anybody; it takes as long if nobody has.

        A hash that was made with former parameters is replaced. Whoever calls this for the network
        limits how often: see `limits`.
        """
        with self.database.reading() as connection:
            found = users.by_name(connection, name)
        user, stored = found or (None, None)
        if not self._passwords.verify(stored, password) or user is None or stored is None:
            return None
        if self._passwords.is_dated(stored):
            hashed = self._passwords.hash(password)
            with self.database.writing() as connection:
                users.set_password(connection, user.id, hashed, instead_of=stored)
        return user

    def users(self) -> list[User]:
        """Return all users, the longest here first."""
        with self.database.reading() as connection:
            return users.users(connection)

    def user(self, user_id: str) -> User:
        """Return a user. Raises InputError for an unknown id."""
        with self.database.reading() as connection:
            return users.user(connection, user_id)

    def set_password(self, user_id: str, password: str) -> None:
        """Store another password and end all sessions of the user. Raises InputError."""
        hashed = self._passwords.hash(password)
        with self.database.writing() as connection:
            users.set_password(connection, user_id, hashed)
            sessions.close_all(connection, user_id)

    def change_user(
        self, user_id: str, *, name: str | None = None, email: str | None = None
    ) -> User:
        """Store another name or address; None leaves what is. Raises InputError."""
        with self.database.writing() as connection:
            return users.change(connection, user_id, name, email)

    def delete_user(self, user_id: str) -> None:
        """Remove a user and everything of the user, in the tables of other owners, too."""
        with self.database.writing() as connection:
            users.delete(connection, user_id)
        self.database.fold_log()  # where what was deleted could still be found

    def is_keeper(self, user_id: str) -> bool:
        """Tell whether a user may change what all readers see."""
        with self.database.reading() as connection:
            return user_id in keepers.keepers(connection)

    def appoint_keeper(self, user_id: str) -> None:
        """Let a user change what all readers see. Raises InputError for an unknown user."""
        with self.database.writing() as connection:
            keepers.appoint(connection, user_id)

    def dismiss_keeper(self, user_id: str) -> None:
        """Take that back. Raises InputError for who is no keeper, and for the only one."""
        with self.database.writing() as connection:
            keepers.dismiss(connection, user_id)

    # sessions

    def open_session(self, user_id: str) -> str:
        """Open a session and return its token, which is stored nowhere."""
        with self.database.writing() as connection:
            return sessions.open_session(connection, user_id, self._clock())

    def session(self, token: str | None) -> User | None:
        """Return whose session a token opens; None if it is over, closed or never was one."""
        now = self._clock()
        with self.database.reading() as connection:
            found = sessions.session(connection, token, now)
        if found is None or token is None:
            return None
        user, used = found
        if now - used >= sessions.NOTED:
            with self.database.writing() as connection:
                sessions.note_use(connection, token, now)
        return user

    def rotate_session(self, token: str) -> str | None:
        """Return a new token for the same session, and end the old; None if the old opens none."""
        with self.database.writing() as connection:
            return sessions.rotate(connection, token, self._clock())

    def close_session(self, token: str) -> None:
        """End a session; a token that opens none is no error."""
        with self.database.writing() as connection:
            sessions.close(connection, token)

    # interests and marks

    def interests(self, user_id: str) -> list[Interest]:
        """Return all interests of a user, in the user's order."""
        with self.database.reading() as connection:
            users.user(connection, user_id)
            return interests.interests(connection, user_id)

    def interest(self, user_id: str, interest_id: str) -> Interest:
        """Return an interest. Raises InputError for one that the user has not."""
        with self.database.reading() as connection:
            users.user(connection, user_id)
            return interests.interest(connection, user_id, interest_id)

    def add_interest(
        self, user_id: str, name: str, *, seeds: Sequence[str] = (), liked: Sequence[str] = (),
        disliked: Sequence[str] = (), keywords: Sequence[str] = (), negative: Sequence[str] = (),
    ) -> Interest:  # fmt: skip
        """Store a new interest after the others. Raises InputError for what none can hold."""
        fields = {
            "name": name, "seeds": seeds, "liked": liked, "disliked": disliked,
            "keywords": keywords, "negative": negative,
        }  # fmt: skip
        with self.database.writing() as connection:
            users.user(connection, user_id)
            return interests.add(connection, user_id, fields, self._written())

    def save_interest(self, user_id: str, interest: Interest) -> None:
        """Store an interest exactly as it is given; marks that stay keep their time.

        What was marked since the interest was read is lost; a form of some fields had better call
        `change_interest`.
        """
        with self.database.writing() as connection:
            users.user(connection, user_id)
            interests.save(connection, user_id, interest, self._written())

    def change_interest(self, user_id: str, interest_id: str, **fields: Any) -> Interest:
        """Store other values of some fields (name, seeds, keywords, negative, liked, disliked)."""
        with self.database.writing() as connection:
            users.user(connection, user_id)
            former = interests.interest(connection, user_id, interest_id)
            changed = interests.with_fields(former, fields)
            return interests.save(connection, user_id, changed, self._written())

    def order_interests(self, user_id: str, interest_ids: Sequence[str]) -> None:
        """Put a user's interests in this order. Raises InputError unless each is named once."""
        with self.database.writing() as connection:
            users.user(connection, user_id)
            interests.order(connection, user_id, interest_ids)

    def delete_interest(self, user_id: str, interest_id: str) -> None:
        """Remove an interest with its marks."""
        with self.database.writing() as connection:
            users.user(connection, user_id)
            interests.delete(connection, user_id, interest_id)

    def mark(self, user_id: str, paper_id: str, interest_id: str, mark: str) -> str:
        """Let "like", "dislike" or "none" stand for a paper in an interest.

        Returns the mark that stood before: marking with it again undoes this one.
        """
        with self.database.writing() as connection:
            users.user(connection, user_id)
            interests.require(connection, user_id, interest_id)
            return marks.mark(connection, interest_id, paper_id, mark, self._written())

    def marks(self, user_id: str) -> list[Mark]:
        """Return all marks of a user with their times, oldest first."""
        with self.database.reading() as connection:
            users.user(connection, user_id)
            return marks.marks(connection, user_id)

    # what was seen and judged

    def see(self, user_id: str, paper_ids: Iterable[str]) -> None:
        """Store that papers were shown to a user."""
        with self.database.writing() as connection:
            users.user(connection, user_id)
            judgements.see(connection, user_id, paper_ids, self._written())

    def seen(self, user_id: str) -> set[str]:
        """Return the ids of all papers that a user was shown."""
        with self.database.reading() as connection:
            users.user(connection, user_id)
            return judgements.seen(connection, user_id)

    def judge(self, user_id: str, query: str, paper_id: str, grade: int | None) -> None:
        """Store a grade from 0 to 4 of a paper for a query; None takes it back."""
        with self.database.writing() as connection:
            users.user(connection, user_id)
            judgements.judge(connection, user_id, query, paper_id, grade, self._written())

    def judgements(self, user_id: str) -> list[Judgement]:
        """Return all grades that a user gave, by query, the best papers first."""
        with self.database.reading() as connection:
            users.user(connection, user_id)
            return judgements.judgements(connection, user_id)

    def _written(self) -> str:
        return written(self._clock())
