"""Whose interests a command is about."""

from __future__ import annotations

from everygrain.errors import InputError
from everygrain_papers.interests.interest import Interest
from everygrain_papers.people import People, User
from everygrain_papers.room import ReadingRoom


def people_of(room: ReadingRoom) -> People:
    """Open the people of a room."""
    return People(room.folder / "people.db")


def named_user(people: People, name: str) -> User:
    """Return the user of a name. Raises InputError if there is none."""
    for user in people.users():
        if user.name.casefold() == name.casefold():
            return user
    raise InputError(f"There is no user '{name}'.", "List them: everygrain papers users.")


def reader_of(people: People, name: str | None) -> User:
    """Return the user of a name, or the one there is; made where there is none.

    Raises InputError where there are several and none was named.
    """
    if name is not None:
        return named_user(people, name)
    known = people.users()
    if len(known) > 1:
        raise InputError(
            "The room has several users.",
            f"Say --user, one of {', '.join(user.name for user in known)}.",
        )
    return known[0] if known else people.single()


def interest_of(people: People, user: User, name: str | None) -> Interest:
    """Return a user's interest by name or id, or the only one.

    Raises InputError where none or several would fit.
    """
    every = people.interests(user.id)
    if name is None:
        if len(every) == 1:
            return every[0]
        if not every:
            raise InputError(
                "There is no interest yet.",
                "Make one: everygrain papers interests --add NAME --keyword WORDS.",
            )
        raise InputError(
            "There are several interests.",
            f"Say --interest, one of {', '.join(repr(each.name) for each in every)}.",
        )
    for each in every:
        if name == each.id or name.casefold() == each.name.casefold():
            return each
    raise InputError(f"There is no interest '{name}'.", "List them: everygrain papers interests.")
