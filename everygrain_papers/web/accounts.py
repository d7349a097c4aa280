"""Logging in and out, where readers have accounts."""

from __future__ import annotations

from starlette.responses import Response

from everygrain.errors import InputError
from everygrain_papers.web.guard import too_often
from everygrain_papers.web.rendering import Refusal
from everygrain_papers.web.visit import Visit, local, set_cookie

WRONG = "This name and this password do not belong together."


def login(visit: Visit) -> Response:
    """Open a session for a name and a password; who guesses is slowed down by address.

    A limit on a name alone would let anybody keep its owner out.
    """
    if not visit.accounts:
        return visit.go("/")
    wanted = local(visit.field("next") or visit.asked("next") or "/")
    if visit.request.method != "POST":
        return visit.page("login.html", place="", next=wanted, name="", wrong="")
    name = visit.field("name")
    client = visit.request.client
    address = f"address {client.host if client else ''}"
    if wait := visit.house.logins.take("login", address):
        raise too_often(wait, "Too many attempts to log in.")
    user = visit.people.authenticate(name, visit.form.get("password", ""))
    if user is None:
        return visit.page("login.html", 401, place="", next=wanted, name=name, wrong=WRONG)
    visit.house.logins.forgive("login", address)
    response = visit.go(wanted, "in")
    set_cookie(visit.house, response, visit.house.cookies[1], visit.people.open_session(user.id))
    return response


def logout(visit: Visit) -> Response:
    """End this session."""
    name = visit.house.cookies[1]
    visit.people.close_session(visit.request.cookies.get(name, ""))
    response = visit.go("/login" if visit.accounts else "/", "out")
    response.delete_cookie(name, "/", secure=visit.house.settings.secure, httponly=True)
    return response


def account(visit: Visit) -> Response:
    """Change the password, which ends all other sessions."""
    if not visit.accounts:
        raise Refusal(404, "This room has no accounts.", "All of it is yours.")
    if visit.request.method != "POST":
        return visit.page("account.html", place="", wrong="")
    if wait := visit.house.logins.take("login", f"name {visit.user.name.casefold()}"):
        raise too_often(wait, "Too many attempts.")
    present, wanted = visit.form.get("present", ""), visit.form.get("password", "")
    if visit.people.authenticate(visit.user.name, present) is None:
        return visit.page("account.html", 401, place="", wrong="The present password is another.")
    try:
        visit.people.set_password(visit.user.id, wanted)
    except InputError as error:
        return visit.page("account.html", 400, place="", wrong=str(error))
    response = visit.go("/account", "password")
    session = visit.people.open_session(visit.user.id)
    set_cookie(visit.house, response, visit.house.cookies[1], session)
    return response
