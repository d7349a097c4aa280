"""`everygrain papers users`: accounts of a room that a group shares."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from everygrain.cli.plugin import output, print_json, remark
from everygrain.errors import InputError
from everygrain_papers.cli.options import AsJson, Room, opened
from everygrain_papers.cli.readers import named_user, people_of


def users(
    add: Annotated[str | None, typer.Option(metavar="NAME", help="Make an account.")] = None,
    email: Annotated[str, typer.Option(metavar="ADDRESS", help="Of the new account.")] = "",
    password: Annotated[
        str | None, typer.Option(metavar="NAME", help="Set an account's password anew.")
    ] = None,
    remove: Annotated[
        str | None, typer.Option(metavar="NAME", help="Delete an account and all that is theirs.")
    ] = None,
    keeper: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Let an account undo merges and remove labels, for all."),
    ] = None,
    no_keeper: Annotated[
        str | None, typer.Option(metavar="NAME", help="Take that back from an account.")
    ] = None,
    room: Room = None,
    as_json: AsJson = False,
) -> None:
    """List the accounts, or change them. Passwords are asked for, or read from standard input.

    The first account takes over what the reader of a room without accounts has gathered, and
    keeps the room: it may change what all readers see."""
    changes = (add, password, remove, keeper, no_keeper)
    if sum(each is not None for each in changes) > 1:
        raise InputError("Several changes were asked for.", "Make one at a time.")
    with opened(room) as found, people_of(found) as people:
        if add is not None:
            given = _password()
            made = people.adopt_single(add, given, email) or people.add_user(add, given, email)
            remark(f"'{made.name}' can log in.")
        elif password is not None:
            user = named_user(people, password)
            people.set_password(user.id, _password())
            remark(f"The password of '{user.name}' was changed; all their sessions ended.")
        elif remove is not None:
            user = named_user(people, remove)
            people.delete_user(user.id)
            remark(f"'{user.name}' was deleted.")
        elif keeper is not None:
            user = named_user(people, keeper)
            people.appoint_keeper(user.id)
            remark(f"'{user.name}' keeps the room: may change what all readers see.")
        elif no_keeper is not None:
            user = named_user(people, no_keeper)
            people.dismiss_keeper(user.id)
            remark(f"'{user.name}' is a reader like others.")
        elif as_json:
            print_json(
                [
                    {"name": u.name, "email": u.email, "keeper": people.is_keeper(u.id)}
                    for u in people.users()
                ]
            )
        else:
            for user in people.users():
                told = f"{user.name} {user.email}".strip()
                told += " (keeper)" if people.is_keeper(user.id) else ""
                output().print(told, markup=False, highlight=False)
            if not people.users():
                remark("No accounts: whoever opens the pages on this machine is the reader.")


def _password() -> str:
    """Ask for a password where somebody sits, or read one line of standard input."""
    if sys.stdin.isatty():
        told: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return told
    return sys.stdin.readline().rstrip("\r\n")
